"""
Two versions of the package side by side, as in a rolling upgrade: what one has begun, the other goes on with.

    python -m dev.deployment.upgrades            # the revisions below, beside the present one
    python -m dev.deployment.upgrades v0.1.0     # another one: a tag, or a commit

The packages are those of git's history, run by processes of their own over the same records, against one sandbox with
one bill. Exit code 1 if a list was charged twice, or a wait was lost, other than is known of an old revision
(``docs/upgrading.md``).
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from airflow_provider_ekyc.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
KEY = "made-up-key-of-two-versions"
#: States of records and trigger arguments in git's history. None of them was released.
REVISIONS = {
    "61c1540": "schema 1, under a journal_uri",
    "c499041": "schema 2, one record for a submission",
    "0a9aec4": "schema 2, three records",
    "644ddec": "with prices, settled on the page",
}
#: The first one has its records in Airflow's task state store without a journal_uri.
WITHOUT_VARIABLES = frozenset({"61c1540"})
#: Do not know the records of the present one: after a downgrade they submit again.
NO_DOWNGRADE = frozenset({"61c1540", "c499041"})
#: Their trigger has no argument ``task_type``, which is there where Airflow's metrics are on.
WITHOUT_TASK_TYPE = frozenset({"61c1540", "c499041", "0a9aec4"})


@dataclass(frozen=True, slots=True)
class Found:
    """
    What came of one case.

    :param case: what was done by which version
    :param holds: whether nothing was charged twice, and no wait was lost
    :param shown: what happened
    :param is_known: whether it is known not to hold
    """

    case: str
    holds: bool
    shown: str
    is_known: bool = False

    @property
    def verdict(self) -> str:
        """``holds``, ``known`` or ``BROKEN``."""
        return "holds" if self.holds else "known" if self.is_known else "BROKEN"


class Version:
    """
    A version of the package, in a process of its own: a context manager.

    :param name: for the table
    :param tree: folder with the package
    :param variables: folder of Airflow's Variables
    """

    def __init__(self, name: str, tree: Path, variables: Path) -> None:
        self.name = name
        command = [sys.executable, "-m", "dev.deployment.upgrade_child", str(tree), str(variables)]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, env=os.environ
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=30)

    def do(self, step: str, **arguments: Any) -> dict[str, Any]:
        """Give an order; return what was ``returned``, or ``raised``."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps({"step": step, **arguments}), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self.name} has ended")
        return dict(json.loads(line))


def compare(revision: str, folder: Path) -> list[Found]:
    """
    Let a revision and the present package go on with what the other has begun.

    :param revision: a commit or a tag
    :param folder: for the other package, the records and the lists
    """
    tree = folder / "package"
    unpack(revision, tree)
    with ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(KEY))
        stack.enter_context(_connection(sandbox))
        variables = folder / "variables"
        old = stack.enter_context(Version(revision, tree, variables))
        new = stack.enter_context(Version("the present one", ROOT, variables))
        cases = _Cases(sandbox, folder)
        found = []
        for journal in (None, str(folder / "journal")):
            if journal is None and revision in WITHOUT_VARIABLES:
                continue
            for first, second in ((old, new), (new, old)):
                is_known = second is old and revision in NO_DOWNGRADE
                for found_one in (cases.retry(first, second, journal), cases.unknown(first, second, journal)):
                    found.append(replace(found_one, is_known=is_known))
        for begins, waits, resumes in ((old, new, old), (old, new, new), (new, old, new), (new, old, old)):
            found.append(cases.wait(begins, waits, resumes))
        with_metrics = cases.wait(new, old, new, task_type="amazon")
        return [*found, replace(with_metrics, is_known=revision in WITHOUT_TASK_TYPE)]


class _Cases:
    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox, self._folder = sandbox, folder
        self._lists = 0

    def retry(self, first: Version, second: Version, journal: str | None) -> Found:
        """One version submits; the other makes the next try."""
        order = self._order(journal)
        one = first.do("submit", **order, try_number=1)
        two = second.do("submit", **order, try_number=2)
        holds = one == two and "returned" in one
        shown = "the same remote task" if holds else f"{_words(one)}, then {_words(two)}"
        return self._found(f"{first.name} submits, {second.name} retries", journal, holds, shown)

    def unknown(self, first: Version, second: Version, journal: str | None) -> Found:
        """The answer to one version's submission is lost; the other makes the next try."""
        order = self._order(journal)
        self._sandbox.fault("submit", "cut_after")
        first.do("submit", **order, try_number=1)
        two = second.do("submit", **order, try_number=2)
        stops = "raised" in two
        return self._found(
            f"{first.name} loses the answer, {second.name} retries", journal, stops, _words(two, "stops, nothing sent")
        )

    def wait(self, begins: Version, waits: Version, resumes: Version, *, task_type: str | None = None) -> Found:
        """One version defers, the triggerer has another, the task is resumed by one of them."""
        order = self._order(None)
        path = str(self._folder / "of-waits")
        ekyc_task_id = begins.do("submit", **{**order, "journal_uri": path}, try_number=1)["returned"]
        trigger, arguments = begins.do("defer", ekyc_task_id=ekyc_task_id, run_id=order["run_id"])["returned"]
        more = {"task_type": task_type} if task_type else {}
        event = waits.do("wait", path=trigger, arguments={**arguments, **more})
        resumed = event
        if "returned" in event:
            resumed = resumes.do("resume", ekyc_task_id=ekyc_task_id, run_id="r", event=event["returned"])
        holds = resumed.get("returned", {}).get("status") == "exported" if "returned" in resumed else False
        name = f"{begins.name} defers, {waits.name} waits, {resumes.name} resumes"
        return Found(f"{name}{', with metrics' if task_type else ''}", holds, "exported" if holds else _words(resumed))

    def _order(self, journal: str | None) -> dict[str, Any]:
        self._lists += 1
        self._charged = len(self._sandbox.bill.submissions)
        numbers = self._folder / f"list-{self._lists}.txt"
        numbers.write_text("".join(f"+999{self._lists:04d}{number:06d}\n" for number in range(150)))
        return {"numbers": str(numbers), "run_id": f"run {self._lists}", "journal_uri": journal}

    def _found(self, case: str, journal: str | None, holds: bool, shown: str) -> Found:
        charged = len(self._sandbox.bill.submissions) - self._charged
        where = "Variables" if journal is None else "a journal_uri"
        return Found(f"{case}; records in {where}", holds and charged == 1, f"{shown}; charged {charged} time")


def _words(answer: dict[str, Any], if_raised: str = "") -> str:
    if "raised" in answer:
        return if_raised or f"{answer['raised']}: {answer['message'][:200]}"
    return str(answer["returned"])


def unpack(revision: str, folder: Path) -> None:
    """Write the package of a revision into a folder."""
    packed = subprocess.run(
        ["git", "archive", "--format=tar", revision, "airflow_provider_ekyc"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


@contextmanager
def _connection(sandbox: Sandbox) -> Iterator[None]:
    connection = {"conn_type": "ekyc", "host": sandbox.url, "password": KEY, "extra": {"result_hosts": sandbox.url}}
    os.environ["AIRFLOW_CONN_EKYC_DEFAULT"] = json.dumps(connection)
    try:
        yield
    finally:
        del os.environ["AIRFLOW_CONN_EKYC_DEFAULT"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and print; exit code 1 if a case does not hold."""
    parser = argparse.ArgumentParser(prog="python -m dev.deployment.upgrades", description="Two versions side by side.")
    parser.add_argument("revisions", nargs="*", default=list(REVISIONS), help="commits or tags")
    given = parser.parse_args(arguments)
    os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="ekyc-upgrades-"))
    verdicts = Counter[str]()
    for revision in given.revisions:
        with tempfile.TemporaryDirectory(prefix="ekyc-upgrades-") as folder:
            print(f"{revision}: {REVISIONS.get(revision, 'as git has it')}")
            for found in compare(revision, Path(folder)):
                print(f"  {found.verdict:6} {found.case}: {found.shown}", flush=True)
                verdicts[found.verdict] += 1
    print(f"{len(given.revisions)} revisions: " + ", ".join(f"{count} {name}" for name, count in verdicts.items()))
    return int(verdicts["BROKEN"] > 0)


if __name__ == "__main__":
    sys.exit(main())
