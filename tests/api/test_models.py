from __future__ import annotations

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.api.models import (
    Task,
    TaskStatus,
    UnreadableAnswer,
    read_balance,
    read_created,
    read_task,
)
from airflow_provider_ekyc.polling.poller import task_summary

CREATED = {
    "task_id": "d4g8o46p2jvh04o9uolg",
    "status": "pending",
    "total": 2049,
    "message": "Task created successfully",
    "created_at": "2025-11-21T15:58:08.916446594Z",
}
PROCESSING = {
    "created_at": "2025-11-21T08:27:09.933Z",
    "updated_at": "2025-11-21T08:27:10.241Z",
    "task_id": "d4g24nep2jvh04o9uoh0",
    "user_id": "madeUpUser0000000000",
    "status": "processing",
    "total": 2049,
    "success": 1024,
    "failure": 0,
}
URL = (
    "https://wapic.s3.ap-southeast-1.amazonaws.com/externalcheck/d4g24nep2jvh04o9uoh0/d4g24nep2jvh04o9uoh0.zip"
    "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=made-up-signature"
)
EXPORTED = {**PROCESSING, "status": "exported", "success": 2049, "result_url": URL}


def task(**fields: object) -> Task:
    return read_task({**PROCESSING, **fields})


def test_the_documented_answer_to_a_submission_is_read() -> None:
    assert read_created(CREATED) == Task(
        ekyc_task_id="d4g8o46p2jvh04o9uolg",
        status=TaskStatus.PENDING,
        word="pending",
        total=2049,
        created_at=datetime(2025, 11, 21, 15, 58, 8, 916446, tzinfo=UTC),
    )


def test_the_documented_answers_to_a_status_query_are_read() -> None:
    processing, exported = read_task(PROCESSING), read_task(EXPORTED)
    assert (processing.status, processing.total, processing.success, processing.failure) == (
        TaskStatus.PROCESSING,
        2049,
        1024,
        0,
    )
    assert processing.created_at == datetime(2025, 11, 21, 8, 27, 9, 933000, tzinfo=UTC)
    assert processing.updated_at == datetime(2025, 11, 21, 8, 27, 10, 241000, tzinfo=UTC)
    assert processing.progress == pytest.approx(1024 / 2049)
    assert (exported.status, exported.progress, exported.result_url) == (TaskStatus.EXPORTED, 1.0, URL)


def test_a_result_url_is_not_in_the_text_of_a_task() -> None:
    exported = read_task(EXPORTED)
    for text in (repr(exported), str(exported), f"{exported}", str(task_summary(exported, seconds=1, queries=1))):
        assert "Amz" not in text
        assert "https" not in text


@pytest.mark.parametrize("url", ["", None, 7, ["https://x.example"]])
def test_a_result_url_that_is_none_is_none(url: object) -> None:
    assert task(result_url=url).result_url is None


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2025-11-21T15:58:08Z", datetime(2025, 11, 21, 15, 58, 8, tzinfo=UTC)),
        ("2025-11-21T15:58:08.9Z", datetime(2025, 11, 21, 15, 58, 8, 900000, tzinfo=UTC)),
        ("2025-11-21T15:58:08.916446594Z", datetime(2025, 11, 21, 15, 58, 8, 916446, tzinfo=UTC)),
        ("2025-11-21T23:58:08.916446594+08:00", datetime(2025, 11, 21, 15, 58, 8, 916446, tzinfo=UTC)),
        ("2025-11-21 15:58:08", datetime(2025, 11, 21, 15, 58, 8, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("1971-01-01T00:00:00Z", datetime(1971, 1, 1, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (1763740688, None),
        (None, None),
    ],
)
def test_times_are_read_in_any_precision_and_never_break_an_answer(text: object, time: datetime | None) -> None:
    assert task(updated_at=text).updated_at == time


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        (7, 7),
        ("7", 7),
        (" 7 ", 7),
        (7.0, 7),
        (0, 0),
        (None, None),
        ("", None),
        ("many", None),
        (-1, None),
        (True, None),
        ([7], None),
        (float("nan"), None),
        (float("inf"), None),
        ("9" * 400, None),
        (10**12, 10**12),
        (2**64 - 1, None),
        (1e308, None),
    ],
)
def test_counts_may_be_missing_or_text(given_: object, read: int | None) -> None:
    one = task(total=given_, success=given_, failure=given_)
    assert (one.total, one.success, one.failure) == (read, read, read)


def test_an_answer_of_id_and_status_alone_is_enough() -> None:
    one = read_task({"task_id": " made-up-id ", "status": " Processing "})
    assert one == Task("made-up-id", TaskStatus.PROCESSING, "Processing")
    assert one.progress is None


@pytest.mark.parametrize("word", ["queued", "EXPORTING", "unknown", "完成", "\udcff"])
def test_a_status_that_nobody_documented_is_unknown_and_keeps_its_word(word: str) -> None:
    one = task(status=word)
    assert one.status is TaskStatus.UNKNOWN
    assert one.word == word.replace("\udcff", "")


def test_the_word_of_a_status_is_safe_to_show() -> None:
    word = task(status="bad\r\nnumber +99912345678 in " + "x" * 500).word
    assert "99912345678" not in word
    assert "\n" not in word
    assert len(word) <= 41


def test_completed_is_its_own_status_and_not_the_end() -> None:
    assert task(status="completed").status is TaskStatus.COMPLETED
    assert TaskStatus.COMPLETED not in (TaskStatus.EXPORTED, TaskStatus.FAILED)


@pytest.mark.parametrize(
    ("total", "success", "failure", "progress"),
    [
        (100, 150, 0, 1.0),
        (100, 100, 20, 1.0),
        (100, 40, 10, 0.5),
        (100, 40, None, 0.4),
        (100, None, 10, None),
        (0, 5, 0, None),
        (None, 5, 0, None),
    ],
)
def test_progress_is_capped_and_needs_figures(
    total: int | None, success: int | None, failure: int | None, progress: float | None
) -> None:
    assert task(total=total, success=success, failure=failure).progress == progress


NONE, NO_ID = "it has no task_id", "its task_id can't be one"


@pytest.mark.parametrize(
    ("ekyc_task_id", "problem"),
    [(None, NONE), ("", NONE), ([], NONE), ({}, NONE), ("  ", NO_ID), (True, NO_ID), (0.5, NO_ID), ("a b", NO_ID)],
)
def test_an_answer_without_an_id_is_unreadable(ekyc_task_id: object, problem: str) -> None:
    with pytest.raises(UnreadableAnswer) as caught:
        read_created({**CREATED, "task_id": ekyc_task_id})
    assert str(caught.value) == problem


def test_an_id_that_is_a_number_is_the_id_of_what_was_paid() -> None:
    assert read_created({**CREATED, "task_id": 7}).ekyc_task_id == "7"


@pytest.mark.parametrize("status", [None, "", " ", 3, {}])
def test_an_accepted_submission_needs_no_more_than_an_id(status: object) -> None:
    assert read_created({"task_id": "made-up-id", "status": status}).status is TaskStatus.PENDING
    with pytest.raises(UnreadableAnswer, match="status"):
        read_task({"task_id": "made-up-id", "status": status})


@pytest.mark.parametrize(("word", "status"), [("processing", TaskStatus.PROCESSING), ("queued", TaskStatus.UNKNOWN)])
def test_an_accepted_submission_keeps_the_status_that_it_has(word: str, status: TaskStatus) -> None:
    one = read_created({"task_id": "made-up-id", "status": word})
    assert (one.status, one.word) == (status, word)


@pytest.mark.parametrize("balance", [12.5, "12.5"])
def test_a_balance_may_be_a_number_or_text(balance: object) -> None:
    one = read_balance({"balance": balance, "credit": None, "daily_limit": "1000", "reset_time": "x", "status": "ok"})
    assert (one.balance, one.credit, one.used_today, one.daily_limit) == (12.5, None, None, 1000.0)


def test_each_figure_of_a_balance_has_its_own_name() -> None:
    one = read_balance({"balance": 1, "credit": 2, "used_today": 3, "daily_limit": 4})
    assert (one.balance, one.credit, one.used_today, one.daily_limit) == (1.0, 2.0, 3.0, 4.0)


@pytest.mark.parametrize("balance", [None, "", "much", True, [], float("nan"), "inf"])
def test_an_answer_without_a_balance_is_unreadable(balance: object) -> None:
    with pytest.raises(UnreadableAnswer, match="balance"):
        read_balance({"balance": balance})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_NAMES = ("task_id", "status", "total", "success", "failure", "created_at", "updated_at", "result_url", "balance")
_TIMES = st.from_regex(r"\A\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,12})?)?(Z|[+-]\d\d:\d\d)?\Z")
_ANSWERS = st.dictionaries(
    st.sampled_from(_NAMES), _JSON | st.sampled_from([*TaskStatus]).map(str) | _TIMES | st.just("made-up-id")
)


@given(_ANSWERS)
@settings(max_examples=200, deadline=None)
def test_any_json_object_is_read_or_called_unreadable(answer: dict[str, object]) -> None:
    for reader in (read_task, read_created, read_balance):
        with contextlib.suppress(UnreadableAnswer):
            one = reader(answer)
            if isinstance(one, Task):
                assert one.progress is None or 0 <= one.progress <= 1
                assert task_summary(one, seconds=1.0, queries=1)["ekyc_task_id"] == one.ekyc_task_id
