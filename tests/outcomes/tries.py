"""How each task is tried, as a worker and a triggerer do it: the operators as they are, over sockets."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from airflow.providers.common.compat.sdk import AirflowFailException, BaseSensorOperator, TaskDeferred
from airflow.sdk.exceptions import AirflowRescheduleException

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.sensors.ekyc import EkycTaskSensor
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from airflow_provider_ekyc.triggers.ekyc import EkycTaskTrigger
from tests.conftest import BUCKET
from tests.outcomes.page import Provocation
from tests.outcomes.s3_relay import Misfortune, S3Relay
from tests.outcomes.stage import Killed, Stage, Try

KEY = "a.zip"
MODES = ("deferred", "poke", "reschedule")


class SubmitTries:
    """
    Tries of EkycSubmitOperator over one journal.

    :param stage: arranged
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def arrange(self, provocation: Provocation) -> None:
        """Bring the input, the journal and the kill into the state that the row starts from."""
        for what in provocation.said("numbers"):
            self._spoil_numbers(what)
        for what in provocation.said("journal"):
            self._arrange_journal(what)
        for what in provocation.said("journal_uri"):
            self.stage.journal_uri = str(self.stage.folder)
            if what == "while the other uploads":
                self._another_try_uploads()
        for what in provocation.said("kill"):
            self._arrange_kill(what)

    def once(self) -> Try:
        """Make one try."""
        return self.stage.run(self._submit)

    def _submit(self) -> str:
        arguments = dict(self.stage.operator)
        if self.stage.journal_uri:
            arguments["journal_uri"] = self.stage.journal_uri
        operator = EkycSubmitOperator(task_id="submit", numbers=str(self.stage.numbers), **arguments)
        return operator.execute(self.stage.context())

    def _spoil_numbers(self, what: str) -> None:
        path = self.stage.numbers
        good = path.read_text()
        if what == "another file":
            path.write_text(good + "+9991234567890\n")
            return
        if what == "too many":
            self.stage.connect(self.stage.sandbox, row_limits="amazon=1-50")
            self.stage.mending.append(lambda: self.stage.connect(self.stage.sandbox))
            return
        path.unlink()
        if what != "missing":
            path.write_text({"empty": "", "invalid": good + "99912345\n", "too few": good[:140]}[what])
        self.stage.mending.append(lambda: _write(path, good))

    def _arrange_journal(self, what: str) -> None:
        store = self.stage.store
        assert store is not None
        mend = self.stage.mending.append
        key: str
        if what == "none":
            self.stage.store = None
        elif what == "away":
            store.away = True
            mend(lambda: setattr(store, "away", False))
        elif what in ("intent refused", "receipt refused"):
            store.watch = _raising(f"ekyc-{what.split()[0]}-", "before", ConnectionError("away"))
            mend(lambda: setattr(store, "watch", lambda moment, key: None))
        elif what.startswith("receipt"):
            self._submit_first()
            if what == "receipt damaged":
                key = store.key("receipt")
                good, store.values[key] = store.values[key], "7"
                mend(lambda: store.values.update({key: good}))
        else:
            self.stage.sandbox.fault("submit", "cut_after")
            self._submit_first(fails=True)
            key = store.key("intent")
            good = store.values[key]
            if what == "intent damaged":
                store.values[key] = '{"rows": "many"}'
                mend(lambda: store.values.update({key: good}))
            elif what == "intent, deleted by hand":
                store.delete(key)
            elif what == "intent, adopted by hand":
                store.set(key.replace("intent", "receipt"), self.stage.sandbox.tasks[-1].task_id)

    def _submit_first(self, *, fails: bool = False) -> None:
        given, self.stage.operator = self.stage.operator, {}
        whole = self.stage.numbers.read_text()
        self.stage.numbers.write_text("".join(whole.splitlines(keepends=True)[:200]))
        try:
            self._submit()
        except AirflowFailException:
            if not fails:
                raise
        self.stage.operator = given
        self.stage.numbers.write_text(whole)

    def _another_try_uploads(self) -> None:
        sandbox = self.stage.sandbox
        sandbox.fault("submit", "delay", seconds=1.0)
        first = threading.Thread(target=self._submit, daemon=True)
        first.start()
        while not sandbox.calls["submit"]:
            time.sleep(0.005)
        self.stage.mending.append(first.join)

    def two_at_once(self) -> tuple[Try, Try]:
        """Make two tries that meet between reading the journal and writing to it."""
        self.stage.sandbox.fault("balance", "delay", times=2, seconds=1.0)
        lost: list[BaseException] = []
        values: list[str] = []

        def attempt() -> None:
            try:
                values.append(self._submit())
            except (AirflowFailException, EkycRetryException) as error:
                lost.append(error)

        def both() -> str:
            tries = [threading.Thread(target=attempt) for _ in range(2)]
            for one in tries:
                one.start()
            for one in tries:
                one.join()
            if lost:
                raise lost[0]
            return values[0]

        told = self.stage.run(both)
        assert len(lost) == len(values) == 1
        return told, self.once()

    def _arrange_kill(self, what: str) -> None:
        store = self.stage.store
        assert store is not None
        if what == "during the submission":
            # Taken at once; the answer is still on its way.
            self.stage.sandbox.fault("submit", "slow_body", seconds=2.0)
            self.stage.kill_when(lambda: len(self.stage.sandbox.bill.submissions) > 0)
            return
        moment, _, kind = what.partition(" the ")
        store.watch = _raising(f"ekyc-{kind}-", moment, Killed())
        self.stage.mending.append(lambda: setattr(store, "watch", lambda moment, key: None))


class SensorTries:
    """
    Tries of EkycTaskSensor in one of its modes.

    :param stage: arranged, with a remote task
    :param mode: deferred, poke or reschedule
    """

    def __init__(self, stage: Stage, mode: str) -> None:
        self.stage, self.mode = stage, mode
        self._first: datetime | None = None
        self._is_killed = False

    def arrange(self, provocation: Provocation) -> None:
        """Let it be killed while it waits, if the row says so."""
        self._is_killed = "while it waits" in provocation.said("kill")
        self.stage.mending.append(lambda: setattr(self, "_is_killed", False))

    def once(self) -> Try:
        """Make one try, to its end."""
        self._first = None
        # A worker's wait need not be sat out: sleeping puts everybody's clock forward.
        ahead = self.stage.clock
        clock = SimpleNamespace(
            sleep=self._sleep,
            monotonic=lambda: time.monotonic() + ahead.ahead,
            time=lambda: time.time() + ahead.ahead,
        )
        with ExitStack() as clocks:
            if self.mode != "deferred":
                for sensor in (BaseSensorOperator, EkycTaskSensor):
                    clocks.enter_context(mock.patch.object(sys.modules[sensor.__module__], "time", clock))
            return self.stage.run(self._wait)

    def _wait(self) -> Any:
        if self.mode == "deferred":
            return self._wait_in_the_triggerer()
        begun = datetime.now(UTC) + timedelta(seconds=self.stage.clock.ahead)
        while True:
            context = self.stage.context()
            context["ti"].get_first_reschedule_date = lambda context: self._first
            try:
                return self._sensor(deferrable=False, mode=self.mode).execute(context)
            except AirflowRescheduleException as later:
                self._first = self._first or begun
                self._sleep((later.reschedule_date - datetime.now(UTC)).total_seconds())

    def _wait_in_the_triggerer(self) -> Any:
        try:
            self._sensor().execute(self.stage.context())
        except TaskDeferred as deferred:
            arguments = {**deferred.trigger.serialize()[1], "floor": 0.05, "ceiling": 0.2}
            begun = time.monotonic()
            event = asyncio.run(self._only_event(EkycTaskTrigger(**arguments)))
            self.stage.waited.append(time.monotonic() - begun)
            return self._sensor().execute_complete(self.stage.context(), event)
        raise AssertionError("it did not defer")

    async def _only_event(self, trigger: EkycTaskTrigger) -> dict[str, Any]:
        async def run() -> dict[str, Any]:
            (event,) = [event async for event in trigger.run()]
            return dict(event.payload)

        running = asyncio.create_task(run())
        if self._is_killed:
            await asyncio.to_thread(self._until_asked)
            running.cancel()
            raise Killed
        return await running

    def _until_asked(self) -> None:
        while not self.stage.sandbox.bill.polls:
            time.sleep(0.01)

    def _sensor(self, **arguments: Any) -> EkycTaskSensor:
        given = {"ekyc_task_id": self.stage.ekyc_task_id, **self.stage.operator}
        return EkycTaskSensor(task_id="wait", **given, **arguments)

    def _sleep(self, seconds: float) -> None:
        self.stage.waited.append(seconds)
        if self._is_killed:
            raise Killed
        self.stage.clock.ahead += seconds


class TransferTries:
    """
    Tries of EkycResultsToS3Operator, whose S3 is behind a relay.

    :param stage: arranged, with a remote task
    :param relay: before the S3 server
    :param s3: a client past the relay
    :param connect_aws: defines the AWS connection: endpoint and secret, None for the right ones
    """

    def __init__(self, stage: Stage, relay: S3Relay, s3: Any, connect_aws: Callable[..., None]) -> None:
        self.stage, self.relay, self.s3, self._connect_aws = stage, relay, s3, connect_aws
        self._bucket = BUCKET
        self.strangers = False

    def arrange(self, provocation: Provocation) -> None:
        """Bring S3, or the kill, into the state that the row starts from."""
        for what in provocation.said("s3"):
            self._arrange_s3(what)
        for what in provocation.said("kill"):
            if what == "during the download":
                self.stage.sandbox.fault("result", "delay", seconds=1.0)
                self.stage.kill_when(lambda: self.stage.sandbox.calls["result"] > 0)
            else:
                self._meet(Misfortune("put", f"cut_{what.split()[0]}", act=self.stage.kill))

    def once(self) -> Try:
        """Make one try."""
        return self.stage.run(self._land, s3_calls=lambda: Counter(self.relay.calls))

    def landed(self) -> str | None:
        """Return the remote task whose result lies at the key, or None."""
        found = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        if not found:
            return None
        return str(self.s3.head_object(Bucket=BUCKET, Key=KEY)["Metadata"].get("ekyc-task-id", "a stranger"))

    def _remove_the_strangers(self) -> None:
        if self.landed() != self.stage.ekyc_task_id:
            self.s3.delete_object(Bucket=BUCKET, Key=KEY)

    def _land(self) -> str:
        given = {
            "ekyc_task_id": self.stage.ekyc_task_id,
            "s3_bucket": self._bucket,
            "s3_key": KEY,
            **self.stage.operator,
        }
        return EkycResultsToS3Operator(task_id="land", **given).execute(self.stage.context())

    def _meet(self, misfortune: Misfortune) -> None:
        self.relay.met.append(misfortune)
        self.stage.mending.append(self.relay.met.clear)

    def _arrange_s3(self, what: str) -> None:
        mend = self.stage.mending.append
        if what == "landed before":
            self._land()
        elif what == "no such bucket":
            self._bucket = "no-such-bucket"
            mend(lambda: setattr(self, "_bucket", BUCKET))
        elif what == "gone":
            with S3Relay("http://127.0.0.1:9") as gone:
                self._connect_aws(endpoint_url=gone.endpoint_url)
            mend(self._connect_aws)
        elif what == "wrong secret":
            self._connect_aws(secret="made-up-wrong")
            mend(self._connect_aws)
        elif what.startswith("taken by"):
            self.strangers = True
            metadata = {"ekyc-task-id": "another-task"} if "another task" in what else {}
            if metadata:
                names = ("ekyc-rows", "ekyc-yes", "ekyc-no", "ekyc-unknown")
                metadata |= dict.fromkeys(names, "1") | {"ekyc-sha256": "made up"}

            def take() -> None:
                self.s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"theirs", Metadata=metadata)

            mend(self._remove_the_strangers)
            if what.endswith("meanwhile"):
                self._meet(Misfortune("put", "before", act=take))
            else:
                take()
        else:
            call, kind, *rest = what.removesuffix(" always").split()
            status, code = int(rest[0]) if rest else 503, rest[1] if len(rest) > 1 else ""
            times = None if what.endswith("always") else 1
            self._meet(Misfortune(call, kind, status=status, code=code, times=times))


def _raising(prefix: str, moment: str, error: BaseException) -> Callable[[str, str], None]:
    def watch(now: str, key: str) -> None:
        if now == moment and key.startswith(prefix):
            raise error

    return watch


def _write(path: Path, text: str) -> None:
    path.write_text(text)
