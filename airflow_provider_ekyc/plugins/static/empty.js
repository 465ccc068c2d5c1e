// Before the first run: what to do to see something here.

import { Copyable } from "./elements.js";
import { Link, h } from "./react.js";
import { dagPath } from "./rows.js";

const EXAMPLE = `from airflow.sdk import DAG
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

with DAG("verify_numbers", schedule=None):
    submit = EkycSubmitOperator(task_id="submit", numbers="s3://bucket/numbers.txt", task_type="amazon")
    wait = EkycTaskSensor(task_id="wait", ekyc_task_id=submit.output)
    land = EkycResultsToS3Operator(
        task_id="land", ekyc_task_id=submit.output, s3_bucket="bucket", s3_key="results/{{ run_id }}.zip"
    )
    submit >> wait >> land
`;

/** The steps to a first verification; `dags` have tasks of this package already. */
export function Empty({ dags }) {
  return h(
    "div",
    { className: "ekyc-empty" },
    h("p", null, "No submission yet. Each one shows up here when it starts: how far it is, what it found, what it cost, and what needs a person."),
    h(
      "ol",
      null,
      h("li", null, h("strong", null, "Connect. "), "Make a connection of type eKYC with the API's host and key, under ", h(Link, { to: "/connections", className: "ekyc-link" }, "Admin, Connections"), ". Where Test is enabled, it shows the account's balance."),
      h(
        "li",
        null,
        h("strong", null, "Write a DAG "),
        "that submits a list, waits for it and lands the result:",
        h("pre", { className: "ekyc-code", tabIndex: 0 }, h("code", null, EXAMPLE)),
        h(Copyable, { text: EXAMPLE, what: "the DAG", shown: "Copy this DAG" }),
      ),
      h(
        "li",
        null,
        h("strong", null, "Trigger it. "),
        dags.length
          ? h("span", null, "These have run: ", dags.slice(0, 10).map((each, index) => h("span", { key: each }, index > 0 && ", ", h(Link, { to: dagPath(each), className: "ekyc-link" }, each))), ".")
          : h("span", null, "Its runs are shown to those who may read the DAG, its task instances and its XComs. All DAGs are under ", h(Link, { to: "/dags", className: "ekyc-link" }, "Dags"), "."),
      ),
    ),
  );
}
