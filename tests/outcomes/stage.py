"""What every row needs: servers, connections, clocks and one job whose tries follow one another."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowSensorTimeout
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.sandbox.bill import Bill
from dev.stack.processes import free_ports
from dev.testing.run_task_instance import RunTaskInstance
from dev.testing.variables import Variables
from dev.testing.waiting import wait_until
from tests.conftest import API_KEY
from tests.outcomes.rows import Provocation

#: How a try that raises ends.
_ENDINGS: tuple[tuple[type[BaseException], str], ...] = (
    (EkycFailException, "fails for good"),
    (EkycRetryException, "fails, retryable"),
    (AirflowSensorTimeout, "times out"),
)

#: The client's word for each call, as in its messages.
WORDS = {"submit": "submission", "status": "status query", "balance": "balance query", "result": "result download"}


class Killed(BaseException):
    """Stands for a SIGKILL: nobody catches it, nobody tidies up after it."""


@dataclass(frozen=True, slots=True)
class Try:
    """
    One try of a task.

    :param ending: in the words of the table
    :param text: the message, and what was logged
    :param message: the message alone
    :param value: what the task returned
    :param calls: made in it, by the sandbox's count
    :param unanswered: logged lines and messages about calls that reached nobody, by call
    :param submissions: charged in it
    :param queries: status queries answered in it
    """

    ending: str
    text: str
    message: str
    value: Any
    calls: Counter[str]
    unanswered: Counter[str]
    submissions: int
    queries: int


class Stage:
    """
    Servers of this machine, and what a row does to them.

    :param sandbox: the API
    :param clock: of the sandbox; ``ahead`` are the seconds by which it is
    :param connect: defines the eKYC connection
    :param numbers_file: two hundred numbers
    :param folder: for a journal of files
    :param logged: returns and forgets what was logged since it was last called
    :param servers: closes what is opened on the way
    :param variables: Airflow's
    """

    def __init__(
        self,
        sandbox: Sandbox,
        clock: SimpleNamespace,
        connect: Callable[..., None],
        numbers_file: Path,
        folder: Path,
        logged: Callable[[], str],
        servers: ExitStack,
        variables: Variables,
    ) -> None:
        self.sandbox, self.clock, self.connect = sandbox, clock, connect
        self.numbers, self.folder, self._logged = numbers_file, folder, logged
        self.servers = servers
        self.variables = variables
        self.journal_uri: str | None = None
        self.operator: dict[str, Any] = {}
        self.ekyc_task_id = ""
        self.waited: list[float] = []
        self.repairs: list[Callable[[], None]] = []
        #: Of the run's tasks; the last is the one that is tried.
        self.task_ids = ["a_task"]
        #: Submissions and queries that the next try is expected to have booked, perhaps a moment later.
        self.booked = (0, 0)
        self._tries = 0
        self._running, self._runs = False, 0
        #: Status answers of our own that are waiting to be given, by their words.
        self.answers: list[str] = []

    def arrange(self, provocation: Provocation) -> None:
        """Arrange what a row asks for of the sandbox, the connection and the operator."""
        words: dict[str, Callable[[str], Any]] = {
            "submit_status": int,
            "ending": str,
            "failure_rows": int,
            "failure_rows_in_result": lambda word: word == "True",
            "extra_success": int,
        }
        settings = provocation.settings("sandbox")
        if settings:
            changes = {name: words.get(name, float)(value) for name, value in settings.items()}
            self.sandbox.change(**changes)
            if "balance" in settings:
                self.repairs.append(lambda: self.sandbox.change(balance=1e6))
            if "queue_seconds" in settings and float(settings["queue_seconds"]) > 5:
                self.repairs.append(self._an_hour_later)
        self.operator = dict(provocation.settings("operator"))
        if "timeout" in self.operator:
            self.operator["timeout"] = float(self.operator["timeout"])
        self._arrange_connection(provocation.settings("connection"))

    def _arrange_connection(self, settings: dict[str, str]) -> None:
        if not settings:
            return
        place: Any = self.sandbox
        host = settings.pop("host", None)
        if host == "gone":
            # No port that a test of another process is given meanwhile: it would get this one's calls, with the key.
            place = SimpleNamespace(url=f"http://127.0.0.1:{free_ports(1)[0]}", ca_file=None)
        elif host == "untrusted":
            stranger = self.servers.enter_context(Sandbox(API_KEY, tls=True))
            place = SimpleNamespace(url=stranger.url, ca_file=None)
        if "id" in settings:
            self.operator["ekyc_conn_id"] = settings.pop("id")
            self.repairs.append(lambda: self.operator.pop("ekyc_conn_id", None))
        self.connect(place, **settings)
        # The account and its prices stay the same: it is the key that was wrong, or the host.
        same = {name: value for name, value in settings.items() if name in ("account", "prices")}
        self.repairs.append(lambda: self.connect(self.sandbox, **same))

    def provoke(self, provocation: Provocation) -> None:
        """Switch the row's faults on."""
        for answer in provocation.answers:
            about = {"task_id": answer["of"]} if "of" in answer else {}
            self.answer_status(status=answer.get("word", "processing"), **about)
        for fault in provocation.faults:
            self.sandbox.state.faults.add(fault)

    def answer_status(self, **fields: Any) -> None:
        """Let the API answer one status query in words of our own: fields of the answer."""
        body = {"task_id": self.ekyc_task_id, "total": 200, "success": 100, "failure": 0, **fields}
        self.answers.append(body["status"])
        self.sandbox.fault("status", "status", status=200, body=json.dumps(body))

    def repair(self) -> None:
        """Take away the cause."""
        self.sandbox.clear_faults()
        for step in self.repairs:
            step()
        self.repairs.clear()

    def context(self) -> Any:
        """Return the context of the next try."""
        self._tries += 1
        ti = RunTaskInstance([(task_id, -1) for task_id in self.task_ids], task_id=self.task_ids[-1])
        ti.try_number = self._tries
        ti.max_tries = 2
        return {"ti": ti, "outlet_events": {}}

    def run(self, attempt: Callable[[], Any], *, calls_elsewhere: Callable[[], Counter[str]] = Counter) -> Try:
        """Make one try and watch it; calls that are not made to the sandbox are counted elsewhere."""
        self._logged()
        calls, bill = Counter(self.sandbox.calls), self.sandbox.bill
        before = calls_elsewhere()
        value, message, ending, cause = None, "", "succeeds", None
        self._running, self._runs = True, self._runs + 1
        try:
            value = attempt()
        except Killed:
            self._running, ending = False, "is killed"
        except tuple(kind for kind, _ in _ENDINGS) as error:
            message, cause = str(error), error.__cause__
            ending = next(word for kind, word in _ENDINGS if isinstance(error, kind))
        self._running = False
        # A library's own error behind ours would be printed too, perhaps with a presigned URL.
        assert cause is None
        made = Counter(self.sandbox.calls) - calls
        made.update(calls_elsewhere() - before)
        log = self._logged()
        # The message of a failure is in the log too.
        unanswered = Counter({call: log.count(f"The {word} got no answer") for call, word in WORDS.items()})
        now = self._settled(bill)
        answered = now.polls - bill.polls + len(self.answers)
        self.answers.clear()
        return Try(
            ending=ending,
            text=f"{message}\n{log}",
            message=message,
            value=value,
            calls=made,
            unanswered=unanswered,
            submissions=len(now.submissions) - len(bill.submissions),
            queries=answered,
        )

    def kill(self) -> None:
        """Kill this try, from another thread: a signal interrupts the main thread, where it runs."""
        ident = threading.main_thread().ident
        assert ident is not None
        mine = self._runs
        # Again, since Python forgets what is raised while it tidies up objects.
        while self._running and self._runs == mine:
            signal.pthread_kill(ident, signal.SIGALRM)
            time.sleep(0.1)

    def kill_when(self, due: Callable[[], bool]) -> None:
        """Kill the next try as soon as something is so."""

        def watch() -> None:
            while not due():
                time.sleep(0.005)
            self.kill()

        threading.Thread(target=watch, daemon=True).start()

    def die(self, number: int, frame: object) -> None:
        """Be the handler of the signal that kills."""
        if self._running:
            raise Killed

    def _settled(self, before: Bill) -> Bill:
        """Give the sandbox a moment to book a call whose client has gone away."""
        submissions, queries = len(before.submissions) + self.booked[0], before.polls + self.booked[1]

        def is_booked() -> bool:
            now = self.sandbox.bill
            return len(now.submissions) >= submissions and now.polls >= queries

        wait_until(is_booked, timeout=20)
        return self.sandbox.bill

    def _an_hour_later(self) -> None:
        self.clock.ahead += 3600.0
