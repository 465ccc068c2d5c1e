// The fields that filter the history.

import { Button } from "./elements.js";
import { h, useId } from "./react.js";
import { STATUSES } from "./rows.js";

function Field({ label, children }) {
  const id = useId();
  return h("div", { className: "ekyc-field" }, h("label", { htmlFor: id }, label), children(id));
}

/** The DAG whose rows all parts of the page show; a filter of the history goes along with it. */
export function DagFilter({ filters, dags, onChange }) {
  const known = filters.dag_id && !dags.includes(filters.dag_id) ? [filters.dag_id, ...dags] : dags;
  const id = useId();
  const { state, since, until } = filters;
  const choose = (event) => onChange({ dag_id: event.target.value || undefined, state, since, until });
  return h(
    "div",
    { className: "ekyc-row ekyc-dag" },
    h("label", { htmlFor: id, className: "ekyc-second" }, "DAG"),
    h(
      "select",
      { id, className: "ekyc-input", value: filters.dag_id ?? "", onChange: choose },
      h("option", { value: "" }, "All DAGs"),
      known.map((each) => h("option", { key: each, value: each }, each)),
    ),
  );
}

/** The fields of the history; `onChange` is called with the changed filters, back on the first page. */
export function Filters({ filters, onChange }) {
  const { dag_id, run_id, state, since, until } = filters;
  const kept = { dag_id, run_id, state, since, until };
  const set = (name) => (event) => onChange({ ...kept, [name]: event.target.value || undefined });
  return h(
    "div",
    { className: "ekyc-filters", role: "group", "aria-label": "Filters of the history" },
    h(Field, { label: "Status" }, (id) =>
      h(
        "select",
        { id, className: "ekyc-input", value: state ?? "", onChange: set("state") },
        h("option", { value: "" }, "All"),
        Object.entries(STATUSES).map(([value, [label]]) => h("option", { key: value, value }, label)),
      ),
    ),
    h(Field, { label: "From" }, (id) => h("input", { id, type: "date", className: "ekyc-input", value: since ?? "", max: until, onChange: set("since") })),
    h(Field, { label: "To" }, (id) => h("input", { id, type: "date", className: "ekyc-input", value: until ?? "", min: since, onChange: set("until") })),
    (state || since || until) && h(Button, { icon: "cross", onClick: () => onChange({ dag_id, run_id }) }, "Clear filters"),
  );
}
