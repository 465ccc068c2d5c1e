// "History": every submission, newest first, a hundred on a page, with what it found, what it cost and where it is.

import { Totals } from "./chart.js";
import { Button, Copyable, RunCell, StatusBadge, Time, Unknown } from "./elements.js";
import { isFiltered } from "./filter_values.js";
import { Filters } from "./filters.js";
import { h, useCallback, useMemo, useRef } from "./react.js";
import { Table } from "./table.js";
import { amount, count, counted } from "./text.js";

/** The last part of an address of S3, which is what differs from row to row. */
function objectName(uri) {
  return uri.replace(/\/+$/, "").split("/").at(-1) || uri;
}

const number = (key, label) => ({ key, label, numeric: true, cell: (row) => count(row[key]) ?? h(Unknown) });

function Rows({ row }) {
  const { saved } = row;
  if (!saved?.rows) return count(row.rows) ?? h(Unknown);
  const cost = amount(saved.cost);
  return h("span", null, count(row.rows) ?? h(Unknown), h("span", { className: "ekyc-second ekyc-block" }, `${count(saved.rows)} fresh${cost ? `, ${cost} saved` : ""}`));
}

function Status({ row }) {
  // Where there are no figures, the task's own line says why.
  const line = row.yes === null && ["failed", "skipped", "other", "exported"].includes(row.status) ? row.summary : null;
  return h("span", null, h(StatusBadge, { row }), line && h("bdi", { className: "ekyc-second ekyc-block ekyc-note" }, line));
}

function columnsOf(full) {
  return [
    { key: "started", label: "Started", cell: (row, { zone }) => h(Time, { iso: row.started_at, zone, lines: true }) },
    { key: "run", label: full ? "DAG and run" : "Task", heads: true, wide: true, cell: (row) => h(RunCell, { row, full }) },
    { key: "status", label: "Status", cell: (row) => h(Status, { row }) },
    { key: "rows", label: "Rows", numeric: true, cell: (row) => h(Rows, { row }) },
    number("yes", "Yes"),
    number("no", "No"),
    number("unknown", "Unknown"),
    number("not_processed", "Not processed"),
    number("queries", "Queries"),
    { key: "cost", label: "Cost", numeric: true, cell: (row) => amount(row.cost) ?? h(Unknown) },
    { key: "object", label: "Object", wide: true, cell: (row) => (row.s3_uri ? h(Copyable, { text: row.s3_uri, what: "the object's address", href: row.object_url, shown: objectName(row.s3_uri) }) : h(Unknown)) },
    {
      key: "remote",
      label: "Remote id",
      wide: true,
      cell: (row) => (row.ekyc_task_id ? h(Copyable, { text: row.ekyc_task_id, what: "the remote id", href: row.console_url }) : h(Unknown)),
    },
  ];
}

function Pager({ history, onOffset }) {
  const { offset, limit, more, rows } = history;
  if (offset === 0 && !more) return null;
  return h(
    "nav",
    { className: "ekyc-row ekyc-pager", "aria-label": "Pages of the history" },
    h(Button, { disabled: offset === 0, onClick: () => onOffset(Math.max(0, offset - limit)) }, "Newer"),
    h("span", null, rows.length ? `${count(offset + 1)} to ${count(offset + rows.length)}` : "No rows here"),
    h(Button, { disabled: !more, onClick: () => onOffset(offset + limit) }, "Older"),
  );
}

/** From so many rows on the browser lays the table out only when it is near the window. */
const LONG = 50;

/** The section. */
export function History({ history, days, filters, fixed, zone, busy, oldTotals, isNamed, onFilters }) {
  const full = !fixed;
  const columns = useMemo(() => columnsOf(full), [full]);
  const context = useMemo(() => ({ zone }), [zone]);
  const title = useRef(null);
  const onOffset = (offset) => {
    onFilters({ ...filters, offset: offset || undefined });
    title.current?.scrollIntoView({ block: "start" });
    title.current?.focus({ preventScroll: true });
  };
  const onDay = useCallback((day) => onFilters({ ...filters, since: day, until: day, offset: undefined }), [filters, onFilters]);
  const { rows, offset, more } = history;
  const total = offset === 0 && !more ? counted(rows.length, "submission") : null;
  return h(
    "section",
    { "aria-labelledby": "ekyc-history", "aria-busy": busy },
    h("h2", { id: "ekyc-history", ref: title, tabIndex: -1 }, "History", total && h("span", { className: "ekyc-count" }, total)),
    h(Filters, { filters, onChange: onFilters }),
    days && h(Totals, { days, zone, of: oldTotals ? "the filters before" : filters.run_id ? "this run" : filters.since || filters.until ? "the chosen days" : "the last 30 days", onDay }),
    rows.length === 0
      ? h("p", { className: "ekyc-second" }, isFiltered(filters, fixed) || offset > 0 ? "No submission matches these filters." : fixed ? "This run has no submission yet." : "No submission yet.")
      : h("div", { className: `ekyc-wrap${rows.length > LONG ? " ekyc-long" : ""}${busy ? " ekyc-busy" : ""}` }, h(Table, { label: "History", columns, rows, context, isNamed })),
    h(Pager, { history, onOffset }),
  );
}
