"""Methods in processes of their own: one result for all, time and memory of each: ``dev/benchmarks/alone.py``."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dev.benchmarks import prepare_methods, submit_methods
from dev.benchmarks.alone import Method, Run, rounds_of, run_alone
from dev.benchmarks.alone_table import figure, table
from dev.benchmarks.prepare_data import number_list
from dev.benchmarks.submit_server import submit_server

OURS, PEER = Method("ours", "", "prepare"), Method("peer", "", "prepare_peer")


def runs(walls: list[float], peaks: list[float]) -> list[Run]:
    return [Run(wall, wall / 2, peak, 7) for wall, peak in zip(walls, peaks, strict=True)]


def test_a_ratio_is_taken_within_each_round_and_memory_is_that_of_the_whole_process() -> None:
    # 0.5, 0.9 and 1.5: not the ratio of the medians, which is 1.5.
    ours, peer = runs([1.0, 9.0, 3.0], [130.0, 142.0, 135.0]), runs([2.0, 10.0, 2.0], [300.0] * 3)
    assert figure("prepare_10m", ours, peer) == {
        "name": "prepare_10m",
        "value": 3.0,
        "unit": "s",
        "peer": 2.0,
        "ratio": 0.9,
        "rss_mib": 142.0,
    }
    assert table({OURS: ours, PEER: peer}, [PEER])[2:] == [
        "| ours | 3.00 [1.00-9.00] | 0.90 [0.50-1.50] | 1.50 | 142 |",
        "| peer | 2.00 [2.00-10.00] | - | 1.00 | 300 |",
    ]
    assert figure("prepare_peer_10m", peer, None)["ratio"] is None


def test_each_run_has_an_empty_directory_and_a_process_of_its_own() -> None:
    method = Method("a loop", "dev.benchmarks.prepare_methods:loop", "loop")
    job = {"source": str(number_list("warm").path), "spool_dir": ""}
    found = rounds_of([method], *[lambda folder: {**job, "target": f"{folder}/x"}] * 2, rounds=2)
    assert [run.result for run in found[method]] == [found[method][0].result] * 2
    assert all(run.wall > 0 and run.peak_mib > 10 for run in found[method])


def test_methods_that_return_something_else_are_no_peers() -> None:
    methods = [
        Method("one", "dev.benchmarks.prepare_methods:count_lines", ""),
        Method("other", "builtins:dict", ""),
    ]
    path = {"path": str(number_list("warm").path)}
    with pytest.raises(ValueError, match="different results"):
        rounds_of(methods, lambda _: path, lambda _: path, rounds=1)


def test_a_method_that_fails_ends_the_benchmark(capfd: pytest.CaptureFixture[str]) -> None:
    method = Method("a loop", "dev.benchmarks.prepare_methods:count_lines", "")
    with pytest.raises(ChildProcessError, match="a loop ended with 1"):
        run_alone(method, {"path": "/nowhere"}, {"path": "/nowhere"})
    assert "FileNotFoundError" in capfd.readouterr().err


@pytest.mark.parametrize("name", ["ours", "files", "submit_pass", "sort", "polars", "duckdb"])
def test_each_way_to_prepare_a_list_writes_what_the_loop_writes(name: str, tmp_path: Path) -> None:
    source = str(number_list("warm").path)
    expected, found = tmp_path / "expected", tmp_path / "found"
    count = prepare_methods.loop(source, str(expected), str(tmp_path))
    assert getattr(prepare_methods, name)(source, str(found), str(tmp_path)) == count
    if name == "submit_pass":
        return
    [path] = [*found.iterdir()] if name == "files" else [found]
    left, right = path.read_bytes(), expected.read_bytes()
    if name in ("sort", "duckdb"):  # in any order
        assert sorted(left.split(b"\n")) == sorted(right.split(b"\n"))
    else:
        assert hashlib.sha256(left).digest() == hashlib.sha256(right).digest()


def test_each_way_to_submit_sends_the_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "numbers.txt"
    path.write_bytes(b"+999123456789\n" * 20_000)
    with submit_server() as (url, ca_file):
        for method in (
            submit_methods.ours,
            submit_methods.requests_files,
            submit_methods.toolbelt,
            submit_methods.curl,
        ):
            assert method(url, ca_file, str(path)) == 280_000, method.__name__
