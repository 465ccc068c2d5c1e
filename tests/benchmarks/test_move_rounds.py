"""Rounds in processes of their own, as they are measured, and the comparison in a real S3 server."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from dev.benchmarks import parquet
from dev.benchmarks.move import CHECKED, CURL, STREAM
from dev.benchmarks.move_check import check_moves
from dev.benchmarks.move_data import Archive
from dev.benchmarks.move_rounds import Method, child_environment, job, measure
from dev.benchmarks.move_servers import Servers


def test_every_method_moves_in_every_round(servers: Servers, made: Archive, small: Archive, tmp_path: Path) -> None:
    with child_environment(servers) as environment:
        table = measure([CHECKED, CURL], servers, environment, job(small, tmp_path), job(made, tmp_path), rounds=2)
    assert [measured.method for measured in table] == [CHECKED, CURL]
    for measured in table:
        assert len(measured.samples) == 2
        assert all(sample.spent.wall > 0 and sample.spent.cpu > 0 for sample in measured.samples)
    checked, curl = table
    assert checked.idle.import_seconds > 0.2
    # An idle process has Airflow and boto3 in memory, so that little more is the method's.
    assert checked.idle.peak_mib > 80
    assert checked.above_idle_mib is not None
    assert 0 < checked.above_idle_mib < 150
    assert curl.above_idle_mib is None
    assert list(tmp_path.iterdir()) == []


def test_a_method_that_fails_ends_the_measurement(
    servers: Servers, small: Archive, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = Method("broken", "dev.benchmarks.move_methods:curl", "move_broken")
    absent = dataclasses.replace(job(small, tmp_path), endpoint="/results/absent")
    with (
        child_environment(servers) as environment,
        pytest.raises(ChildProcessError, match="move_methods:curl ended with 1"),
    ):
        measure([broken], servers, environment, absent, absent, rounds=1)
    assert "404" in capfd.readouterr().err


def test_what_lands_is_compared_with_what_was_sent(
    servers: Servers, small: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    another = dataclasses.replace(small, sha256="0" * 64, csv_sha256="0" * 64)
    moves = [(CHECKED, small), (parquet.RECONCILED, small), (STREAM, another), (parquet.CHECKED, another)]
    assert not check_moves(moves, servers, tmp_path)
    lines = capsys.readouterr().out.splitlines()[-4:]
    assert lines[0].endswith(f"zip, {small.size:,} bytes, SHA-256 {small.sha256}: the same")
    assert lines[1].endswith(f"rows as CSV, {small.csv_size:,} bytes, SHA-256 {small.csv_sha256}: the same")
    assert lines[2].endswith(f"NOT the {small.size:,} bytes that were sent")
    assert lines[3].endswith(f"NOT the {small.csv_size:,} bytes that were sent")


def test_what_lands_right_passes(servers: Servers, small: Archive, tmp_path: Path) -> None:
    assert check_moves([(STREAM, small)], servers, tmp_path)
