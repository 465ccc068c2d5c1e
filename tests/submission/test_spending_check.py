"""
Money is checked before it is spent, against the sandbox's bill; and what was spent is shown.

Modules: ``submission/spending_check.py``, and with ``submission/spending.py`` the arguments of the operator.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.settings import EkycSettings
from airflow_provider_ekyc.exceptions import EkycSpendingError
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.submission.spending import Estimate, SpendingLimits
from airflow_provider_ekyc.submission.spending_check import check_spending
from dev.testing.variables import Variables
from tests.submission.submit_job import IN_VARIABLES, Job

pytestmark = [pytest.mark.usefixtures("connections"), IN_VARIABLES]

#: Of the sandbox, for which 200 numbers cost 0.2.
PRICES = "amazon=0.001"


@pytest.fixture
def priced(sandbox: Sandbox, connect: Callable[..., None]) -> Sandbox:
    """The sandbox, and a connection that knows its price."""
    connect(sandbox, prices=PRICES)
    return sandbox


def refused(job: Job, sandbox: Sandbox, **limits: Any) -> EkycFailException:
    """Make a try that is refused for good; return its error."""
    submissions = sandbox.calls["submit"]
    with pytest.raises(EkycFailException) as failed:
        job.submit(**limits)
    assert "submission" not in job.last["ti"].xcoms
    assert sandbox.calls["submit"] == submissions
    assert (failed.value.kind, failed.value.retryable) == ("spending_limit", False)
    return failed.value


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"max_rows": 199}, "This list has 200 numbers to send; max_rows is 199."),
        ({"max_cost": "0.199"}, "200 numbers, which cost 0.20 at 0.001 each"),
        ({"max_cost": Decimal("0.1999999")}, "max_cost is 0.1999999."),
        ({"max_cost": 0}, "max_cost is 0.00."),
    ],
)
def test_too_much_is_refused_before_any_request_and_any_record(
    limits: dict[str, Any], said: str, job: Job, priced: Sandbox, variables: Variables
) -> None:
    error = refused(job, priced, **limits)
    assert said in str(error)
    assert str(error).endswith("Nothing was sent or charged.")
    assert error.charge == "none"
    assert sum(priced.calls.values()) == 0
    assert variables.records() == {}
    job.submit(max_rows=200, max_cost=0.2)
    assert priced.bill.submissions[0].amount == Decimal("0.2")


@pytest.mark.parametrize("limits", [{"max_cost": 5}, {"min_balance_after": 5}])
def test_a_limit_on_money_without_a_price_is_an_error(limits: dict[str, Any], job: Job, sandbox: Sandbox) -> None:
    assert "Add the price of amazon to the connection" in str(refused(job, sandbox, **limits))
    assert sum(sandbox.calls.values()) == 0


def test_a_price_is_of_its_task_type_alone(job: Job, sandbox: Sandbox, connect: Callable[..., None]) -> None:
    connect(sandbox, prices={"ws": 0.001})
    assert "Add the price of amazon" in str(refused(job, sandbox, max_cost=5))
    job.submit(task_type="ws", max_cost=5)


def test_what_must_be_left_of_the_balance_is_left(job: Job, priced: Sandbox, variables: Variables) -> None:
    priced.change(balance=Decimal("1.199"))
    error = refused(job, priced, min_balance_after=1)
    assert "the balance is 1.199, so 0.999 would be left, and min_balance_after is 1.00" in str(error)
    assert variables.records() == {}
    priced.change(balance=Decimal("1.2"))
    job.submit(min_balance_after=1)
    assert priced.bill.balance == 1


@pytest.mark.usefixtures("no_waits")
def test_a_balance_that_is_not_known_is_not_enough_and_may_be_tried_again(
    job: Job, priced: Sandbox, variables: Variables
) -> None:
    priced.fault("balance", "status", status=500, times=None)
    with pytest.raises(EkycRetryException, match="The balance is not known") as failed:
        job.submit(min_balance_after=1)
    assert (failed.value.kind, failed.value.charge) == ("spending_limit", "none")
    assert priced.calls["submit"] == 0
    assert variables.records() == {}
    priced.clear_faults()
    job.submit(min_balance_after=1)
    assert len(priced.bill.submissions) == 1


@pytest.mark.usefixtures("no_waits")
def test_without_that_limit_a_balance_that_is_not_known_keeps_nothing_from_being_sent(
    job: Job, priced: Sandbox
) -> None:
    priced.fault("balance", "status", status=500, times=None)
    job.submit(max_cost=1)
    submission = job.last["ti"].xcoms["submission"]
    assert (submission["balance_before"], submission["balance_after"]) == (None, None)


def test_what_was_submitted_before_is_returned_without_any_check(
    job: Job, priced: Sandbox, connect: Callable[..., None]
) -> None:
    first = job.submit()
    calls = priced.calls
    connect(priced)
    assert job.submit(max_rows=1, max_cost=0, min_balance_after=10**9) == first
    assert priced.calls == calls


def test_a_submission_that_may_be_charged_already_counts_again(job: Job, priced: Sandbox, variables: Variables) -> None:
    job.submit_without_answer(priced)
    error = refused(job, priced, on_unknown_outcome="resubmit", max_cost="0.39")
    assert "which cost 0.20 at 0.001 each" in str(error)
    assert "earlier submissions whose outcome is unknown (1), which may be charged too, 0.40; max_cost is 0.39" in str(
        error
    )
    assert error.charge == "possible"
    (record,) = variables.records().values()
    assert json.loads(record)["possibly_charged"] == 1
    job.clear()
    job.submit(on_unknown_outcome="resubmit", max_cost="0.4")
    assert len(priced.bill.submissions) == 2


def test_each_unknown_outcome_counts_and_a_refusal_does_not(job: Job, priced: Sandbox, variables: Variables) -> None:
    for fault in ({"kind": "cut_after"}, {"kind": "status", "status": 400}, {"kind": "cut_after"}):
        priced.fault("submit", **fault)
        with pytest.raises((EkycFailException, EkycRetryException)):
            job.submit(on_unknown_outcome="resubmit")
    priced.change(balance=2)
    error = refused(job, priced, on_unknown_outcome="resubmit", min_balance_after="1.5")
    assert "(2), which may be charged too, 0.60; the balance is 2.00, so 1.40 would be left" in str(error)


def test_a_record_of_an_earlier_version_counts_once(job: Job, priced: Sandbox, variables: Variables) -> None:
    job.submit_without_answer(priced)
    intents = {key: json.loads(value) for key, value in variables.values.items() if '"intent"' in value}
    for key, intent in intents.items():
        del intent["possibly_charged"]
        variables.values[key] = json.dumps(intent)
    assert "(1), which may be charged too" in str(refused(job, priced, on_unknown_outcome="resubmit", max_cost=0.3))


def test_what_a_person_has_sent_again_is_settled_and_counts_once(
    job: Job, priced: Sandbox, variables: Variables
) -> None:
    job.submit_without_answer(priced)
    (key,) = variables.records()
    variables.values[key] = "send again"
    job.submit(max_cost=0.2)
    assert len(priced.bill.submissions) == 2


def test_the_balance_is_checked_again_at_the_last_moment(job: Job, priced: Sandbox, variables: Variables) -> None:
    def spend(moment: str, key: str) -> None:
        if moment == "after" and key in variables.records():
            priced.change(balance=1)

    variables.watch = spend
    assert "so 0.80 would be left" in str(refused(job, priced, min_balance_after=1))
    variables.watch = lambda moment, key: None
    priced.change(balance=2)
    job.submit(min_balance_after=1)
    assert len(priced.bill.submissions) == 1


def test_the_balance_is_checked_again_before_a_second_send(
    job: Job, priced: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_ekyc.api.retries import retrying

    assert retrying.__kwdefaults__
    monkeypatch.setitem(retrying.__kwdefaults__, "sleep", lambda seconds: priced.change(balance=1))
    priced.fault("submit", "status", status=500)
    with pytest.raises(EkycFailException) as failed:
        job.submit(min_balance_after=1)
    assert str(failed.value).endswith("It was not sent again; what was refused before is free.")
    assert priced.calls["submit"] == 1


def test_a_charge_that_is_booked_late_is_not_seen(job: Job, priced: Sandbox, tmp_path: Path) -> None:
    """What a check of one task can't see, as the docs say: what others send at the same time."""
    priced.change(balance=Decimal("1.3"), booking="delay", booking_delay_seconds=3600)
    job.submit(min_balance_after=1)
    other = tmp_path / "other.txt"
    other.write_text("".join(f"+9996{number:09d}\n" for number in range(200)))
    beside = Job("variables", other, tmp_path)
    beside.map_index = 1
    beside.submit(min_balance_after=1)
    assert priced.bill.balance - priced.bill.reserved == Decimal("0.9")


def test_estimate_and_balances_are_in_the_log_the_xcom_and_the_record(
    job: Job, priced: Sandbox, variables: Variables, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        job.submit()
    submission = job.last["ti"].xcoms["submission"]
    money = {"price": "0.001", "estimated_cost": "0.2", "balance_before": "1000000"}
    assert {name: submission[name] for name in (*money, "balance_after")} == {**money, "balance_after": "999999.8"}
    assert Decimal(submission["balance_after"]) == priced.bill.balance
    assert json.loads(json.dumps(submission)) == submission
    assert "Estimated cost: 0.20 (200 numbers at 0.001). Balance before: 1,000,000.00." in caplog.text
    assert "Balance after: 999,999.80, before: 1,000,000.00; estimated cost: 0.20" in caplog.text
    (receipt,) = (json.loads(value) for key, value in variables.values.items() if key.endswith("_receipt"))
    assert {name: receipt[name] for name in (*money, "balance_after")} == {**money, "balance_after": None}
    job.submit()
    assert job.last["ti"].xcoms["submission"] == {**submission, "balance_after": None}


def test_without_a_price_the_log_says_so(job: Job, sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        job.submit()
    submission = job.last["ti"].xcoms["submission"]
    assert (submission["price"], submission["estimated_cost"]) == (None, None)
    assert "Estimated cost: not known (the connection has no price of amazon)." in caplog.text


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 401}, {"kind": "html"}, {"kind": "cut_before"}, {"kind": "broken_json"}]
)
def test_a_balance_that_fails_after_the_submission_is_never_an_error(
    fault: dict[str, Any], job: Job, priced: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    priced.fault("balance", skip=1, times=None, **fault)
    ekyc_task_id = job.submit()
    assert ekyc_task_id == priced.tasks[0].task_id
    assert priced.calls["balance"] == 2
    assert job.last["ti"].xcoms["submission"]["balance_after"] is None
    assert "only the balance after it is not known" in caplog.text


def test_an_interrupted_query_after_the_submission_loses_no_receipt(
    job: Job, priced: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = EkycClient.get_balance

    def killed(self: EkycClient, *, once: bool = False) -> Any:
        if once:
            raise KeyboardInterrupt
        return query(self)

    with monkeypatch.context() as patched:
        patched.setattr(EkycClient, "get_balance", killed)
        with pytest.raises(KeyboardInterrupt):
            job.submit()
    assert job.submit() == priced.tasks[0].task_id
    assert len(priced.bill.submissions) == 1


@pytest.mark.parametrize("rendered", [None, "", "None", " ", "all", "-1", "1e99"])
@pytest.mark.parametrize("name", ["max_rows", "max_cost", "min_balance_after"])
def test_a_limit_from_a_template_is_a_limit_or_an_error(
    name: str, rendered: str | None, job: Job, priced: Sandbox
) -> None:
    operator = job.operator(**{name: "{{ var.value.budget }}"})
    assert name in operator.template_fields
    setattr(operator, name, rendered)  # as Airflow does; None is what a native template or a task may return
    with pytest.raises(EkycFailException, match=name) as failed:
        operator.execute(job.context())
    assert failed.value.kind == "settings"
    assert sum(priced.calls.values()) == 0


def test_all_files_of_a_list_are_checked_together(job: Job, priced: Sandbox) -> None:
    from airflow_provider_ekyc.hooks.ekyc import EkycHook

    hook = EkycHook()
    settings: EkycSettings = hook.settings
    files = Estimate("amazon", 3_000, settings.price("amazon"), files=3)
    assert check_spending(hook, SpendingLimits.read(max_rows=3_000, max_cost=3), files) is None
    assert sum(priced.calls.values()) == 0, "the balance is queried only where a limit needs it"
    priced.change(balance=10)
    assert check_spending(hook, SpendingLimits.read(min_balance_after=7), files) == 10
    with pytest.raises(
        EkycSpendingError, match=r"The 3 files of this list together have 3,000 numbers, which cost 3\.00"
    ):
        check_spending(hook, SpendingLimits.read(min_balance_after="7.01"), files)
