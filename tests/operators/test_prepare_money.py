"""
Numbers that are not verified again, and money that is not spent: before the first file is submitted.

With ``preparation/money.py`` and ``preparation/verified_before.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from airflow_provider_ekyc.sandbox import Sandbox
from dev.testing.task_context import TaskInstance, context_of
from tests.history.landed import NO, UNKNOWN, YES, landed

pytestmark = pytest.mark.usefixtures("connections")

Prepare = Callable[..., tuple[list[str], dict[str, Any]]]


@pytest.fixture
def prepare(tmp_path: Path, numbers_file: Path) -> Prepare:
    """Make one try; gives the files and the XCom ``preparation``."""

    def once(**arguments: Any) -> tuple[list[str], dict[str, Any]]:
        ti = TaskInstance()
        given = {"numbers": numbers_file, "destination_uri": tmp_path / "ready", **arguments}
        files = EkycPrepareNumbersOperator(task_id="prepare", **given).execute(context_of(ti))
        return files, ti.xcoms["preparation"]

    return once


@pytest.fixture
def history(tmp_path: Path) -> Callable[..., None]:
    """Land results of some of the two hundred numbers, so many days ago."""
    folder = tmp_path / "history"
    folder.mkdir()

    def land(numbers: range, answer: str, days: float) -> None:
        at = datetime.now(UTC) - timedelta(days=days)
        rows = [(999 * 10**10 + number, answer) for number in numbers]
        (folder / f"{len(list(folder.iterdir()))}.parquet").write_bytes(landed(rows, at))

    return land


def test_fresh_numbers_are_left_out_and_what_that_saves_is_reported(
    prepare: Prepare, history: Any, tmp_path: Path, numbers: list[str], connect: Any, sandbox: Sandbox, caplog: Any
) -> None:
    caplog.set_level("INFO")
    connect(sandbox, prices="amazon=0.002")
    history(range(50), YES, days=10)
    history(range(50, 70), NO, days=40)
    arguments = {"skip_verified_within": timedelta(days=30), "history_uri": tmp_path / "history", "count_stale": True}
    (uri,), preparation = prepare(**arguments)
    assert Path(uri).read_text().splitlines() == numbers[50:]
    names = ("fresh", "stale", "new", "stale_or_new", "held_back", "to_send")
    assert [preparation[name] for name in names] == [50, 20, 130, 150, 0, 150]
    assert preparation["money"] == {"price": "0.002", "estimate": "0.3", "saved": "0.1", "balance": None}
    assert "Not verifying 50 fresh numbers again saves 0.1." in caplog.text
    assert "Cost of all files together: 0.30 (150 numbers at 0.002)." in caplog.text


def test_each_answer_may_have_a_window_of_its_own(prepare: Prepare, history: Any, tmp_path: Path) -> None:
    history(range(50), YES, days=10)
    history(range(50, 60), NO, days=10)
    history(range(60, 65), UNKNOWN, days=10)
    windows = {"yes": 3600 * 24 * 5, "no": timedelta(days=20), "unknown": None}
    _, preparation = prepare(skip_verified_within=windows, history_uri=str(tmp_path / "history"))
    assert (preparation["fresh"], preparation["to_send"]) == (10, 190)


def test_where_all_are_fresh_there_is_nothing_to_verify(prepare: Prepare, history: Any, tmp_path: Path) -> None:
    history(range(200), YES, days=1)
    files, preparation = prepare(skip_verified_within="2592000", history_uri=tmp_path / "history")
    assert files == []
    assert (preparation["fresh"], preparation["to_send"], preparation["held_back"]) == (200, 0, 0)


def test_too_few_that_are_not_fresh_are_held_back_for_a_later_run(
    prepare: Prepare, history: Any, tmp_path: Path, caplog: Any
) -> None:
    history(range(150), YES, days=1)
    files, preparation = prepare(skip_verified_within=timedelta(days=30), history_uri=tmp_path / "history")
    assert files == []
    assert (preparation["fresh"], preparation["to_send"], preparation["held_back"]) == (150, 0, 50)
    assert "50 numbers are held back for a later run" in caplog.text


def test_too_few_numbers_are_an_error_also_with_a_history(
    prepare: Prepare, history: Any, tmp_path: Path, numbers: list[str]
) -> None:
    history(range(20), YES, days=1)
    (tmp_path / "list.txt").write_text("\n".join(numbers[:99]))
    with pytest.raises(EkycFailException, match="99 numbers are left"):
        prepare(
            numbers=tmp_path / "list.txt", skip_verified_within=timedelta(days=30), history_uri=tmp_path / "history"
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"history_uri": "/nowhere"}, "history_uri has no effect without skip_verified_within"),
        ({"history_table": "a.b"}, "history_table has no effect without skip_verified_within"),
        ({"skip_verified_within": 60}, "set either history_uri or history_table"),
        ({"skip_verified_within": {True: 60, "no": 60}, "history_uri": "/a"}, "1 of its keys are none of these"),
        ({"skip_verified_within": 60, "history_uri": "/a", "history_table": "a.b"}, "set either history_uri or"),
        ({"skip_verified_within": "soon", "history_uri": "/a"}, "skip_verified_within must be a number"),
        ({"skip_verified_within": {"maybe": 60}, "history_uri": "/a"}, "1 of its keys are none of these"),
    ],
)
def test_wrong_arguments_of_freshness(prepare: Prepare, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(EkycFailException, match=message):
        prepare(**arguments)


def test_a_damaged_history_is_an_error_and_nothing_is_written(prepare: Prepare, tmp_path: Path, history: Any) -> None:
    history(range(50), YES, days=1)
    (tmp_path / "history" / "0.parquet").write_bytes((tmp_path / "history" / "0.parquet").read_bytes()[:-20])
    with pytest.raises(EkycFailException) as failed:
        prepare(skip_verified_within=timedelta(days=30), history_uri=tmp_path / "history")
    assert failed.value.kind == "history"
    assert not re.search(r"9990000", str(failed.value))
    assert list((tmp_path / "ready").iterdir()) == []


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"max_total_rows": 199}, r"Raise max_total_rows.* 2 files .* 200 numbers to send; max_total_rows is 199"),
        ({"max_cost": 0.39}, r"Raise max_cost.* 200 numbers, which cost 0\.40"),
        ({"min_balance_after": "999999.7"}, r"Top up the account.* 999,999\.60 would be left"),
    ],
)
def test_a_limit_counts_all_files_together_and_refuses_before_any_is_written(
    prepare: Prepare, connect: Any, sandbox: Sandbox, tmp_path: Path, limits: dict[str, Any], message: str
) -> None:
    connect(sandbox, prices="amazon=0.002")
    sandbox.change(balance=1e6)
    with pytest.raises(EkycFailException, match=message) as failed:
        prepare(max_rows=199, **limits)
    assert (failed.value.kind, failed.value.charge) == ("spending_limit", "none")
    assert list((tmp_path / "ready").iterdir()) == []
    assert len(sandbox.bill.submissions) == 0


@pytest.mark.parametrize(
    ("limits", "price", "message"),
    [
        ({"max_total_rows": 199}, "amazon=0.002", r"Raise max_total_rows.* 200 numbers to send; .* is 199"),
        ({"max_cost": 0.39}, "amazon=0.002", r"Raise max_cost.* 200 numbers, which cost 0\.40"),
        ({"max_cost": 0.4}, "amazon=0.003", r"Raise max_cost.* 200 numbers, which cost 0\.60"),
        ({"max_cost": 0.4}, "", r"Add the price of amazon"),
    ],
)
def test_a_limit_that_was_lowered_counts_for_files_of_an_earlier_try_which_may_be_submitted(
    prepare: Prepare, connect: Any, sandbox: Sandbox, tmp_path: Path, limits: dict[str, Any], price: str, message: str
) -> None:
    connect(sandbox, prices="amazon=0.002")
    prepare(max_rows=199, max_cost=0.4, max_total_rows=200)
    before = {path.name: path.read_bytes() for path in (tmp_path / "ready").iterdir()}
    connect(sandbox, **({"prices": price} if price else {}))
    with pytest.raises(EkycFailException, match=message) as failed:
        prepare(max_rows=199, **limits)
    assert (failed.value.kind, failed.value.charge) == ("spending_limit", "possible")
    (manifest,) = (tmp_path / "ready").glob("manifest-*")
    assert "may be submitted and charged already" in str(failed.value)
    assert f"delete {manifest}" in str(failed.value)
    assert "Nothing was sent or charged" not in str(failed.value)
    assert {path.name: path.read_bytes() for path in (tmp_path / "ready").iterdir()} == before


def test_the_balance_is_not_checked_for_files_of_an_earlier_try_which_may_be_paid_for(
    prepare: Prepare, connect: Any, sandbox: Sandbox
) -> None:
    connect(sandbox, prices="amazon=0.002")
    sandbox.change(balance=1)
    first, _ = prepare(min_balance_after=0.5)
    sandbox.change(balance=0.6)
    queries = sandbox.calls["balance"]
    assert prepare(min_balance_after=0.5)[0] == first
    assert sandbox.calls["balance"] == queries


def test_what_is_within_the_limits_is_prepared(prepare: Prepare, connect: Any, sandbox: Sandbox) -> None:
    connect(sandbox, prices="amazon=0.002")
    sandbox.change(balance=1e6)
    files, preparation = prepare(max_rows=199, max_total_rows=200, max_cost="0.4", min_balance_after=999999.6)
    assert len(files) == 2
    assert preparation["money"] == {"price": "0.002", "estimate": "0.4", "saved": None, "balance": "1000000"}


def test_the_balance_is_only_queried_for_a_limit_that_needs_it(
    prepare: Prepare, connect: Any, sandbox: Sandbox
) -> None:
    connect(sandbox, prices="amazon=0.002")
    prepare(max_cost=1)
    assert sandbox.calls["balance"] == 0


def test_a_balance_that_is_not_known_may_be_retried(
    prepare: Prepare, connect: Any, sandbox: Sandbox, no_waits: list[float]
) -> None:
    connect(sandbox, prices="amazon=0.002")
    sandbox.fault("balance", "status", status=503, times=None)
    with pytest.raises(EkycRetryException, match="The balance is not known"):
        prepare(min_balance_after=1)


def test_without_a_price_a_limit_of_money_refuses(prepare: Prepare) -> None:
    with pytest.raises(EkycFailException, match="Add the price of amazon to the connection"):
        prepare(max_cost=1)


@pytest.mark.parametrize("name", ["max_total_rows", "max_cost", "min_balance_after", "skip_verified_within"])
@pytest.mark.parametrize("rendered", [None, "", "None"])
def test_what_would_save_money_and_is_left_empty_by_a_template_is_an_error(
    tmp_path: Path, numbers_file: Path, name: str, rendered: str | None
) -> None:
    operator = EkycPrepareNumbersOperator(
        task_id="prepare", numbers=numbers_file, destination_uri=tmp_path / "ready", **{name: "{{ var.value.made_up }}"}
    )
    setattr(operator, name, rendered)
    with pytest.raises(EkycFailException, match=rf"{name} (is empty|must be a number)"):
        operator.execute(context_of())
