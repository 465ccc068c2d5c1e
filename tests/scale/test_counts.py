"""dev/scale: what counts as right, how far a run is, and what the workers' logs say."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from dev.scale.measurements import task_seconds, tree_cpu, tree_memory
from dev.scale.progress import Progress
from dev.scale.verdict import Verdict

RIGHT = Verdict(
    files=20,
    state="success",
    succeeded=20,
    billed=20,
    billed_rows=2000,
    charged_twice=0,
    landed=20,
    landed_of_bill=20,
    open_uploads=0,
    key_leaks=0,
)


def test_it_holds_where_each_file_has_landed_and_was_billed_once() -> None:
    assert RIGHT.holds


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "failed"},
        {"succeeded": 19},
        {"billed": 21},
        {"billed_rows": 1900},
        {"charged_twice": 1},
        {"landed": 19},
        {"landed_of_bill": 19},
        {"open_uploads": 1},
        {"key_leaks": 1},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_it_does_not_hold_where_one_count_is_wrong(wrong: dict[str, object]) -> None:
    assert not replace(RIGHT, **wrong).holds  # type: ignore[arg-type]


def progress(**counts: int) -> Progress:
    pairs = {(name.partition("_")[0], name.partition("_")[2]): count for name, count in counts.items()}
    return Progress(files=3, billed=3, counts=Counter(pairs))


def test_all_wait_at_once_only_if_each_file_is_in_a_triggerer() -> None:
    assert progress(submit_success=3, wait_deferred=3).all_wait
    assert not progress(submit_success=3, wait_deferred=2, wait_running=1).all_wait


def test_a_failed_submission_is_over_and_one_that_is_tried_again_is_not() -> None:
    assert progress(submit_success=2, submit_failed=1, wait_deferred=2, wait_upstream_failed=1).submits_over
    assert not progress(submit_success=2, submit_up_for_retry=1, wait_deferred=2, wait_none=1).submits_over


def test_the_workers_logs_say_how_long_a_slot_was_occupied(tmp_path: Path) -> None:
    log = tmp_path / "worker-1.log"
    line = "2026-01-01T00:00:00Z [info     ] Workload finished              [supervisor] duration={} exit_code=0 "
    line += "final_state={} loc=supervisor.py:2658 workload_id={} workload_type=ExecuteTask\n"
    log.write_text(line.format(2.0, "deferred", "0a-1") + line.format(4.0, "deferred", "0a-2") + "another line\n")
    found = task_seconds({"worker-1": log}, {"0a-1": "verify.each_file.wait", "0a-2": "verify.each_file.wait"})
    assert found == {"wait deferred": {"count": 2, "median": 3.0, "p95": 4.0, "sum": 6.0}}


def test_this_process_uses_memory_and_a_processor() -> None:
    whole, largest = tree_memory(os.getpid())
    assert whole > 1
    assert largest > 1
    assert tree_cpu(os.getpid())[os.getpid()][0] > 0


def test_a_process_that_is_gone_uses_nothing() -> None:
    gone = 2**22 + 1  # above the highest id that Linux gives
    assert tree_memory(gone) == (0.0, 0.0)
    assert tree_cpu(gone) == {}
