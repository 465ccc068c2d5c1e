// "Needs you": unknown outcomes, then what is paid and not landed. One card each, with what is known and the ways out.

import { Badge, Button, Copyable, Time, Unknown } from "./elements.js";
import { Link, h, memo, useCallback, useRef, useState } from "./react.js";
import { dagPath, logPath, place, runPath, withHeld } from "./rows.js";
import { amount, count, difference } from "./text.js";
import { Ways } from "./ways.js";

const KINDS = {
  unknown_outcome: {
    label: "Outcome unknown",
    text: "The list was sent and no answer was received. The API may have accepted and charged it.",
  },
  not_landed: { label: "Paid, not landed", text: "The remote task is paid for, and its result is not in place." },
  not_known: {
    label: "Cost not known",
    text: "The task failed and left no record that this page can read. Its log says whether something was sent.",
  },
};

/** What is the matter; a landing that no further try can do has no button to clear it. */
function textOf(need, kind) {
  return need.kind === "not_landed" && !need.ways.includes("clear") ? "The remote task has ended, and no further try can land a result of it." : kind.text;
}

const CHARGES = { none: "Not charged", possible: "Possible", certain: "Charged" };

const STORES = { variables: "Airflow Variable", s3: "S3 object", directory: "file" };

function Fact({ name, children, wide = false }) {
  return h("div", { className: wide ? "ekyc-fact ekyc-fact-wide" : "ekyc-fact" }, h("dt", null, name), h("dd", null, children ?? h(Unknown)));
}

/** The balance before and after: evidence for a person, who knows what else was charged meanwhile. */
function balance({ balance_before: before, balance_after: after }) {
  if (!before && !after) return null;
  const less = difference(before, after);
  const change = less === null ? null : Number(less) === 0 ? "unchanged" : less.startsWith("-") ? `${amount(less.slice(1))} more` : `${amount(less)} less`;
  return h(
    "span",
    null,
    `${amount(before) ?? "not known"} before, `,
    h("span", { className: "ekyc-whole" }, `${amount(after) ?? "not known"} after`),
    change && h("strong", { className: "ekyc-block" }, change),
  );
}

/** Where the record is, without the words that say which store it is in. */
function recordText(need) {
  const label = STORES[need.store];
  return { label, text: String(need.record).replace(/^Airflow Variable /, "") };
}

const Facts = memo(function Facts({ row, zone }) {
  const { need } = row;
  const unknown = need.kind === "unknown_outcome";
  const ids = (need.possible_ids ?? []).filter((id) => id !== row.ekyc_task_id);
  return h(
    "dl",
    { className: "ekyc-facts" },
    h(Fact, { name: "Rows" }, count(need.rows ?? row.rows)),
    h(Fact, { name: unknown ? "Sent" : "When" }, h(Time, { iso: need.when, zone })),
    need.charge && h(Fact, { name: "Charge" }, CHARGES[need.charge] ?? need.charge),
    unknown && h(Fact, { name: "Estimated cost" }, amount(need.estimated_cost)),
    unknown && h(Fact, { name: "Balance" }, balance(need)),
    row.ekyc_task_id && h(Fact, { name: "Remote id" }, h(Copyable, { text: row.ekyc_task_id, what: "the remote id", href: row.console_url })),
    ids.length > 0 &&
      h(Fact, { name: ids.length === 1 ? "Possible id" : "Possible ids" }, ids.map((id) => h(Copyable, { key: id, text: String(id), what: "the id" }))),
  );
});

/** What is needed to look closer: the task's own words, and where its record is. */
function Details({ need }) {
  const record = need.record ? recordText(need) : null;
  if (!need.message && record === null) return null;
  return h(
    "details",
    { className: "ekyc-details", open: need.kind !== "unknown_outcome" && Boolean(need.message) },
    h("summary", null, need.message ? "What the task reported" : "Record"),
    need.message && h("p", { className: "ekyc-message", tabIndex: 0 }, h("bdi", null, need.message)),
    record &&
      h(
        "dl",
        { className: "ekyc-facts" },
        h(Fact, { name: record.label ? `Record (${record.label})` : "Record", wide: true }, h(Copyable, { text: record.text, what: "the record's address" })),
      ),
  );
}

const Card = memo(function Card({ id, row, zone, full, named, gone, onHold, onDone }) {
  const { need } = row;
  const kind = KINDS[need.kind] ?? KINDS.not_known;
  const where = place(row);
  const hold = useCallback((held) => onHold(id, held ? row : null), [id, row, onHold]);
  return h(
    "li",
    { className: `ekyc-card ekyc-card-${need.kind}${named ? " ekyc-named" : ""}`, "data-anchor": "", "data-row": row.id, "data-named": named || undefined },
    h(
      "div",
      { className: "ekyc-card-head" },
      h(Badge, { tone: need.kind === "not_landed" ? "retry" : "failed", label: kind.label }),
      full && h(Link, { to: dagPath(need.dag_id), className: "ekyc-link ekyc-strong" }, need.dag_id),
      full && h(Link, { to: runPath(need.dag_id, need.run_id), className: "ekyc-link" }, need.run_id),
      h(Link, { to: logPath({ ...need, try_number: null }), className: "ekyc-link" }, need.task_id),
      where?.includes("[") && h("span", null, where.slice(where.indexOf("["))),
    ),
    h("p", null, gone ? "It is no longer in this list: it was settled, its task runs again, or other filters were chosen." : textOf(need, kind)),
    h(Facts, { row, zone }),
    h(Details, { need }),
    h(Ways, { need, onHold: hold, onDone }),
  );
});

/** Cards that are shown at first: more than these nobody settles at once, and a hundred take a while to draw. */
const FIRST = 10;

/**
 * The section; `within` is "DAG" or "run" where not all is shown, `old` whether the rows are still of other filters,
 * `isNamed(row)` whether the page's address names the row.
 */
export function Needs({ needs, zone, full, within, old, isNamed, onDone }) {
  const [held, setHeld] = useState(() => new Map());
  const order = useRef([]);
  const title = useRef(null);
  const onHold = useCallback((key, row) => {
    setHeld((before) => {
      const after = new Map(before);
      if (row) after.set(key, row);
      else after.delete(key);
      return after;
    });
    // The button that was pressed is gone with its card: the focus goes to the heading rather than to nowhere.
    if (!row) requestAnimationFrame(() => document.activeElement === document.body && title.current?.focus({ preventScroll: true }));
  }, []);
  const [all, setAll] = useState(false);
  const every = withHeld(needs.rows, held, order.current);
  order.current = every.map(([key]) => key);
  const listed = all ? every : every.filter(([key, row], index) => index < FIRST || held.has(key) || isNamed(row));
  const total = needs.rows.length;
  return h(
    "section",
    { "aria-labelledby": "ekyc-needs" },
    h("h2", { id: "ekyc-needs", ref: title, tabIndex: -1 }, "Needs you", total > 0 && h("span", { className: "ekyc-count ekyc-count-alert" }, `${count(total)}${needs.more ? "+" : ""}`)),
    listed.length === 0
      ? h("p", { className: "ekyc-second" }, old ? "Not known yet." : within ? `Nothing in this ${within}.` : "Nothing. Every submission has a known outcome, and all that is paid has landed or is on its way.")
      : h(
          "ul",
          { className: "ekyc-cards" },
          listed.map(([key, row, gone]) => h(Card, { key, id: key, row, zone, full, named: isNamed(row), gone: gone === true, onHold, onDone })),
        ),
    listed.length < every.length && h("p", null, h(Button, { onClick: () => setAll(true) }, `Show ${count(every.length - listed.length)} more`)),
    needs.more && all && h("p", { className: "ekyc-second" }, `These are the first ${count(total)}; more follow when they are settled.`),
  );
}
