// Totals of what the filters select, and a small chart by day; the same figures as a table for who cannot see it.

import { PARTS, layout, partsOf } from "./chart_layout.js";
import { Button, Unknown } from "./elements.js";
import { h, memo, useMemo } from "./react.js";
import { amount, count, counted, sum } from "./text.js";

const BOX = { width: 640, height: 72 };

const add = (days, name) => days.reduce((total, day) => total + (day[name] ?? 0), 0);

function Figure({ name, children }) {
  return h("div", { className: "ekyc-figure" }, h("dt", null, name), h("dd", null, children ?? h(Unknown)));
}

function spoken(day, of) {
  const parts = partsOf(day);
  const answers = PARTS.filter(([name]) => parts[name] > 0).map(([name, label]) => `${label} ${count(parts[name])}`);
  const cost = day.cost ? [`cost ${amount(day.cost)}`] : [];
  return `${day.day}${of}: ${[counted(day.submissions ?? 0, "submission"), ...answers, ...cost].join(", ")}`;
}

function Bars({ days, of, onDay }) {
  const { bars, top } = useMemo(() => layout(days, BOX), [days]);
  const first = bars[0].day.day;
  const last = bars.at(-1).day.day;
  return h(
    "figure",
    { className: "ekyc-chart" },
    h("span", { className: "ekyc-chart-top" }, counted(top, "row")),
    h(
      "svg",
      {
        viewBox: `0 0 ${BOX.width} ${BOX.height}`,
        preserveAspectRatio: "none",
        role: "img",
        "aria-label": `Rows by day${of} from ${first} to ${last}, at most ${count(top)} a day. The same figures are in the table by day.`,
      },
      bars.map((bar) =>
        h(
          "g",
          { key: bar.day.day, className: bar.day.submissions ? "ekyc-bar" : null, onClick: bar.day.submissions ? () => onDay(bar.day.day) : undefined },
          h("title", null, spoken(bar.day, of)),
          h("rect", { x: bar.x, y: 0, width: bar.width, height: BOX.height, className: "ekyc-bar-back" }),
          bar.parts.map((part) =>
            h("rect", { key: part.name, x: bar.x, y: part.y, width: bar.width, height: part.height, className: `ekyc-part-${part.name}` }),
          ),
        ),
      ),
    ),
    h("figcaption", null, h("span", null, first), h(Legend, { days }), h("span", null, last, of)),
  );
}

function Legend({ days }) {
  const shown = PARTS.filter(([name]) => days.some((day) => partsOf(day)[name] > 0));
  return h(
    "span",
    { className: "ekyc-legend" },
    shown.map(([name, label]) =>
      h("span", { key: name }, h("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, h("rect", { width: 10, height: 10, className: `ekyc-part-${name}` })), label),
    ),
  );
}

function DaysTable({ days, of, onDay }) {
  const columns = [["submissions", "Submissions"], ["rows", "Rows"], ["yes", "Yes"], ["no", "No"], ["unknown", "Unknown"], ["not_processed", "Not processed"]];
  const newest = [...days].sort((one, other) => (one.day < other.day ? 1 : -1));
  return h(
    "details",
    { className: "ekyc-details" },
    h("summary", null, "By day, as a table"),
    h(
      "div",
      { className: "ekyc-scroll", tabIndex: 0, role: "region", "aria-label": "Totals by day" },
      h(
        "table",
        { className: "ekyc-days" },
        h("thead", null, h("tr", null, h("th", { scope: "col" }, "Day", of), columns.map(([name, label]) => h("th", { key: name, scope: "col", className: "ekyc-number" }, label)), h("th", { scope: "col", className: "ekyc-number" }, "Cost"), h("th", { scope: "col", className: "ekyc-number" }, "Saved"))),
        h(
          "tbody",
          null,
          newest.map((day) =>
            h(
              "tr",
              { key: day.day },
              h("th", { scope: "row" }, h(Button, { weight: "link", onClick: () => onDay(day.day), title: `Show ${day.day} alone` }, day.day)),
              columns.map(([name]) => h("td", { key: name, className: "ekyc-number" }, count(day[name]) ?? h(Unknown))),
              h("td", { className: "ekyc-number" }, amount(day.cost) ?? h(Unknown)),
              h("td", { className: "ekyc-number" }, day.saved_rows ? [counted(day.saved_rows, "row"), amount(day.saved_cost)].filter(Boolean).join(", ") : "0"),
            ),
          ),
        ),
      ),
    ),
  );
}

/**
 * Totals, chart and table by day; `of` says of what, `onDay` is called with the day that was chosen. The days are those of
 * `zone`, or of UTC where the server does not know it: then they are named so.
 */
export const Totals = memo(function Totals({ days: { days, counted: submissions, complete, zone: countedIn = "UTC" }, zone, of, onDay }) {
  if (days.length === 0) return null;
  const inZone = countedIn === zone ? "" : ` (${countedIn})`;
  const saved = add(days, "saved_rows");
  const savedCost = sum(days.map((day) => day.saved_cost));
  return h(
    "div",
    { className: "ekyc-totals" },
    h(
      "div",
      null,
      h("p", { className: "ekyc-second" }, `Totals of ${of}`),
      h(
        "dl",
        { className: "ekyc-figures" },
        h(Figure, { name: "Submissions" }, count(add(days, "submissions"))),
        h(Figure, { name: "Rows" }, count(add(days, "rows"))),
        h(Figure, { name: "Yes" }, count(add(days, "yes"))),
        h(Figure, { name: "No" }, count(add(days, "no"))),
        h(Figure, { name: "Cost" }, amount(sum(days.map((day) => day.cost)))),
        saved > 0 && h(Figure, { name: "Saved by freshness" }, [counted(saved, "row"), amount(savedCost)].filter(Boolean).join(", ")),
      ),
    ),
    h(Bars, { days, of: inZone, onDay }),
    !complete && h("p", { className: "ekyc-second" }, `Totals of the newest ${counted(submissions, "submission")} only.`),
    h(DaysTable, { days, of: inZone, onDay }),
  );
});
