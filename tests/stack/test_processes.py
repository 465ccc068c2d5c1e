from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dev.stack.processes import PORT_RANGE, ChildProcess, ProcessError, free_ports, log_tail
from dev.testing.waiting import wait_until

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]

# As Airflow's task processes do: a child in a process group of its own, deaf to SIGTERM, below a child.
FAMILY = """
import os, subprocess, sys
deaf = '''
import os, signal, sys, time
os.setpgid(0, 0)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getppid(), os.getpid(), flush=True)
time.sleep(60)
'''
subprocess.run([sys.executable, "-c", deaf])
"""


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def are_gone(pids: list[int]) -> bool:
    return wait_until(lambda: not any(is_alive(pid) for pid in pids))


def family_of(log: Path) -> list[int]:
    assert wait_until(lambda: log.exists() and log.read_text().endswith("\n")), "the family did not start"
    return [int(word) for word in log.read_text().split()]


def test_output_goes_to_the_log_and_the_exit_code_comes_back(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    command = [sys.executable, "-c", "import sys; print('said'); sys.exit(7)"]
    with ChildProcess("child", command, log) as child:
        assert child.wait(60) == 7
    assert log.read_text() == "said\n"


def test_a_child_ended_by_a_signal_reports_it_as_shells_do(tmp_path: Path) -> None:
    with ChildProcess("child", SLEEPER, tmp_path / "log") as child:
        os.kill(child.pid, signal.SIGSEGV)
        assert child.wait(60) == 128 + signal.SIGSEGV


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with ChildProcess("child", ["/nowhere/at-all"], tmp_path / "log") as child:
        assert child.wait(60) == 127
    assert "cannot start /nowhere/at-all" in log_tail(tmp_path / "log")


def test_a_child_that_ends_too_early_fails_with_the_tail_of_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('cannot bind'); raise SystemExit(3)"]
    with (
        ChildProcess("the server", command, tmp_path / "log") as child,
        pytest.raises(ProcessError, match=r"(?s)the server ended with exit code 3.*cannot bind"),
    ):
        child.wait_until(lambda: False, timeout=60)


def test_a_child_that_is_never_ready_fails_at_the_deadline(tmp_path: Path) -> None:
    with (
        ChildProcess("the server", SLEEPER, tmp_path / "log") as child,
        pytest.raises(ProcessError, match="the server was not ready after 0 s"),
    ):
        child.wait_until(lambda: False, timeout=0.2)


def test_stop_ends_the_whole_family(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with ChildProcess("family", [sys.executable, "-c", FAMILY], log) as child:
        pids = family_of(log)
        assert pids[0] == child.pid
        assert os.getpgid(pids[1]) != os.getpgid(pids[0])
    assert are_gone(pids)


def test_a_child_deaf_to_sigterm_is_killed_after_the_grace_time(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    child = ChildProcess("deaf", [sys.executable, "-c", code], tmp_path / "log", grace=0.5)
    child.wait_until(lambda: "deaf" in log_tail(tmp_path / "log"), timeout=60)
    before = time.monotonic()
    child.stop()
    assert 0.5 <= time.monotonic() - before < 10
    assert child.exit_code == 128 + signal.SIGKILL


def test_a_family_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    parent_code = (
        "import sys, time; from pathlib import Path; from dev.stack.processes import ChildProcess\n"
        "child = ChildProcess('family', [sys.executable, '-c', sys.argv[1]], Path(sys.argv[2]), grace=0.5)\n"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", parent_code, FAMILY, str(log)])
    try:
        pids = family_of(log)
        guard = psutil.Process(pids[0]).ppid()
    finally:
        parent.kill()
        parent.wait()
    assert are_gone([*pids, guard])


def test_the_child_ends_when_its_guard_is_killed(tmp_path: Path) -> None:
    with ChildProcess("child", SLEEPER, tmp_path / "log") as child:
        os.kill(psutil.Process(child.pid).ppid(), signal.SIGKILL)
        assert are_gone([child.pid])


def test_a_second_stop_is_harmless(tmp_path: Path) -> None:
    child = ChildProcess("child", SLEEPER, tmp_path / "log")
    child.stop()
    child.stop()
    child.kill()
    assert not child.alive


def test_free_ports_are_different_and_outside_the_range_of_outgoing_connections() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert all(port in PORT_RANGE for port in ports)
    setting = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if setting.exists():
        assert PORT_RANGE.stop <= int(setting.read_text().split()[0])


def test_no_two_processes_are_given_the_same_port(monkeypatch: pytest.MonkeyPatch) -> None:
    (first,) = free_ports(1)
    asks = (
        f"from dev.stack import processes; processes.PORT_RANGE = range({first}, {first + 1}); processes.free_ports(1)"
    )
    refused = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=False)
    assert "no 1 free ports" in refused.stderr
    monkeypatch.setattr("dev.stack.processes.PORT_RANGE", range(first, first + 1))
    assert free_ports(1) == [first], "the process that was given it may ask again"
