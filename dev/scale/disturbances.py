"""What is killed on the way, when, and how long it took until nothing was left of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from dev.scale.celery_stack import WORKERS
from dev.scale.deployment import API_SERVER, REDIS, TRIGGERER, WORKER_LANDING, WORKER_SUBMITTING, Deployment
from dev.scale.progress import Progress
from dev.scale.run_database import RunDatabase, Try


@dataclass
class Disturbance:
    """One kill.

    :param name: what is killed, one of :data:`~dev.scale.deployment.KILLS`
    :param due: whether it is time for it
    :param act: kills it, and starts it again
    :param killed_at: by the monotonic clock; 0 before
    :param back_after: seconds until its successor was ready; None for the triggerer, whose triggers the other one has
    :param lost: tries that were queued or running when it was killed
    :param recovered_after: seconds until the last of these had ended or was queued anew
    """

    name: str
    due: Callable[[Progress], bool]
    act: Callable[[], None]
    killed_at: float = 0.0
    back_after: float | None = None
    lost: frozenset[Try] = frozenset()
    recovered_after: float | None = None

    @property
    def under_way(self) -> bool:
        """Whether it was done, and not all that it has hit is over."""
        return bool(self.killed_at) and self.recovered_after is None

    def as_dict(self) -> dict[str, object]:
        """Return the figures."""
        return {
            "name": self.name,
            "back_after_seconds": _rounded(self.back_after),
            "tries_under_way": len(self.lost),
            "recovered_after_seconds": _rounded(self.recovered_after),
        }


class Disturbances:
    """All kills of a run, one after the other: the next one is due when nothing is left of the one before.

    :param deployment: is disturbed
    :param database: says what is under way
    :param say: prints a line
    """

    def __init__(self, deployment: Deployment, database: RunDatabase, say: Callable[[str, str], None]) -> None:
        self._deployment, self._database, self._say = deployment, database, say
        files = deployment.plan.files
        self._triggerer_job = 0
        every = [
            Disturbance(WORKER_SUBMITTING, lambda now: now.billed >= 0.1 * files, self._worker(WORKERS[0])),
            Disturbance(REDIS, self._redis_is_due, self._redis),
            Disturbance(API_SERVER, lambda now: now.billed >= 0.6 * files, self._api_server),
            Disturbance(TRIGGERER, lambda now: now.all_wait, self._triggerer),
            Disturbance(WORKER_LANDING, lambda now: now.landed >= 0.3 * files, self._worker(WORKERS[1])),
        ]
        self.all = [each for each in every if each.name in deployment.plan.kills]

    @property
    def next_one(self) -> Disturbance | None:
        """The first that was not done yet."""
        return next((each for each in self.all if not each.killed_at), None)

    def look(self, now: Progress) -> None:
        """Do what is due, and note what has recovered.

        :param now: how far the run is
        """
        for each in self.all:
            if each.under_way and self._is_over(each):
                each.recovered_after = time.monotonic() - each.killed_at
                self._say(each.name, f"recovered after {each.recovered_after:.0f} s")
        if any(each.under_way for each in self.all):
            return
        due = self.next_one
        if due is not None and due.due(now):
            due.lost = self._database.tries_under_way()
            due.killed_at = time.monotonic()
            self._say(due.name, f"kill -9, with {len(due.lost)} tasks queued or running")
            due.act()
            if due.name != TRIGGERER:
                due.back_after = time.monotonic() - due.killed_at
                self._say(due.name, f"its successor was ready after {due.back_after:.0f} s")

    def _redis_is_due(self, now: Progress) -> bool:
        """Return whether messages would be lost, from 20 % submitted on; at 80 % it is due in any case."""
        share = now.billed / now.files
        return share >= 0.8 or (share >= 0.2 and now.queued >= self._deployment.plan.slots)

    def _is_over(self, each: Disturbance) -> bool:
        if each.name == TRIGGERER:
            waiting = self._database.triggerers()
            return not waiting[self._triggerer_job] and not waiting[0]
        return not each.lost & self._database.tries_under_way()

    def _worker(self, name: str) -> Callable[[], None]:
        def act() -> None:
            self._deployment.airflow.kill(name)
            self._deployment.airflow.launch_further(name)
            self._deployment.airflow.wait_until_ready(name)

        return act

    def _redis(self) -> None:
        self._deployment.redis.kill()
        self._deployment.redis.start()

    def _api_server(self) -> None:
        self._deployment.airflow.kill("api-server")
        self._deployment.airflow.restart("api-server")

    def _triggerer(self) -> None:
        """Kill the one that was started first, and leave all to the other one: it is started again afterwards."""
        self._triggerer_job = self._database.first_triggerer()
        self._deployment.airflow.kill("triggerer")


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
