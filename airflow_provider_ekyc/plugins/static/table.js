// A table that stays one for screen readers where there is no room for its columns: each row is then a block of
// labelled values. The roles are written out, since browsers drop them from table elements that are laid out as blocks.

import { Unknown } from "./elements.js";
import { h, memo } from "./react.js";
import { keyed } from "./rows.js";

const Row = memo(function Row({ row, columns, context, named }) {
  return h(
    "tr",
    { role: "row", "data-anchor": "", "data-row": row.id, "data-named": named || undefined, className: named ? "ekyc-named" : undefined },
    columns.map(({ key, label, numeric, heads, wide, cell }) => {
      const content = cell(row, context);
      const isUnknown = content?.type === Unknown;
      return h(
        heads ? "th" : "td",
        {
          key,
          role: heads ? "rowheader" : "cell",
          scope: heads ? "row" : undefined,
          "data-label": label,
          className: [numeric && "ekyc-number", wide && "ekyc-wide", isUnknown && "ekyc-blank"].filter(Boolean).join(" ") || undefined,
        },
        content,
      );
    }),
  );
});

/**
 * Rows in columns.
 *
 * @param {{label: string, columns: object[], rows: object[], context: object, isNamed: (row: object) => boolean}} props
 *   a column is `{key, label, numeric, heads, wide, cell(row, context)}`; columns and context must stay the same objects
 *   where nothing has changed, so that only changed rows are drawn
 */
export function Table({ label, columns, rows, context, isNamed, ...more }) {
  return h(
    "table",
    { className: "ekyc-table", role: "table", "aria-label": label, ...more },
    h(
      "thead",
      { role: "rowgroup" },
      h(
        "tr",
        { role: "row" },
        columns.map(({ key, label: title, numeric }) =>
          h("th", { key, role: "columnheader", scope: "col", className: numeric ? "ekyc-number" : undefined }, title),
        ),
      ),
    ),
    h(
      "tbody",
      { role: "rowgroup" },
      keyed(rows).map(([key, row]) => h(Row, { key, row, columns, context, named: isNamed(row) })),
    ),
  );
}
