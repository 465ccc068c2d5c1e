"""How a submission is tried, as a worker does it: the operator as it is, over sockets."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from airflow.sdk import DAG

from airflow_provider_ekyc.airflow_errors import EkycRetryException
from airflow_provider_ekyc.airflow_sdk import AirflowFailException
from airflow_provider_ekyc.numbers import prepare, source
from airflow_provider_ekyc.numbers.paced_stream import Pace, PacedStream
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from dev.stack.processes import free_ports
from dev.testing.sockets import ScriptedServer, answer
from tests.numbers.test_paced_stream import trickling_store
from tests.outcomes.rows import Provocation
from tests.outcomes.stage import Killed, Stage, Try

#: What stands in place of a path to the input.
_OTHER_NUMBERS = {
    "a named pipe": "{folder}/pipe",
    "a device": "/dev/null",
    "a directory": "{folder}",
    "given as contents": "{numbers}",
    "a path with a NUL": "{folder}/a\0b",
    "a name that is too long": "{folder}/" + "x" * 300,
}


class SubmitTries:
    """
    Tries of EkycSubmitOperator over one journal.

    :param stage: arranged
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._numbers = str(stage.numbers)
        self._transfer: dict[str, str] = {}

    def arrange(self, provocation: Provocation) -> None:
        """Put the input, the journal and the kill into the state that the row starts from."""
        for what in provocation.said("numbers"):
            self._change_numbers(what)
        for what in provocation.said("transfer"):
            self._arrange_transfer(what)
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
        is_renamed = len(self.stage.task_ids) > 1
        with DAG("a_dag", schedule=None) if self._transfer or is_renamed else nullcontext():
            operator = EkycSubmitOperator(task_id="submit", numbers=self._numbers, **arguments)
            if self._transfer:
                operator >> EkycResultsToS3Operator(
                    task_id="land", ekyc_task_id="made-up", s3_key="s3://results/key", **self._transfer
                )
        return operator.execute(self.stage.context())

    def _arrange_transfer(self, what: str) -> None:
        """Put a transfer after the submission, in one DAG."""
        output_format, _, without = what.removeprefix("output_format=").partition(" without ")
        output_format, _, table = output_format.partition(" with ")
        self._transfer = {"output_format": output_format, **({table: "ekyc.results"} if table else {})}
        if without:
            hidden = self.stage.servers.enter_context(pytest.MonkeyPatch.context())
            hidden.setitem(sys.modules, without, None)
            self.stage.repairs.append(hidden.undo)
        else:
            self.stage.repairs.append(self._transfer.clear)

    def _change_numbers(self, what: str) -> None:
        path = self.stage.numbers
        good = path.read_text()
        if what.startswith("in an S3"):
            self._numbers = "s3://inbox/numbers.txt"
            self._connect_to_s3(what)
        elif what in _OTHER_NUMBERS:
            self._numbers = _OTHER_NUMBERS[what].format(folder=path.parent, numbers=good)
            if what == "a named pipe":
                os.mkfifo(self._numbers)
        elif what == "overwritten while it is read":
            self._overwrite_while_reading(path, good)
            return
        if self._numbers != str(path):
            self.stage.repairs.append(lambda: setattr(self, "_numbers", str(path)))
            return
        if what in ("another file", "in another order"):
            backwards = "".join(reversed(good.splitlines(keepends=True)))
            path.write_text(backwards if what == "in another order" else good + "+9991234567890\n")
            return
        if what == "too many":
            self.stage.connect(self.stage.sandbox, row_limits="amazon=1-50")
            self.stage.repairs.append(lambda: self.stage.connect(self.stage.sandbox))
            return
        path.unlink()
        if what != "missing":
            path.write_text({"empty": "", "invalid": good + "99912345\n", "too few": good[:140]}[what])
        self.stage.repairs.append(lambda: _write(path, good))

    def _connect_to_s3(self, what: str) -> None:
        if what == "in an S3 that is gone":
            url = f"http://127.0.0.1:{free_ports(1)[0]}"
        elif what == "in an S3 that trickles":
            url = self.stage.servers.enter_context(trickling_store(b"")).url
            # As it is, but for half a second instead of a minute.
            hasty = lambda opened, _: PacedStream(opened, Pace(window=0.5))  # noqa: E731
            impatience = self.stage.servers.enter_context(ExitStack())
            impatience.enter_context(patch.object(source, "PacedStream", hasty))
            # The next try has its minute: a busy machine may need a second for a file of its own.
            self.stage.repairs.append(impatience.close)
        else:
            code = what.removeprefix("in an S3 that answers ")
            body = f"<Error><Code>{code}</Code><Message>made up</Message></Error>".encode()
            url = self.stage.servers.enter_context(ScriptedServer(answer("403 Forbidden", body))).url
        extra = {"endpoint_url": url, "region_name": "us-east-1"}
        aws = {"conn_type": "aws", "login": "made-up", "password": "made-up", "extra": extra}
        self.stage.servers.enter_context(patch.dict(os.environ, AIRFLOW_CONN_AWS_DEFAULT=json.dumps(aws)))

    def _overwrite_while_reading(self, path: Path, good: str) -> None:
        """Write the input anew, in place, after it was opened."""
        read, turns = prepare.line_blocks, iter([good.replace("+999", "+998")])

        def overwritten(*arguments: Any, **named: Any) -> Iterator[bytes]:
            for other in turns:
                path.write_text(other)
            return read(*arguments, **named)

        self.stage.servers.enter_context(patch.object(prepare, "line_blocks", overwritten))
        self.stage.repairs.append(lambda: _write(path, good))

    def _arrange_journal(self, what: str) -> None:
        variables = self.stage.variables
        repair = self.stage.repairs.append
        if what == "away":
            variables.away = True
            repair(lambda: setattr(variables, "away", False))
        elif what in ("intent refused", "receipt refused"):
            self._refuse("before", what.split()[0], ConnectionError("away"))
        elif what.startswith("receipt"):
            self._submit_first()
            self._change_record(what)
        else:
            self.stage.sandbox.fault("submit", "cut_after")
            self._submit_first(fails=True)
            self._change_record(what)

    def _change_record(self, what: str) -> None:
        """Do by hand, or by a fault, what the row says of the one record that there is."""
        variables = self.stage.variables
        before = dict(variables.values)
        records = variables.receipts() if what.startswith("receipt") else variables.records()
        ((key, _),) = records.items()
        if what.endswith("damaged"):
            variables.values[key] = '{"record": '
            self.stage.repairs.append(lambda: variables.values.update(before))
        elif what.endswith("of schema 3"):
            variables.values[key] = variables.values[key].replace('"schema": 2', '"schema": 3')
            self.stage.repairs.append(lambda: variables.values.update(before))
        elif what.endswith("sent again by hand"):
            variables.values[key] = "send again"
        elif what.endswith("under an earlier task id"):
            self.stage.task_ids.append("submit")
        elif what.endswith("adopted by hand"):
            variables.values[key] = self.stage.sandbox.tasks[-1].task_id
        elif what.endswith("deleted by hand"):
            variables.delete_all()
            self.stage.repairs.append(lambda: variables.values.update(before))
        elif what.endswith("forgotten"):
            variables.values.clear()

    def _refuse(self, moment: str, kind: str, error: BaseException) -> None:
        """Let a write of an intent or a receipt fail, or kill the try there."""
        variables = self.stage.variables
        written = {"intent": '"sending"', "receipt": '"receipt"'}[kind]

        def watch(now: str, key: str) -> None:
            if "_instance_" in key or key.endswith("_check") or now != moment:
                return
            if now == "after":
                due = written in variables.values[key]
            else:
                due = bool(self.stage.sandbox.bill.submissions) == (kind == "receipt")
            if due:
                raise error

        variables.watch = watch
        self.stage.repairs.append(lambda: setattr(variables, "watch", lambda moment, key: None))

    def _submit_first(self, *, fails: bool = False) -> None:
        given, self.stage.operator = self.stage.operator, {}
        whole = self.stage.numbers.read_text()
        self.stage.numbers.write_text("".join(sorted(whole.splitlines(keepends=True))[:200]))
        try:
            self._submit()
        except AirflowFailException:
            if not fails:
                raise
        self.stage.operator = given
        self.stage.numbers.write_text(whole)

    def _another_try_uploads(self) -> None:
        sandbox = self.stage.sandbox
        sandbox.fault("submit", "delay", seconds=5.0)
        first = threading.Thread(target=self._submit, daemon=True)
        first.start()
        while not sandbox.calls["submit"]:
            time.sleep(0.005)
        self.stage.repairs.append(first.join)

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

        both_done = self.stage.run(both)
        assert len(lost) == len(values) == 1
        return both_done, self.once()

    def _arrange_kill(self, what: str) -> None:
        if what == "during the submission":
            # Taken at once; the answer is still on its way.
            self.stage.sandbox.fault("submit", "slow_body", seconds=2.0)
            self.stage.kill_when(lambda: len(self.stage.sandbox.bill.submissions) > 0)
            return
        moment, _, kind = what.partition(" the ")
        self._refuse(moment, kind, Killed())


def _write(path: Path, text: str) -> None:
    path.write_text(text)
