"""
The page ``docs/outcomes.md`` is true: each outcome has rows in ``rows.md``, and each row is provoked and looked at.

A row's words are checked one by one: how many calls, how the task ends, what is said, what is charged, and
what the next try does once the cause is gone.
"""

from __future__ import annotations

import re

import pytest

from airflow_provider_ekyc.sandbox.echoes import quoted
from airflow_provider_ekyc.sandbox.faults import CALLS, Call, kinds_of
from tests.conftest import API_KEY, keys_of
from tests.outcomes import rows as data
from tests.outcomes.outcomes import DOCS, Outcome, outcomes
from tests.outcomes.prepare_tries import PrepareTries
from tests.outcomes.sensor_tries import MODES, SensorTries
from tests.outcomes.stage import Stage, Try
from tests.outcomes.submit_tries import SubmitTries
from tests.outcomes.transfer_tries import TransferTries
from tests.submitted import submitted

#: Heading of a table -> the call that ``tries`` counts, and the task that makes it.
TABLES = {
    "Preparation of a list": ("balance", "prepare"),
    "Before any call": ("submit", "submit"),
    "Balance query before a submission": ("balance", "submit"),
    "Submission": ("submit", "submit"),
    "What the journal knows": ("submit", "submit"),
    "Status query of the sensor": ("status", "sensor"),
    "Status query before a download": ("status", "transfer"),
    "Result download": ("result", "transfer"),
    "Result download by ranges": ("result", "transfer"),
    "Check of the archive": ("result", "transfer"),
    "Rows beside the task's figures": ("result", "transfer"),
    "Landing in S3": ("put", "transfer"),
    "Landing in parts": ("part", "transfer"),
    "Landing in an Iceberg table": ("put", "transfer"),
    "Landing in another format": ("put", "transfer"),
    "The result compared with what was sent": ("put", "transfer"),
    "Landing of the unmatched numbers": ("put", "transfer"),
    "Kill of a submission": ("submit", "submit"),
    "Kill of a wait": ("status", "sensor"),
    "Kill of a transfer": ("put", "transfer"),
    "Kill of an upload in parts": ("part", "transfer"),
}

SECRET = re.compile(
    r"X-Amz-Sig|(?<![0-9a-f])\+?999\d{7}(?![0-9a-f])|" + re.escape(API_KEY) + "|made-up-secret|made-up-wrong"
)

ROWS = data.rows()
OUTCOMES = outcomes()
#: Chapter of the page -> the task that its rows are about.
CHAPTERS = {"Prepare": "prepare", "Submit": "submit", "Wait": "sensor", "Land": "transfer"}


def of(task: str) -> pytest.MarkDecorator:
    """All rows whose table is about this task."""
    chosen = [row for row in ROWS if TABLES.get(row.table, ("", ""))[1] == task]
    return pytest.mark.parametrize("row", chosen, ids=[row.name for row in chosen])


def test_every_table_is_run_and_every_run_has_its_table() -> None:
    assert {row.table for row in ROWS} == set(TABLES)


def test_every_outcome_has_rows_and_every_row_its_outcome() -> None:
    assert {row.cells["outcome"] for row in ROWS} == set(OUTCOMES)


@pytest.mark.parametrize("outcome", OUTCOMES.values(), ids=list(OUTCOMES))
def test_an_outcome_says_what_its_rows_say(outcome: Outcome) -> None:
    """All rows of an outcome agree with it; each fragment that it shows is in the message of one of them."""
    rows = [row for row in ROWS if row.cells["outcome"] == outcome.id]
    for row in rows:
        assert TABLES[row.table][1] == CHAPTERS[outcome.chapter]
        assert row.cells["the task"] == outcome.cells["the task"], row.name
        assert row.cells["a retry or a clear then"] == outcome.cells["then"], row.name
        assert charge(row) == outcome.cells.get("charged", charge(row)), row.name
    seen = [words for row in rows for words in row.seen]
    assert [part for part in outcome.seen if not any(part in words for words in seen)] == []


def charge(row: data.Row) -> str:
    """Return what a row of a submission charges, in the words of the page."""
    words = row.cells["charged"]
    return "**unknown**" if words.startswith("unknown") else {"0": "nothing"}.get(words, words)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_every_row_is_made_of_known_words(row: data.Row) -> None:
    assert data.provocation(row)
    assert row.expected_tries[0] >= 0
    assert row.expected_charge[0] >= 0
    assert row.cells["the task"] in data.ENDINGS
    assert row.cells["a retry or a clear then"] in data.NEXT
    assert row.seen or row.cells["you see"] == "nothing"


@pytest.mark.parametrize("call", CALLS)
def test_every_fault_that_the_sandbox_knows_has_a_row(call: Call) -> None:
    named = {fault.kind for fault in data.faults_of(ROWS) if fault.call == call}
    assert kinds_of(call) - named == set()


@pytest.mark.parametrize("call", ["submit", "status"])
def test_every_code_of_the_api_page_has_a_row(call: Call) -> None:
    api_page = (DOCS / "api.md").read_text()
    first_cells = [line.split("|")[1] for line in api_page.splitlines() if line.startswith("|")]
    codes = {int(code) for cell in first_cells for code in re.findall(r"\b[45]\d\d\b", cell)}
    assert {400, 402, 429, 503} < codes
    named = {fault.status for fault in data.faults_of(ROWS) if fault.call == call and fault.kind == "status"}
    assert codes - named == set()


@of("prepare")
def test_a_row_about_preparing_is_true(row: data.Row, stage: Stage) -> None:
    provocation = data.provocation(row)
    tries = PrepareTries(stage)
    stage.arrange(provocation)
    tries.arrange(provocation)
    stage.provoke(provocation)
    before = tries.written()
    first = tries.once()
    check(row, first, first.submissions, stage)
    check_calls(row, calls_in(first, row))
    if first.ending != "succeeds":
        assert tries.written() == before  # no file, no manifest, no part of one
    stage.repair()
    second = tries.once()
    assert first.submissions == second.submissions == 0
    match row.cells["a retry or a clear then"]:
        case "prepares":
            assert (second.ending, tries.rows(second.value)) == ("succeeds", 200), second.text
            assert "An earlier try" not in second.text
        case "returns it":
            assert (second.ending, second.value) == ("succeeds", first.value or second.value), second.text
            assert "An earlier try" in second.text
        case "fails again":
            assert (second.ending, second.message) == (first.ending, first.message)
        case other:
            pytest.fail(f"a preparation never {other}")


@of("submit")
def test_a_row_about_submitting_is_true(row: data.Row, stage: Stage) -> None:
    provocation = data.provocation(row)
    tries = SubmitTries(stage)
    tries.arrange(provocation)
    stage.arrange(provocation)
    stage.provoke(provocation)
    stage.booked = (row.expected_charge[0], 0)
    paid_before = len(stage.sandbox.bill.submissions)
    if "two at once" in provocation.said("journal_uri"):
        first, second = tries.two_at_once()
        check(row, first, first.submissions - 1, stage)
        check_calls(row, first.calls["submit"] - 1)
    else:
        first = tries.once()
        check(row, first, first.submissions, stage)
        check_calls(row, calls_in(first, row))
        if row.cells["charged"].startswith("unknown"):
            assert "may or may not" in first.text or first.ending == "is killed"
        stage.repair()
        stage.booked = (0, 0)
        second = tries.once()
    match row.cells["a retry or a clear then"]:
        case "submits":
            assert (second.ending, second.calls["submit"], second.submissions) == ("succeeds", 1, 1)
            assert first.submissions == 0
        case "submits again":
            assert (second.ending, second.calls["submit"], second.submissions) == ("succeeds", 1, 1)
            assert first.submissions + paid_before > 0
        case "returns it":
            assert (second.ending, second.calls["submit"], second.submissions) == ("succeeds", 0, 0), second.text
            assert second.value == (first.value or second.value) in {task.task_id for task in stage.sandbox.tasks}
        case "stays unknown":
            assert (second.ending, second.calls["submit"], second.submissions) == ("fails for good", 0, 0)
            assert "has no receipt" in second.message
        case "stops again":
            assert (second.ending, second.calls["submit"], second.submissions) == (first.ending, 0, 0)
        case other:
            pytest.fail(f"a submission never {other}")


@pytest.mark.parametrize("mode", MODES)
@of("sensor")
def test_a_row_about_waiting_is_true_in_every_mode(row: data.Row, mode: str, stage: Stage) -> None:
    provocation = data.provocation(row)
    given = provocation.settings("operator")
    stage.ekyc_task_id = given.get("ekyc_task_id", "")
    stage.arrange(provocation)
    if not stage.ekyc_task_id:
        stage.ekyc_task_id = submitted(stage.sandbox)
    tries = SensorTries(stage, mode)
    stage.provoke(provocation)
    tries.arrange(provocation)
    stage.booked = (0, row.expected_charge[0] - len(stage.answers))
    first = tries.once()
    if row.cells["the task"] == "goes on waiting":
        assert first.ending == "succeeds", first.text
        assert first.value["status"] == "exported"
    check(row, first, first.queries, stage)
    check_calls(row, calls_in(first, row))
    stage.repair()
    stage.booked = (0, 0)
    stage.operator.pop("timeout", None)
    second = tries.once()
    assert second.submissions == first.submissions == 0
    match row.cells["a retry or a clear then"]:
        case "asks again":
            assert (second.ending, second.calls["status"]) == ("succeeds", 1)
        case "fails again":
            assert (second.ending, second.message) == (first.ending, first.message)
        case other:
            pytest.fail(f"a wait never {other}")


@of("transfer")
def test_a_row_about_landing_is_true(row: data.Row, stage: Stage, landing: TransferTries) -> None:
    provocation = data.provocation(row)
    stage.arrange(provocation)
    stage.ekyc_task_id = landing.submit(provocation)
    landing.arrange(provocation)
    stage.provoke(provocation)
    stage.booked = (0, row.expected_charge[0] - len(stage.answers))
    first = landing.once()
    check(row, first, first.queries, stage)
    check_calls(row, calls_in(first, row))
    there = landing.landed()
    if first.ending == "succeeds":
        assert there == landing.asked
        landing.check_objects(first)
    elif row.cells["a retry or a clear then"] == "adds it":
        assert there == landing.asked
    elif first.ending != "is killed":
        assert there != landing.asked
        landing.check_strangers()
    stage.repair()
    stage.booked = (0, 0)
    second = landing.once()
    assert second.submissions == first.submissions == 0
    match row.cells["a retry or a clear then"]:
        case "finds it":
            assert (second.ending, second.calls["status"], second.calls["result"]) == ("succeeds", 0, 0)
            assert first.value in (None, second.value)
        case "adds it":
            assert (second.ending, second.calls["status"], second.calls["result"]) == ("succeeds", 0, 0), second.text
        case "downloads again":
            assert there != landing.asked
            assert (second.ending, second.calls["status"], second.calls["result"]) == ("succeeds", 1, 1), second.text
        case "fails again":
            assert (second.ending, second.message) == (first.ending, first.message)
        case other:
            pytest.fail(f"a transfer never {other}")
    if second.ending == "succeeds":
        landing.check_objects(second)
    else:
        assert keys_of(landing.s3) == []


def check(row: data.Row, done: Try, charged: int, stage: Stage) -> None:
    """Compare what happened with the row's words, and with what holds for every row."""
    ending = row.cells["the task"]
    assert done.ending == ("succeeds" if ending == "goes on waiting" else ending), done.text
    where = done.text if done.ending in ("succeeds", "is killed") else done.message
    # A log has sentences on several lines.
    assert [words for words in row.seen if words not in " ".join(where.split())] == [], where
    least, more = row.expected_charge
    assert charged >= least if more else charged == least, f"charged {charged}\n{done.text}"
    for fault in data.provocation(row).faults:
        if asked := fault.headers.get("Retry-After"):
            assert max(stage.waited) >= float(asked) - 0.2
        if fault.kind == "echo":
            words = quoted(fault.form, API_KEY, stage.numbers.read_bytes())
            assert words.lower() not in done.text.lower()
    assert not SECRET.search(done.text)
    assert stage.sandbox.key_leaks == 0


def check_calls(row: data.Row, made: int) -> None:
    """Compare how many calls were made with the row."""
    least, more = row.expected_tries
    assert made >= least if more else made == least, f"{made} calls"


def calls_in(done: Try, row: data.Row) -> int:
    """Count the calls that the row's table is about; one that reached nobody is in the log alone."""
    call, _ = TABLES[row.table]
    # The table is about the query before a submission; one more follows each that is accepted.
    after = done.submissions if call == "balance" else 0
    return (done.calls[call] or done.unanswered[call]) - after
