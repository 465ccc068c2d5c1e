"""A retry or a clear of EkycPrepareNumbersOperator: ``preparation/earlier.py``, ``preparation/manifest.py``."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
from airflow_provider_ekyc.exceptions import Charge, EkycError
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from airflow_provider_ekyc.preparation.tidy import Reject, Tidier
from dev.stack.s3_server import S3Server
from dev.testing.s3_relay import S3Fault, S3Relay
from dev.testing.task_context import TaskInstance, context_of
from tests.conftest import BUCKET

pytestmark = pytest.mark.usefixtures("connections")


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    return tmp_path / "ready"


@pytest.fixture
def prepare(numbers_file: Path, ready: Path) -> Callable[..., tuple[list[str], TaskInstance]]:
    """Make one try; gives what it returned, and its task instance."""

    def once(**arguments: Any) -> tuple[list[str], TaskInstance]:
        ti = TaskInstance(try_number=arguments.pop("try_number", 1))
        given = {"numbers": str(numbers_file), "destination_uri": str(ready), "max_rows": 199, **arguments}
        return EkycPrepareNumbersOperator(task_id="prepare", **given).execute(context_of(ti)), ti

    return once


def manifest_in(ready: Path) -> Path:
    (path,) = ready.glob("manifest-*.json")
    return path


def state_of(ready: Path) -> dict[str, tuple[int, bytes]]:
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in ready.iterdir()}


def test_it_returns_the_same_without_reading_or_writing_anything(
    prepare: Any, numbers_file: Path, ready: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    first, ti = prepare()
    before = state_of(ready)
    numbers_file.unlink()
    again, later = prepare(try_number=2, max_cost=None, spool_dir=str(ready))
    assert (again, later.xcoms) == (first, ti.xcoms)
    assert state_of(ready) == before
    assert f"delete {manifest_in(ready)}, and clear this task" in caplog.text


def test_another_list_is_read_once_the_manifest_is_deleted(prepare: Any, numbers_file: Path, ready: Path) -> None:
    first, _ = prepare()
    numbers_file.write_text(numbers_file.read_text().replace("+999", "+998"))
    assert prepare()[0] == first
    manifest_in(ready).unlink()
    assert not set(prepare()[0]) & set(first)


def test_where_there_was_nothing_to_verify_the_list_is_read_again(
    prepare: Any, numbers_file: Path, ready: Path
) -> None:
    good = numbers_file.read_text()
    numbers_file.write_text("")
    assert prepare()[0] == []
    numbers_file.write_text(good)
    assert len(prepare()[0]) == 2


def test_a_later_try_without_a_manifest_says_where_it_has_looked_and_what_that_may_cost(
    prepare: Any, numbers_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, _ = prepare(destination_uri=str(tmp_path / "at_noon"))
    assert "no manifest" not in caplog.text
    numbers_file.write_text("\n".join(numbers_file.read_text().split()[1:]))
    again, later = prepare(destination_uri=str(tmp_path / "at_one"), try_number=2)
    assert {Path(uri).name for uri in first}.isdisjoint(Path(uri).name for uri in again)
    text = " ".join(record.getMessage().strip() for record in caplog.records if record.levelname == "WARNING")
    looked_at = later.xcoms["preparation"]["manifest_uri"]
    assert f"This is try 2, and there is no manifest of an earlier try at {looked_at}: " in text
    assert "its files are other submissions, which are charged" in text
    caplog.clear()
    assert prepare(destination_uri=str(tmp_path / "at_one"), try_number=3)[0] == again
    assert "no manifest" not in caplog.text


@pytest.mark.parametrize(
    "other",
    [
        {"max_rows": 200},
        {"normalise": True},
        {"invalid": "fail"},
        {"task_type": "ws"},
        {"numbers": ["/another/list.txt"]},
        {"column": "phone"},
        {"skip_verified_within": {"yes": 1}, "history_uri": "/nowhere"},
    ],
)
def test_other_arguments_fail_because_the_first_files_may_be_submitted(
    prepare: Any, ready: Path, other: dict[str, Any]
) -> None:
    prepare()
    before = state_of(ready)
    with pytest.raises(EkycFailException) as failed:
        prepare(**other)
    assert "was written with other arguments" in str(failed.value)
    assert (failed.value.kind, failed.value.charge) == ("manifest", "possible")
    assert state_of(ready) == before


def test_files_that_are_gone_or_changed_fail(prepare: Any, ready: Path) -> None:
    (first, second), _ = prepare()
    content = Path(second).read_bytes()
    Path(second).write_bytes(content[:-1])
    with pytest.raises(EkycFailException, match=r"names files that have another size now .1 of 2."):
        prepare()
    Path(first).unlink()
    with pytest.raises(EkycFailException, match=r"names files that are not there .1 of 2."):
        prepare()


def test_a_manifest_of_another_task_fails(prepare: Any, numbers_file: Path, ready: Path) -> None:
    prepare()
    path, other = manifest_in(ready), ready.parent / "other"
    EkycPrepareNumbersOperator(
        task_id="prepare", numbers=str(numbers_file), destination_uri=str(other), max_rows=199
    ).execute(context_of(TaskInstance(run_id="another_run")))
    path.write_bytes(manifest_in(other).read_bytes())
    with pytest.raises(EkycFailException, match="belongs to another task"):
        prepare()


def test_damage_anywhere_in_the_manifest_is_never_taken_for_no_manifest_or_for_ours(prepare: Any, ready: Path) -> None:
    returned, _ = prepare()
    path = manifest_in(ready)
    whole, drawn = path.read_bytes(), random.Random(5)
    for _ in range(100):
        damaged = bytearray(whole)
        at = drawn.randrange(len(whole))
        match drawn.choice(("cut", "byte", "zeros", "foreign")):
            case "cut":
                del damaged[at:]
            case "byte":
                damaged[at] ^= drawn.randrange(1, 256)
            case "zeros":
                damaged[at:] = bytes(len(whole) - at)
            case "foreign":
                damaged[:] = drawn.choice((b"", b"{}", b"null", b"[]", b'{"version": 1}', b"<html></html>"))
        path.write_bytes(damaged)
        try:
            found, _ = prepare()
        except EkycFailException as error:
            assert error.kind == "manifest"  # noqa: PT017  other damage does no harm
        else:
            assert found == returned
    assert len(list(ready.iterdir())) == 3


def test_two_tries_at_once_return_the_files_of_the_one_that_ends_first(
    prepare: Any, numbers_file: Path, ready: Path, numbers: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """One, which Airflow takes for dead, is still reading when the next one reads what the list has become."""
    numbers_file.write_text("\n".join(["garbage", *numbers]))
    returned: list[list[str]] = []
    with pytest.MonkeyPatch.context() as slow:

        def read_slowly(tidier: Tidier, line: bytes) -> Reject:
            slow.undo()
            numbers_file.write_text("\n".join(numbers[:150]))
            returned.append(prepare(try_number=2)[0])
            return Reject.TEXT

        slow.setattr(Tidier, "read", read_slowly)
        returned.append(prepare()[0])
    assert returned[0] == returned[1]
    assert sum(len(Path(uri).read_text().splitlines()) for uri in returned[0]) == 150
    assert "Another try of this task has prepared the list meanwhile" in caplog.text


@pytest.mark.usefixtures("s3")
def test_a_manifest_that_another_try_writes_and_somebody_deletes_meanwhile_is_retried(
    prepare: Any, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = S3Fault("put", "status", key="manifest-", status=412, code="PreconditionFailed")
    with S3Relay(s3_server.endpoint_url, taken) as relay:
        connection = s3_server.connection()
        extra = {**connection["extra"], "endpoint_url": relay.endpoint_url}
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps({**connection, "extra": extra}))
        with pytest.raises(EkycRetryException) as failed:
            prepare(destination_uri=f"s3://{BUCKET}/ready")
        assert (failed.value.kind, failed.value.charge) == ("destination", Charge.NONE)
        assert re.search(
            rf"s3://{BUCKET}/ready/manifest-\w+\.json was written and deleted while the list was prepared\. "
            r"Nothing was submitted or charged\. A retry prepares the list again\.",
            str(failed.value),
        )
        assert len(prepare(destination_uri=f"s3://{BUCKET}/ready", try_number=2)[0]) == 2


def test_a_kill_leaves_nothing_that_is_taken_for_whole_and_a_retry_writes_the_same(
    numbers_file: Path, ready: Path, prepare: Any
) -> None:
    """Killed between any two steps, for as many steps as there are."""
    expected = {path.rpartition("/")[2] for path in prepare(destination_uri=str(ready.parent / "whole"))[0]}
    operator = EkycPrepareNumbersOperator(
        task_id="prepare", numbers=str(numbers_file), destination_uri=str(ready), max_rows=199
    )
    kills = 0
    while is_killed_after(kills, operator):
        kills += 1
        assert not list(ready.glob("manifest-*"))
        assert {path.name for path in ready.iterdir()} <= expected
    assert kills > 4
    assert {path.name for path in ready.glob("*.txt")} == expected
    assert len(prepare()[0]) == 2


def is_killed_after(steps: int, operator: EkycPrepareNumbersOperator) -> bool:
    left = iter(range(steps))
    try:
        replace(operator._job(context_of()), killed=lambda: next(left, None) is None).run()
    except EkycError as error:
        assert error.kind == "killed"  # noqa: PT017  the last of the steps succeeds
        return True
    return False


def test_a_kill_while_it_runs_stops_it(
    tmp_path: Path, ready: Path, numbers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list.txt").write_text("\n".join(["garbage", *numbers]))
    operator = EkycPrepareNumbersOperator(
        task_id="prepare", numbers=str(tmp_path / "list.txt"), destination_uri=str(ready)
    )
    read = Tidier.read

    def kill_then_read(tidier: Tidier, line: bytes) -> Any:
        operator.on_kill()
        return read(tidier, line)

    monkeypatch.setattr(Tidier, "read", kill_then_read)
    with pytest.raises(EkycRetryException, match="killed before the list was prepared") as failed:
        operator.execute(context_of())
    assert (failed.value.kind, failed.value.charge) == ("killed", "none")
    assert list(ready.iterdir()) == []
