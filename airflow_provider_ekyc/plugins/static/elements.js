// What several parts of the page are made of. Every text of the database is a child of an element, never HTML.

import { Icon } from "./icons.js";
import { Link, h, memo, useEffect, useRef, useState } from "./react.js";
import { safeLink } from "./request.js";
import { dagPath, latestTask, logPath, place, runPath, statusOf } from "./rows.js";
import { clock, day, relative } from "./time.js";

const TONE_ICONS = { success: "check", failed: "cross", waiting: "clock", running: "play", retry: "retry", idle: "dots" };

/** A status as Airflow's own pages show a state: a coloured pill with a sign and a word. */
export function Badge({ tone, label }) {
  return h("span", { className: `ekyc-badge ekyc-badge-${tone}` }, h(Icon, { name: TONE_ICONS[tone] }), label);
}

/** A row's status; it leads to the log of the row's latest task. */
export function StatusBadge({ row }) {
  const { label, tone } = statusOf(row);
  const task = latestTask(row);
  const badge = h(Badge, { tone, label });
  if (task === null) return badge;
  const to = logPath({ dag_id: row.dag_id, run_id: row.run_id, ...task });
  const title = `Log of ${task.task_id}${task.state ? `, ${task.state}` : ""}`;
  return h(Link, { to, className: "ekyc-badge-link", title, "aria-label": `${label}: ${title}` }, badge);
}

/** A time in the zone of Airflow's menu, on two lines as in Airflow's own tables, or on one. */
export function Time({ iso, zone, lines = false }) {
  const [date, time] = [day(iso, zone), clock(iso, zone)];
  if (date === null) return h(Unknown);
  return h(
    "time",
    { dateTime: iso, className: lines ? "ekyc-time ekyc-time-lines" : "ekyc-time", title: `${date} ${time} ${zone}` },
    h("span", null, date),
    " ",
    h("span", null, time),
  );
}

/** A time of today or about: its clock, and how far away it is. */
export function Soon({ iso, zone, now }) {
  const time = clock(iso, zone);
  if (time === null) return h(Unknown);
  return h(
    "time",
    { dateTime: iso, className: "ekyc-time ekyc-soon", title: `${day(iso, zone)} ${time} ${zone}` },
    time,
    h("span", { className: "ekyc-second" }, ` ${relative(iso, now)}`),
  );
}

/** In place of what is not known: a dash to see, words to hear. */
export function Unknown() {
  return h("span", { className: "ekyc-none", role: "img", "aria-label": "not known" }, "–");
}

/** The DAG, the run, and which of several in one run. `full` is false where the page shows one run alone. */
export const RunCell = memo(function RunCell({ row, full = true }) {
  const where = place(row);
  return h(
    "span",
    { className: "ekyc-run" },
    full && h(Link, { to: dagPath(row.dag_id), className: "ekyc-link" }, row.dag_id),
    full && h(Link, { to: runPath(row.dag_id, row.run_id), className: "ekyc-link ekyc-second" }, row.run_id),
    where && h("span", { className: full ? "ekyc-second" : null }, where),
    !full && !where && h("span", null, (row.submit ?? row.sensor ?? row.transfer)?.task_id ?? ""),
  );
});

/** A link to another site, with a text as its child; that text alone where the address is not http or https. */
export function OutLink({ href, children, title }) {
  const safe = safeLink(href);
  if (safe === null) return h("span", { title }, children);
  return h(
    "a",
    { href: safe, target: "_blank", rel: "noopener noreferrer", className: "ekyc-link", title, "aria-label": `${children} (opens a new tab)` },
    children,
    h(Icon, { name: "external" }),
  );
}

/** Copy a text. Browsers give `navigator.clipboard` to https and localhost alone, hence the second way. */
async function copy(text) {
  if (globalThis.navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = document.createElement("textarea");
  const focused = document.activeElement;
  field.value = text;
  field.className = "ekyc-hidden";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  focused?.focus?.({ preventScroll: true });
  if (!copied) throw new Error("The browser does not allow copying.");
}

/** A button that copies a text, and says whether it did. */
export function CopyButton({ text, what }) {
  const [said, setSaid] = useState(null);
  const timer = useRef(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  const onClick = async () => {
    clearTimeout(timer.current);
    setSaid(await copy(text).then(() => "Copied", () => "Not copied"));
    timer.current = setTimeout(() => setSaid(null), 2000);
  };
  return h(
    "button",
    { type: "button", className: "ekyc-copy", onClick, title: `Copy ${what}`, "aria-label": `Copy ${what}`, "data-said": said ?? undefined },
    h(Icon, { name: said === "Copied" ? "check" : said ? "cross" : "copy" }),
    said && h("span", { className: "ekyc-hidden", role: "status" }, said),
  );
}

/** A long id or address: cut where there is no room, whole in its title, and with a button that copies it. */
export function Copyable({ text, what, href = null, shown = text }) {
  return h(
    "span",
    { className: "ekyc-copyable" },
    h("bdi", { className: "ekyc-cut ekyc-mono", title: text }, safeLink(href) ? h(OutLink, { href, title: text }, shown) : shown),
    h(CopyButton, { text, what }),
  );
}

/** A sentence with a colour: `info`, `warning` or `error`. */
export function Notice({ tone = "info", children, ...more }) {
  return h("div", { className: `ekyc-notice ekyc-notice-${tone}`, ...more }, h(Icon, { name: tone === "info" ? "clock" : "alert" }), h("div", null, children));
}

/** A button in one of three weights: `main`, `danger`, or quiet. */
export function Button({ weight = "quiet", icon = null, children, ...more }) {
  return h("button", { type: "button", className: `ekyc-button ekyc-button-${weight}`, ...more }, icon && h(Icon, { name: icon }), children);
}
