"""One run: trigger it, kill on the way, settle what only a person can, wait for its end."""

from __future__ import annotations

import time
from collections.abc import Callable

from dev.scale.deployment import BUCKET, WORKER_LANDING, Deployment
from dev.scale.disturbances import Disturbances
from dev.scale.progress import Progress
from dev.scale.run_database import RunDatabase
from dev.scale.settling import Person

DAG_ID = "ekyc_scale"
RUN_ID = "scale"
#: Numbers of a file: the fewest that the API accepts.
ROWS = 100
#: Seconds between two looks, and between two lines.
INTERVAL, SAID_EVERY = 1.0, 20.0
#: Seconds without any progress after which a run is given up.
PATIENCE = 1500.0


class StuckError(Exception):
    """The run makes no progress any more. The message says where it stands."""


class ScaleRun:
    """One run of the DAG.

    :param deployment: started
    :param say: prints a line
    """

    def __init__(self, deployment: Deployment, say: Callable[[str, str], None]) -> None:
        self._deployment, self._say = deployment, say
        self.database = RunDatabase(deployment.postgres, RUN_ID)
        self.disturbances = Disturbances(deployment, self.database, say)
        #: How many unknown outcomes were settled: adopted, and sent again.
        self.settled = [0, 0]
        #: Seconds from the trigger until a moment, by its name.
        self.moments: dict[str, float] = {}

    def run(self) -> str:
        """Run it to its end.

        :return: the state of the DAG run
        :raises StuckError: if nothing moves any more
        """
        deployment, files = self._deployment, self._deployment.plan.files
        numbers = "".join(f"+999{number:010d}\n" for number in range(files * ROWS))
        deployment.s3.client().put_object(Bucket=BUCKET, Key="list.txt", Body=numbers.encode())
        deployment.rest.wait_for_dag(DAG_ID)
        deployment.rest.unpause(DAG_ID)
        # So that a person has something to settle, whatever the kills hit: one list was accepted, and one was not.
        deployment.sandbox.fault("submit", "cut_after", skip=files // 4)
        deployment.sandbox.fault("submit", "cut_before", skip=files // 2)
        deployment.clock.hold()
        deployment.rest.trigger(DAG_ID, run_id=RUN_ID)
        self._started = self._moved = self._said = time.monotonic()
        self._last: Progress | None = None
        is_held = True
        while True:
            now = self._look()
            self.disturbances.look(now)
            if is_held and now.submits_over and not now.all_wait:
                self._settle()
            if is_held and self._may_go_on(now):
                is_held = False
                self.moments["all deferred"] = self._seconds()
                deployment.clock.release()
                if not deployment.airflow.is_running("triggerer"):
                    deployment.airflow.restart("triggerer")
                self._say("sandbox", "all remote tasks go on")
            state = self.database.state()
            if state in ("success", "failed"):
                if state == "failed" and self._settle():
                    continue
                self.moments["end"] = self._seconds()
                return state
            time.sleep(INTERVAL)

    def _seconds(self) -> float:
        return round(time.monotonic() - self._started, 1)

    def _may_go_on(self, now: Progress) -> bool:
        """Return whether all wait at once, and what was to happen meanwhile has happened."""
        waits_for = [each for each in self.disturbances.all if each.name != WORKER_LANDING]
        return now.all_wait and all(each.killed_at and not each.under_way for each in waits_for)

    def _look(self) -> Progress:
        deployment = self._deployment
        billed = len(deployment.sandbox.bill.submissions)
        now = Progress(deployment.plan.files, billed, self.database.counts())
        moment = time.monotonic()
        if now != self._last:
            self._moved = moment
            self._last = now
        if moment - self._said >= SAID_EVERY:
            self._said = moment
            self._say("run", now.shown())
        if moment - self._moved > PATIENCE:
            raise StuckError(f"nothing has moved for {PATIENCE:.0f} s: {now.shown()}")
        if now.billed >= now.files:
            self.moments.setdefault("all billed", self._seconds())
        return now

    def _settle(self) -> int:
        adopted, sent_again = Person(self._deployment, DAG_ID, RUN_ID).settle()
        self.settled[0] += adopted
        self.settled[1] += sent_again
        if adopted or sent_again:
            self._say("person", f"settled unknown outcomes: {adopted} adopted, {sent_again} sent again")
        return adopted + sent_again
