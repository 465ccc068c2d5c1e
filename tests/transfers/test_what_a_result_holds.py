"""
Rows, different numbers, contradictions, and numbers that were sent: from the vendor's archive to the XCom.

Modules: ``transfers/submissions.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_ekyc.airflow_errors import EkycFailException
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sandbox import Sandbox, expected_answer
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from dev.testing.sockets import ScriptedServer, answer
from dev.testing.task_context import TaskInstance, context_of
from tests.conftest import BUCKET, keys_of
from tests.results.archives import pack

pytestmark = pytest.mark.usefixtures("connections")

KEY, LEFT = "results/part-0", "unmatched/part-0.txt"
PLAIN = [f"+999{number:010d}" for number in range(200)]


class Deliveries:
    """
    A submission of two hundred numbers, and what comes back of it.

    :param submission: the second XCom of the submit operator
    """

    def __init__(self, sandbox: Sandbox, connect: Callable[..., None], stack: ExitStack, submission: dict[str, Any]):
        self.submission = submission
        self._sandbox, self._connect, self._stack = sandbox, connect, stack

    def deliver(self, rows: list[str], **figures: Any) -> None:
        """Let a store deliver a table of these rows; the status has these figures."""
        table = "".join(f"{row}\n" for row in ["Number,amazon", *rows])
        store = self._stack.enter_context(ScriptedServer(*[answer("200 OK", pack({"amazon.csv": table.encode()}))] * 2))
        self._connect(self._sandbox, result_hosts=f"{self._sandbox.url},{store.url}")
        exported = {"task_id": self.submission["ekyc_task_id"], "status": "exported", "result_url": store.result_url}
        self._sandbox.clear_faults()
        self._sandbox.fault("status", "status", status=200, body=_json({**exported, **figures}), times=2)

    def land(self, context: dict[str, Any], **arguments: Any) -> dict[str, Any]:
        """Land it; return the second XCom."""
        given = {"ekyc_task_id": self.submission["ekyc_task_id"], "s3_bucket": BUCKET, "s3_key": KEY, **arguments}
        EkycResultsToS3Operator(task_id="land", **given).execute(context)
        result: dict[str, Any] = context["ti"].xcoms["result"]
        return result


def _json(body: dict[str, Any]) -> str:
    import json

    return json.dumps(body)


@pytest.fixture
def deliveries(sandbox: Sandbox, connect: Callable[..., None], numbers_file: Path) -> Iterator[Deliveries]:
    context = context_of()
    EkycSubmitOperator(
        task_id="submit", numbers=str(numbers_file), journal_uri=str(numbers_file.parent / "journal")
    ).execute(context)
    with ExitStack() as stack:
        yield Deliveries(sandbox, connect, stack, context["ti"].xcoms["submission"])


def rows(numbers: list[str] = PLAIN) -> list[str]:
    return [f"{number},{expected_answer(number)}" for number in numbers]


ALL = {"total": 200, "success": 200, "failure": 0}


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("output_format", ["zip", "csv", "csv.gz", "parquet"])
@pytest.mark.parametrize(
    ("returned", "figures", "words", "counts"),
    [
        (
            [*rows(PLAIN[:199]), f"{PLAIN[0]},{'no' if expected_answer(PLAIN[0]) == 'yes' else 'yes'}"],
            {"total": 200, "success": 199, "failure": 1},
            "1 of the result's 199 different numbers are both yes and no",
            (200, 199, 1, 1),
        ),
        (
            [f"{PLAIN[0]},yes"] * 150,
            {"total": 150, "success": 150, "failure": 0},
            "The result has 150 rows with 1 different number, but remote task",
            (150, 1, 0, 149),
        ),
        (
            [*rows(PLAIN[:-1]), rows()[0]],
            ALL,
            "The result has 200 rows with 199 different numbers, but remote task",
            (200, 199, 0, 1),
        ),
    ],
    ids=["a number with yes and no", "one number in all rows", "a number twice and one missing"],
)
def test_what_the_rows_contradict_is_not_landed_unless_asked_for(
    s3: Any,
    deliveries: Deliveries,
    context: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    output_format: str,
    returned: list[str],
    figures: dict[str, int],
    words: str,
    counts: tuple[int, int, int, int],
) -> None:
    deliveries.deliver(returned, **figures)
    with pytest.raises(EkycFailException, match="on_mismatch='warn'") as caught:
        deliveries.land(context, output_format=output_format)
    assert words in str(caught.value)
    assert keys_of(s3) == []
    result = deliveries.land(context, output_format=output_format, on_mismatch="warn")
    assert tuple(result[name] for name in ("rows", "distinct", "contradictions", "missing")) == counts
    assert words in caplog.text
    metadata = s3.head_object(Bucket=BUCKET, Key=KEY)["Metadata"]
    assert tuple(int(metadata[f"ekyc-{name}"]) for name in ("rows", "distinct", "contradictions", "missing")) == counts
    assert not [number for number in PLAIN if number[1:] in caplog.text + str(caught.value)]


def test_what_is_missing_is_known_without_the_list(
    s3: Any, deliveries: Deliveries, context: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    deliveries.deliver(rows(PLAIN[7:]), total=200, success=193, failure=7)
    caplog.set_level("INFO")
    result = deliveries.land(context)
    assert (result["distinct"], result["missing"], result["unmatched"]) == (193, 7, None)
    assert "7 of 200 numbers are not in the result (7 could not be processed)" in caplog.text


@pytest.mark.parametrize("figures", [{}, {"total": 0, "success": 0, "failure": 0}, {"total": None}])
@pytest.mark.parametrize("total", [200, None], ids=["accepted", "sent"])
def test_without_counts_in_the_status_the_submission_is_the_measure(
    s3: Any, deliveries: Deliveries, context: dict[str, Any], figures: dict[str, Any], total: int | None
) -> None:
    submission = {**deliveries.submission, "total": total}
    deliveries.deliver(rows(PLAIN[3:]), **figures)
    with pytest.raises(EkycFailException, match=r"has 197 rows, but remote task \w+ reports 200 .*; 200 were "):
        deliveries.land(context, submission=submission)
    assert deliveries.land(context, submission=submission, on_mismatch="warn")["missing"] == 3


def test_without_counts_and_without_a_submission_nothing_is_expected(
    s3: Any, deliveries: Deliveries, context: dict[str, Any]
) -> None:
    deliveries.deliver(rows(PLAIN[3:]))
    result = deliveries.land(context)
    assert (result["rows"], result["distinct"], result["missing"]) == (197, 197, None)


OTHERS = [f"+999{number:010d}" for number in range(5000, 5200)]


@pytest.mark.parametrize("returned", [OTHERS, [*PLAIN[:-1], OTHERS[0]]], ids=["all are others", "one is another"])
def test_other_numbers_than_were_sent_are_noticed_without_the_list(
    s3: Any, deliveries: Deliveries, context: dict[str, Any], returned: list[str]
) -> None:
    deliveries.deliver(rows(returned), **ALL)
    with pytest.raises(EkycFailException, match=r"as many numbers as were sent \(200\), but not the same ones"):
        deliveries.land(context, submission=deliveries.submission)
    assert keys_of(s3) == []
    assert deliveries.land(context, submission=deliveries.submission, on_mismatch="warn")["rows"] == 200


def test_the_same_numbers_in_another_order_and_writing_are_the_ones_that_were_sent(
    s3: Any, deliveries: Deliveries, context: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    deliveries.deliver([row.removeprefix("+") for row in reversed(rows())], **ALL)
    deliveries.land(context, submission=deliveries.submission)
    assert "The result contains exactly the 200 numbers that were sent." in caplog.text


@pytest.mark.usefixtures("either_way")
def test_with_the_list_one_other_number_is_counted_and_most_are_refused(
    s3: Any, deliveries: Deliveries, context: dict[str, Any], numbers_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deliveries.deliver(rows([*PLAIN[:-1], OTHERS[0]]), **ALL)
    given = {"submission": deliveries.submission, "numbers": str(numbers_file)}
    assert deliveries.land(context, **given)["unmatched"] == 1
    assert "1 are not in the result; 1 numbers in the result were not sent" in caplog.text
    deliveries.deliver(rows([*PLAIN[:99], *OTHERS[:101]]), **ALL)
    with pytest.raises(EkycFailException, match="Only 99 of the 200 numbers in the result were sent"):
        deliveries.land(context, s3_key="another", **given)


@pytest.mark.parametrize("returned", [OTHERS, PLAIN], ids=["others", "the same"])
def test_the_list_alone_is_compared_without_a_submission(
    s3: Any, deliveries: Deliveries, context: dict[str, Any], numbers_file: Path, returned: list[str]
) -> None:
    deliveries.deliver(rows(returned), **ALL)
    if returned is OTHERS:
        with pytest.raises(EkycFailException, match="None of the 200 numbers that were sent is in the result"):
            deliveries.land(context, numbers=str(numbers_file))
    else:
        result = deliveries.land(context, numbers=str(numbers_file), unmatched_key=LEFT)
        assert (result["unmatched"], result["missing"]) == (0, 0)


@pytest.mark.usefixtures("either_way")
def test_a_list_without_any_number_is_not_compared(
    s3: Any, deliveries: Deliveries, context: dict[str, Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "addresses.txt"
    path.write_text("somebody@mail.example\n" * 200)
    deliveries.deliver(rows(), **ALL)
    assert deliveries.land(context, numbers=str(path))["unmatched"] is None
    assert "The input contains no phone number" in caplog.text


def test_a_result_of_numbers_that_all_failed_is_a_result(
    s3: Any, deliveries: Deliveries, context: dict[str, Any], numbers_file: Path
) -> None:
    deliveries.deliver([f"{number}," for number in PLAIN], total=200, success=0, failure=200)
    result = deliveries.land(context, submission=deliveries.submission, numbers=str(numbers_file))
    assert tuple(result[name] for name in ("rows", "unknown", "distinct", "missing", "unmatched")) == (
        200,
        200,
        200,
        0,
        0,
    )


# The submission is found upstream.


def landing(ekyc_task_id: Any, **arguments: Any) -> EkycResultsToS3Operator:
    return EkycResultsToS3Operator(task_id="land", ekyc_task_id=ekyc_task_id, s3_bucket=BUCKET, s3_key=KEY, **arguments)


@pytest.mark.parametrize(
    ("of_task", "here", "stored"),
    [(-1, -1, dict), (-1, 2, dict), (2, 2, dict), (2, 1, dict), (2, -1, dict), (-1, -1, json.dumps)],
    ids=["plain", "mapped after", "mapped", "after one that was skipped", "one of those mapped", "as JSON"],
)
def test_the_submission_upstream_is_found_and_compared(
    s3: Any, deliveries: Deliveries, numbers_file: Path, of_task: int, here: int, stored: Callable[[Any], Any]
) -> None:
    """
    Also where a custom XCom backend returns the text that it has stored, and where map indexes differ: among the
    outputs of a mapped task Airflow leaves out what was skipped or has failed.
    """
    deliveries.deliver(rows(OTHERS), **ALL)
    with DAG("found", schedule=None):
        submit = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file))
        between = EkycSubmitOperator(task_id="another", numbers=str(numbers_file))
        land = landing(submit.output)
        submit >> between >> land
    land.ekyc_task_id = deliveries.submission["ekyc_task_id"]
    others = {
        ("submit", of_task): {"submission": stored(deliveries.submission)},
        ("another", -1): {"submission": {**deliveries.submission, "ekyc_task_id": "another"}},
    }
    context = context_of(TaskInstance(map_index=here, upstream=others))
    with pytest.raises(EkycFailException, match="but not the same ones"):
        land.execute(context)
    assert keys_of(s3) == []


def test_a_submission_that_is_not_found_keeps_no_result_from_landing(
    s3: Any, deliveries: Deliveries, numbers_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    deliveries.deliver(rows(OTHERS), **ALL)
    with DAG("not_found", schedule=None):
        submit = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file))
        land = landing(submit.output)
    land.ekyc_task_id = deliveries.submission["ekyc_task_id"]
    ti = TaskInstance(upstream={("submit", -1): {"submission": {"ekyc_task_id": land.ekyc_task_id, "rows": "many"}}})
    land.execute(context_of(ti))
    assert ti.pulled == [("submit", -1), ("submit", None)]
    assert "was submitted by none of the tasks upstream, as far as their XComs say (submit)" in caplog.text
    assert ti.xcoms["result"]["distinct"] == 200


def test_a_dag_that_can_not_be_walked_keeps_no_result_from_landing(
    s3: Any, deliveries: Deliveries, caplog: pytest.LogCaptureFixture
) -> None:
    deliveries.deliver(rows(OTHERS), **ALL)
    with DAG("damaged", schedule=None):
        land = landing(deliveries.submission["ekyc_task_id"])
    land.upstream_task_ids.add("made_up")
    ti = TaskInstance()
    land.execute(context_of(ti))
    assert ti.xcoms["result"]["distinct"] == 200
    assert "they can't be listed (KeyError)" in caplog.text


def test_xcoms_that_can_not_be_read_keep_no_result_from_landing(
    s3: Any, deliveries: Deliveries, numbers_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    class Broken(TaskInstance):
        def xcom_pull(self, **_: Any) -> Any:
            raise ConnectionError("made up")

    deliveries.deliver(rows(), **ALL)
    with DAG("broken", schedule=None):
        submit = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file))
        land = landing(submit.output)
    land.ekyc_task_id = deliveries.submission["ekyc_task_id"]
    land.execute(context_of(Broken()))
    assert "The XCom 'submission' of task submit can't be read (ConnectionError)" in caplog.text


def test_a_submission_that_is_given_is_not_looked_for(s3: Any, deliveries: Deliveries, numbers_file: Path) -> None:
    deliveries.deliver(rows(), **ALL)
    with DAG("given", schedule=None):
        submit = EkycSubmitOperator(task_id="submit", numbers=str(numbers_file))
        land = landing(submit.output)
    land.ekyc_task_id, land.submission = deliveries.submission["ekyc_task_id"], deliveries.submission
    ti = TaskInstance()
    land.execute(context_of(ti))
    assert ti.pulled == []
