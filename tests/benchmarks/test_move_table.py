"""What the rounds come to: ratios within a round, memory above an idle process, bounds that can break."""

from __future__ import annotations

import pytest

from dev.benchmarks.move_child import Idle, Spent
from dev.benchmarks.move_rounds import Measured, Method, Sample, check_carried
from dev.benchmarks.move_servers import Done
from dev.benchmarks.move_table import Bound, figure, print_table, verdict

OURS, PEER = Method("ours", "", "move_ours"), Method("peer", "", "move_peer")


def measured(method: Method, walls: list[float], peaks: list[float], idle: float = 100.0) -> Measured:
    samples = [Sample(Spent(wall, wall / 2, peak), 0.25, 0.5) for wall, peak in zip(walls, peaks, strict=True)]
    return Measured(method, Idle(1.5, idle), samples)


@pytest.fixture
def ours() -> Measured:
    return measured(OURS, [1.0, 9.0, 3.0], [130.0, 142.0, 135.0])


@pytest.fixture
def peer() -> Measured:
    return measured(PEER, [2.0, 10.0, 2.0], [300.0] * 3)


def test_a_ratio_is_taken_within_each_round(ours: Measured, peer: Measured) -> None:
    # 0.5, 0.9 and 1.5: not the ratio of the medians, which is 1.5.
    assert figure("move_ours_60mb", ours, peer) == {
        "name": "move_ours_60mb",
        "value": 3.0,
        "unit": "s",
        "peer": 2.0,
        "ratio": 0.9,
        "rss_mib": 42.0,
    }


def test_the_peer_has_no_ratio_to_itself(ours: Measured, peer: Measured, capsys: pytest.CaptureFixture[str]) -> None:
    figures = print_table([ours, peer], peer, "60mb")
    assert [(entry["name"], entry["ratio"]) for entry in figures] == [("move_ours_60mb", 0.9), ("move_peer_60mb", None)]
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:] == [
        "| ours | 3.00 [1.00-9.00] | 0.90 [0.50-1.50] | 1.50 | 0.25 | 0.50 | 42 | 100 | 1.50 |",
        "| peer | 2.00 [2.00-10.00] | - | 1.00 | 0.25 | 0.50 | 200 | 100 | 1.50 |",
    ]
    assert {line.count("|") for line in lines} == {10}


def test_the_memory_of_another_process_is_not_shown() -> None:
    outside = Method("curl", "", "move_curl", in_process=False)
    assert figure("move_curl_60mb", measured(outside, [1.0], [20.0]), None)["rss_mib"] is None


@pytest.mark.parametrize(
    ("bound", "holds"),
    [
        (Bound(), True),
        (Bound(ratio=0.9, rss_mib=42), True),
        (Bound(ratio=0.89), False),
        (Bound(ratio=1.0, rss_mib=41.9), False),
    ],
)
def test_a_bound_holds_or_is_broken(ours: Measured, peer: Measured, bound: Bound, holds: bool) -> None:
    held, line = verdict(figure("move_ours_60mb", ours, peer), bound)
    assert held is holds
    assert ("BROKEN" in line) is not holds


def test_a_bound_on_what_was_not_measured_does_not_hold(ours: Measured) -> None:
    held, line = verdict(figure("move_ours_60mb", ours, None), Bound(ratio=1.0))
    assert not held
    assert "ratio not measured" in line


SIZE = 1_000


@pytest.mark.parametrize(
    ("source", "sink"),
    [
        (Done(0, 0), Done(0, SIZE, 1)),
        (Done(0, SIZE), Done(0, SIZE - 1, 1)),
        (Done(0, SIZE), Done(0, SIZE, 0)),
        (Done(0, SIZE), Done(0, 2 * SIZE, 2)),
    ],
    ids=["nothing received", "less sent", "nothing landed", "landed twice"],
)
def test_a_move_that_was_none_is_noticed(source: Done, sink: Done) -> None:
    with pytest.raises(ValueError, match="ours: "):
        check_carried(OURS, SIZE, source, sink)


def test_a_table_is_smaller_than_its_archive_and_a_conversion_needs_no_server() -> None:
    check_carried(OURS, SIZE, Done(0, SIZE), Done(0, SIZE + 50, 1))
    check_carried(Method("a table", "", carries="table"), SIZE, Done(0, SIZE), Done(0, 1, 1))
    check_carried(Method("a conversion", "", carries="nothing"), SIZE, Done(0, 0), Done(0, 0, 0))
    with pytest.raises(ValueError, match="a table: "):
        check_carried(Method("a table", "", carries="table"), SIZE, Done(0, SIZE), Done(0, 0, 1))
