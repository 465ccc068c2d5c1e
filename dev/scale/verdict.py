"""What is left of a run: the bill, the objects in S3, and whether all of it is right."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from dev.scale.deployment import BUCKET, Deployment
from dev.scale.run import ROWS
from dev.scale.run_database import RunDatabase


@dataclass(frozen=True)
class Verdict:
    """The counts of a run.

    :param files: verifications
    :param state: of the DAG run
    :param succeeded: files whose four tasks succeeded
    :param billed: submissions that were accepted
    :param billed_rows: their rows
    :param charged_twice: files that were accepted more than once
    :param landed: result objects in S3
    :param landed_of_bill: result objects named after a remote task of the bill, one for each
    :param open_uploads: multipart uploads that were not ended
    :param key_leaks: requests for a result that carried the key
    """

    files: int
    state: str
    succeeded: int
    billed: int
    billed_rows: int
    charged_twice: int
    landed: int
    landed_of_bill: int
    open_uploads: int
    key_leaks: int

    @property
    def holds(self) -> bool:
        """Whether every file has landed, and was billed once."""
        each_once = {self.files} == {self.succeeded, self.billed, self.landed, self.landed_of_bill}
        nothing_else = self.charged_twice == self.key_leaks == self.open_uploads == 0
        return self.state == "success" and each_once and nothing_else and self.billed_rows == self.files * ROWS

    def as_dict(self) -> dict[str, object]:
        """Return the counts, and whether they are right."""
        return {**asdict(self), "holds": self.holds}


def verdict_of(deployment: Deployment, database: RunDatabase, state: str) -> Verdict:
    """Count what a run has left.

    :param deployment: still running
    :param database: of the run
    :param state: of the DAG run
    """
    client, bill, counts = deployment.s3.client(), deployment.sandbox.bill, database.counts()
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="results/")
    landed = [str(found["Key"]) for page in pages for found in page.get("Contents", [])]
    names = [key.rpartition("/")[2].removesuffix(".parquet") for key in landed]
    return Verdict(
        files=deployment.plan.files,
        state=state,
        succeeded=min(counts[task, "success"] for task in ("submit", "wait", "land")),
        billed=len(bill.submissions),
        billed_rows=sum(charge.rows for charge in bill.submissions),
        charged_twice=len(bill.charged_twice),
        landed=len(landed),
        landed_of_bill=len({charge.task_id for charge in bill.submissions} & set(names)),
        open_uploads=len(client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])),
        key_leaks=deployment.sandbox.key_leaks,
    )
