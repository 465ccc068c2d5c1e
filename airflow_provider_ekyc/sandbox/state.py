"""What one sandbox holds: its tasks, its account, its faults and what it was asked. Knows no HTTP."""

from __future__ import annotations

import dataclasses
import random
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from airflow_provider_ekyc.sandbox.archive import Recipe
from airflow_provider_ekyc.sandbox.bill import Bill, Charge, bill_at, booking_time
from airflow_provider_ekyc.sandbox.faults import FaultBoard
from airflow_provider_ekyc.sandbox.lifecycle import TaskPlan, standing
from airflow_provider_ekyc.sandbox.settings import Settings

_REMEMBERED_REQUESTS = 10_000


@dataclass(frozen=True)
class RequestSeen:
    """One request, without anything secret.

    :param method: HTTP method.
    :param path: without the query; digits of unknown paths are masked.
    :param status: of the answer; 0 if the connection was cut.
    :param header_names: lower-case names of the headers of the request; never a value.
    """

    method: str
    path: str
    status: int
    header_names: tuple[str, ...]


@dataclass(frozen=True)
class AcceptedTask:
    """One task, as it was accepted.

    :param task_id: 20 characters, as in the document.
    :param plan: how it goes.
    :param recipe: what its archive holds.
    :param lines: lines of the upload that were not empty.
    :param url_ttl_seconds: life of its result URLs.
    """

    task_id: str
    plan: TaskPlan
    recipe: Recipe
    lines: int


@dataclass(frozen=True)
class TaskSeen:
    """One task at one moment, for tests to look at.

    :param task_id: its id.
    :param task_type: as it was sent.
    :param lines: lines of the upload that were not empty.
    :param total: distinct valid numbers among them.
    :param status: where it stands.
    :param success: rows identified so far.
    :param failure: rows given up so far.
    :param created_at: Unix time in seconds.
    """

    task_id: str
    task_type: str
    lines: int
    total: int
    status: str
    success: int
    failure: int
    created_at: float


class SandboxState:
    """The sandbox's memory. Methods may be called from any thread.

    :param settings: how it behaves.
    :param directory: private directory for rows and archives.
    :param clock: Unix time in seconds.
    :param randomness: where task ids come from.
    """

    def __init__(
        self, settings: Settings, directory: Path, clock: Callable[[], float], randomness: random.Random
    ) -> None:
        self.settings = settings
        self.directory = directory
        self.clock = clock
        self.faults = FaultBoard()
        self.closing = threading.Event()
        self._randomness = randomness
        self._opening_balance = settings.balance
        self._lock = threading.Lock()
        self._tasks: dict[str, AcceptedTask] = {}
        self._charges: list[Charge] = []
        self._polls: list[tuple[float, Decimal]] = []
        self._calls: Counter[str] = Counter()
        self._requests: deque[RequestSeen] = deque(maxlen=_REMEMBERED_REQUESTS)
        self._key_leaks = 0

    def change(self, **changes: object) -> None:
        """Change settings; tasks that are accepted already keep theirs.

        :param changes: fields of :class:`Settings`; a new ``balance`` is what is left from now on.
        :raises ValueError: for values that cannot be meant.
        :raises TypeError: for names that are no setting.
        """
        # mypy cannot check values by name; Settings checks them itself when it is made.
        settings = dataclasses.replace(self.settings, **changes)  # type: ignore[arg-type]
        if "balance" in changes:
            self._opening_balance += settings.balance - self.bill().balance
        self.settings = settings

    def new_task_id(self, *, numeric: bool = False) -> str:
        """An id like those of the document: 20 characters of base32hex, lower case.

        :param numeric: twelve digits instead, with none that the made-up numbers under +999 begin with.
        """
        with self._lock:
            if numeric:
                return "".join(self._randomness.choices("12345678", k=12))
            return "d" + "".join(self._randomness.choices("0123456789abcdefghijklmnopqrstuv", k=19))

    def price(self, rows: int) -> Decimal:
        """What that many rows cost.

        :param rows: accepted rows.
        """
        return self.settings.price_per_row * rows

    def can_pay(self, rows: int) -> bool:
        """Whether the account can pay for that many rows beside what is accepted and not booked yet.

        :param rows: rows of the submission.
        """
        bill = self.bill()
        return bill.balance - bill.reserved >= self.price(rows)

    def accept(self, task_id: str, task_type: str, *, lines: int, rows: int, sha256: str) -> AcceptedTask:
        """Make a task and charge for it.

        :param task_id: from :meth:`new_task_id`.
        :param task_type: as it was sent.
        :param lines: lines of the upload that were not empty.
        :param rows: distinct valid numbers among them.
        :param sha256: of the upload, hexadecimal.
        """
        settings, now = self.settings, self.clock()
        plan = TaskPlan.of(settings, accepted_at=now, total=rows)
        recipe = Recipe(
            task_type=task_type,
            rows=rows,
            failure_rows=plan.failure_rows,
            failure_rows_in_result=settings.failure_rows_in_result,
            undetermined_percent=settings.undetermined_percent,
        )
        task = AcceptedTask(task_id, plan, recipe, lines)
        booked_at = booking_time(settings, plan)
        with self._lock:
            self._tasks[task_id] = task
            self._charges.append(Charge(now, task_id, task_type, rows, self.price(rows), sha256, booked_at))
        return task

    def task(self, task_id: str) -> AcceptedTask | None:
        """The task of that id, if there is one.

        :param task_id: its id.
        """
        return self._tasks.get(task_id)

    def book_poll(self) -> None:
        """Count, and charge for, a status call that was answered."""
        with self._lock:
            self._polls.append((self.clock(), self.settings.price_per_poll))

    def rows_file(self, task_id: str) -> Path:
        """Where the rows of a task are.

        :param task_id: its id.
        """
        return self.directory / f"{task_id}.rows"

    def bill(self) -> Bill:
        """The account as it stands."""
        with self._lock:
            submissions, polls = tuple(self._charges), tuple(self._polls)
        return bill_at(self.clock(), opening_balance=self._opening_balance, submissions=submissions, polls=polls)

    def tasks(self) -> tuple[TaskSeen, ...]:
        """All tasks as they stand, oldest first."""
        now = self.clock()
        with self._lock:
            accepted = tuple(self._tasks.values())
        return tuple(_seen(task, now) for task in accepted)

    def count_call(self, call: str) -> None:
        """Count a call that has arrived.

        :param call: which.
        """
        with self._lock:
            self._calls[call] += 1

    def calls(self) -> dict[str, int]:
        """How often each call arrived, answered or not."""
        with self._lock:
            return {name: self._calls[name] for name in ("submit", "status", "balance", "result", "other")}

    def count_key_leak(self) -> None:
        """Count a result request that carried a key."""
        with self._lock:
            self._key_leaks += 1

    @property
    def key_leaks(self) -> int:
        """How many result requests carried ``X-API-Key`` or ``Authorization``."""
        return self._key_leaks

    def remember(self, request: RequestSeen) -> None:
        """Add to the log of requests, which keeps the last ten thousand.

        :param request: what was asked.
        """
        self._requests.append(request)

    def requests(self) -> tuple[RequestSeen, ...]:
        """The log of requests, oldest first."""
        return tuple(self._requests)


def _seen(task: AcceptedTask, now: float) -> TaskSeen:
    stands = standing(task.plan, now)
    return TaskSeen(
        task_id=task.task_id,
        task_type=task.recipe.task_type,
        lines=task.lines,
        total=task.plan.total,
        status=stands.status,
        success=stands.success,
        failure=stands.failure,
        created_at=task.plan.accepted_at,
    )
