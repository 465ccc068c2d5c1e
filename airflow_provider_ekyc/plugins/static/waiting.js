// "Waiting now": how far each is, how fast, when it should end, and when the API is asked next.

import { Copyable, RunCell, Soon, StatusBadge, Time, Unknown } from "./elements.js";
import { h, useMemo } from "./react.js";
import { progressOf } from "./rows.js";
import { Table } from "./table.js";
import { count, counted, fraction, percent, rate } from "./text.js";

function Progress({ row }) {
  const known = progressOf(row);
  const rows = counted(row.progress?.total ?? row.rows, "row");
  if (known === null) return h("span", { className: "ekyc-second" }, rows ? `${rows}, no answer yet` : "no answer yet");
  const { done, total } = known;
  const text = `${count(done)} of ${count(total)}`;
  return h(
    "div",
    { className: "ekyc-progress" },
    h("progress", { max: 1, value: fraction(done, total) ?? 0, "aria-label": `${text} rows` }),
    h("span", null, text, h("span", { className: "ekyc-second" }, ` ${percent(done, total) ?? ""}`)),
    row.progress.note && h("bdi", { className: "ekyc-second ekyc-note" }, row.progress.note),
  );
}

function queriesOf(row) {
  const queries = row.progress?.queries ?? row.queries;
  const failures = row.progress?.query_failures ?? 0;
  if (count(queries) === null) return null;
  return h("span", null, count(queries), failures > 0 && h("span", { className: "ekyc-wrong" }, ` (${count(failures)} failed)`));
}

function columnsOf(full) {
  return [
    { key: "started", label: "Started", cell: (row, { zone }) => h(Time, { iso: row.progress?.started_at ?? row.started_at, zone, lines: true }) },
    { key: "run", label: full ? "DAG and run" : "Task", heads: true, wide: true, cell: (row) => h(RunCell, { row, full }) },
    { key: "status", label: "Status", cell: (row) => h(StatusBadge, { row }) },
    { key: "progress", label: "Progress", wide: true, cell: (row) => h(Progress, { row }) },
    { key: "rate", label: "Rate", numeric: true, cell: (row) => rate(row.progress?.rate) ?? h(Unknown) },
    { key: "end", label: "Expected end", cell: (row, { zone, now }) => h(Soon, { iso: row.progress?.expected_end, zone, now }) },
    { key: "next", label: "Next query", cell: (row, { zone, now }) => h(Soon, { iso: row.progress?.next_query_at, zone, now }) },
    { key: "queries", label: "Queries", numeric: true, cell: (row) => queriesOf(row) ?? h(Unknown) },
    {
      key: "remote",
      label: "Remote id",
      cell: (row) => (row.ekyc_task_id ? h(Copyable, { text: row.ekyc_task_id, what: "the remote id", href: row.console_url }) : h(Unknown)),
    },
  ];
}

/** The section. */
export function Waiting({ waiting, zone, now, full, isNamed }) {
  const columns = useMemo(() => columnsOf(full), [full]);
  const context = useMemo(() => ({ zone, now }), [zone, now]);
  const total = waiting.rows.length;
  return h(
    "section",
    { "aria-labelledby": "ekyc-waiting" },
    h("h2", { id: "ekyc-waiting" }, "Waiting now", total > 0 && h("span", { className: "ekyc-count" }, `${count(total)}${waiting.more ? "+" : ""}`)),
    total === 0
      ? h("p", { className: "ekyc-second" }, "Nothing is under way.")
      : h("div", { className: "ekyc-wrap" }, h(Table, { label: "Waiting now", columns, rows: waiting.rows, context, isNamed })),
    waiting.more && h("p", { className: "ekyc-second" }, `These are the newest ${count(total)}.`),
  );
}
