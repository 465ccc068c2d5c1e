"""A person with a submission whose outcome is unknown: looks it up at the vendor, then settles it on the page."""

from __future__ import annotations

import hashlib
from typing import Any

from dev.scale.deployment import BUCKET, Deployment
from dev.stack.compat.page_requests import PageRequests


class Person:
    """Settles by the page's own requests.

    :param deployment: whose page it is
    :param dag_id: the DAG
    :param run_id: its run
    """

    def __init__(self, deployment: Deployment, dag_id: str, run_id: str) -> None:
        self._deployment, self._dag_id, self._run_id = deployment, dag_id, run_id
        self._page = PageRequests(deployment.airflow)

    def settle(self) -> tuple[int, int]:
        """Settle all that the page lists: adopt what is on the bill, have sent again what is not.

        :return: how many were adopted, and how many are sent again
        """
        adopted = sent_again = 0
        files = self._deployment.rest.xcom(self._dag_id, self._run_id, "verify.prepare")
        for need in self._page.needs(self._dag_id, self._run_id):
            if need["kind"] != "unknown_outcome":
                continue
            ekyc_task_id = self._on_the_bill(files[need["map_index"]])
            if ekyc_task_id:
                self._page.adopt(need, ekyc_task_id)
                adopted += 1
            else:
                self._page.send_again(need)
                sent_again += 1
        return adopted, sent_again

    def _on_the_bill(self, uri: Any) -> str:
        """Return the remote task that has this file, or an empty text: the vendor's console would be searched."""
        key = str(uri).removeprefix(f"s3://{BUCKET}/")
        body = self._deployment.s3.client().get_object(Bucket=BUCKET, Key=key)["Body"].read()
        digest = hashlib.sha256(body).hexdigest()
        return next((c.task_id for c in self._deployment.sandbox.bill.submissions if c.sha256 == digest), "")
