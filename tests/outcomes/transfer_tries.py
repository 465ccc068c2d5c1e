"""How a landing is tried, as a worker does it: the operator as it is, over sockets, S3 behind a relay."""

from __future__ import annotations

import hashlib
import re
import resource
from collections import Counter
from collections.abc import Callable
from typing import Any
from unittest import mock

from botocore.credentials import Credentials

from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.results import download
from airflow_provider_ekyc.s3 import target
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from dev.testing.s3_relay import S3Fault, S3Relay
from dev.testing.sockets import ScriptedServer, answer
from tests.conftest import BUCKET, abort_uploads, keys_of
from tests.outcomes.deliveries import FIGURES, delivery
from tests.outcomes.iceberg_table import IcebergTable
from tests.outcomes.landed_objects import numbers_in, read_result
from tests.outcomes.rows import Provocation
from tests.outcomes.stage import Stage, Try
from tests.submitted import submitted

KEY, UNMATCHED_KEY = "part-0", "unmatched.txt"


class TransferTries:
    """
    Tries of EkycResultsToS3Operator, whose S3 is behind a relay.

    :param stage: arranged, with a remote task
    :param relay: before the S3 server
    :param s3: a client past the relay
    :param connect_aws: defines the AWS connection: endpoint and secret, None for the right ones
    :param credentials: of the S3 server
    :param make_table: makes the Iceberg table of a row that has one, for the key of the result
    """

    def __init__(
        self,
        stage: Stage,
        relay: S3Relay,
        s3: Any,
        connect_aws: Callable[..., None],
        credentials: Credentials,
        make_table: Callable[[str], IcebergTable],
    ) -> None:
        self.stage, self.relay, self.s3, self._connect_aws = stage, relay, s3, connect_aws
        self._credentials = credentials
        self._make_table = make_table
        self._table: IcebergTable | None = None
        self._bucket = BUCKET
        self._write = "put"
        #: What was sent: the operator's arguments that say so, and the numbers themselves.
        self._sent: dict[str, Any] = {}
        self._numbers: set[str] = set()
        self._stores: list[ScriptedServer] = []
        #: Key -> what somebody else has put there, by its ETag.
        self._strangers: dict[str, str] = {}

    def submit(self, provocation: Provocation) -> str:
        """Return a remote task; where the row says what was sent, the operator's, which keeps account of it."""
        for count in provocation.said("numbers"):
            self.stage.numbers.write_text("".join(f"+999{number:010d}\n" for number in range(int(count))))
        if not provocation.said("sent"):
            return submitted(self.stage.sandbox, self.stage.numbers.read_bytes())
        context = self.stage.context()
        EkycSubmitOperator(task_id="submit", numbers=str(self.stage.numbers)).execute(context)
        self._sent = {"numbers": str(self.stage.numbers), "submission": context["ti"].xcoms["submission"]}
        self._numbers = set(self.stage.numbers.read_text().split())
        return str(self._sent["submission"]["ekyc_task_id"])

    def arrange(self, provocation: Provocation) -> None:
        """Put what was sent, what is delivered, S3, the disk, or the kill into the state that the row starts from."""
        for what in provocation.said("sent"):
            self._arrange_sent(what)
        for what in provocation.said("archive"):
            self._deliver(what)
        for what in provocation.said("s3"):
            self._arrange_s3(what, KEY)
        for what in provocation.said("unmatched"):
            self._arrange_s3(what, UNMATCHED_KEY)
        for what in provocation.said("table"):
            self._table = self._make_table(KEY)
            self._table.arrange(what)
        for what in provocation.said("disk"):
            self._bound_files(int(re.sub(r"\D", "", what)))
        for what in provocation.said("ranges"):
            size = int(re.sub(r"\D", "", what))
            patch = mock.patch.object(download, "RANGE_SIZE", size)
            patch.start()
            self.stage.servers.callback(patch.stop)
            self.stage.repairs.append(lambda patch=patch: patch.stop())
        for what in provocation.said("kill"):
            if what == "during the download":
                self.stage.sandbox.fault("result", "delay", seconds=1.0)
                self.stage.kill_when(lambda: self.stage.sandbox.calls["result"] > 0)
            else:
                # The signal comes again and again, so that it may end the abort, too.
                self.stage.repairs.append(lambda: abort_uploads(self.s3))
                when, _, call = what.split()
                call = call.replace("completion", "complete")
                self._add_fault(S3Fault(call, f"cut_{when}", key=KEY, act=self.stage.kill))

    def once(self) -> Try:
        """Make one try; its value is the second XCom."""
        done = self.stage.run(self._land, calls_elsewhere=self._calls)
        assert not [head for store in self._stores for head in store.heads if "x-api-key" in head]
        return done

    @property
    def asked(self) -> tuple[str, str]:
        """Whose result is to lie at the key, and in which format."""
        return self.stage.ekyc_task_id, self.stage.operator.get("output_format", "zip")

    def landed(self) -> tuple[str, str] | None:
        """Return which task's result is at the key, and in which format; None if there is nothing."""
        try:
            found = self.s3.get_object(Bucket=BUCKET, Key=KEY)
        except self.s3.exceptions.NoSuchKey:
            return None
        metadata = found["Metadata"]
        if metadata.get("ekyc-sha256") != hashlib.sha256(found["Body"].read()).hexdigest():
            return "a stranger", ""
        return metadata["ekyc-task-id"], metadata["ekyc-format"]

    def check_objects(self, done: Try) -> None:
        """Read all that is there after a try that succeeded, and compare it with what the try said."""
        answers = read_result(self.s3, KEY, done.value, column=self.stage.operator.get("result_column"))
        if self._table is not None:
            self._table.check(done.value, answers)
        missing = self._numbers - answers.keys()
        there = [KEY]
        if done.value["unmatched"] is not None:
            assert done.value["unmatched"] == len(missing)
        if done.value["unmatched_uri"] is not None:
            assert done.value["unmatched_uri"] == f"s3://{BUCKET}/{UNMATCHED_KEY}"
            assert numbers_in(self.s3, UNMATCHED_KEY) == sorted(missing)
            there.append(UNMATCHED_KEY)
        if counted := re.search(r"numbers that were sent, (\d+) are not in the result", done.text):
            assert done.value["unmatched"] == int(counted[1])
            assert ("unmatched_key" in self.stage.operator) == (UNMATCHED_KEY in there)
        assert keys_of(self.s3) == there

    def check_strangers(self) -> None:
        """Check that what others have put there is as it was, and that else there is at most our own list."""
        tags = {key: self.s3.head_object(Bucket=BUCKET, Key=key)["ETag"] for key in keys_of(self.s3)}
        assert {key: tags.get(key) for key in self._strangers} == self._strangers
        assert tags.keys() <= {*self._strangers, UNMATCHED_KEY}

    def _calls(self) -> Counter[str]:
        return Counter(self.relay.calls) + Counter(result=sum(len(store.requests) for store in self._stores))

    def _land(self, **arguments: Any) -> dict[str, Any]:
        context = self.stage.context()
        given = {
            "ekyc_task_id": self.stage.ekyc_task_id,
            "s3_bucket": self._bucket,
            "s3_key": KEY,
            **self._sent,
            **self.stage.operator,
            **arguments,
        }
        uri = EkycResultsToS3Operator(task_id="land", **given).execute(context)
        result: dict[str, Any] = context["ti"].xcoms["result"]
        assert result["s3_uri"] == uri
        return result

    def _arrange_sent(self, what: str) -> None:
        right = self._sent["submission"]
        if what == "given, changed since":
            with self.stage.numbers.open("a") as file:
                file.write("+9991234567890\n")
        elif what == "given, gone since":
            self.stage.numbers.unlink()
        elif what == "given, without its sum":
            self._sent["submission"] = {name: value for name, value in right.items() if name != "input_sha256"}
        elif what == "given, of another task":
            self._sent["submission"] = {**right, "ekyc_task_id": "another-task"}
        elif what == "submission alone":
            numbers = self._sent.pop("numbers")
            self.stage.repairs.append(lambda: self._sent.update(numbers=numbers))
        elif what == "numbers alone":
            del self._sent["submission"]
        self.stage.repairs.append(lambda: self._sent.update(submission=right))

    def _deliver(self, what: str) -> None:
        """Let another store deliver another archive, at the address that the API names."""
        store = self.stage.servers.enter_context(ScriptedServer(answer("200 OK", delivery(what))))
        self._stores.append(store)
        self.stage.connect(self.stage.sandbox, result_hosts=f"{self.stage.sandbox.url},{store.url}")
        figures = {"success": 200, **FIGURES.get(what, {})}
        self.stage.answer_status(status="exported", result_url=store.result_url, **figures)
        right = {
            "two answer columns": {"result_column": "activated"},
            "two number columns": {"number_column": "Number", "output_format": "csv"},
        }.get(what, {})
        if any(self.stage.operator.get(name) != value for name, value in right.items()):
            # What is corrected is the argument; what is delivered stays as it is.
            self.stage.repairs.append(lambda: self.stage.operator.update(right))
            self.stage.repairs.append(lambda: self._deliver(what))

    def _bound_files(self, size: int) -> None:
        # The bound is this whole process's. So the sandbox writes now what it writes when it is asked first, and
        # the table has files so large that what is printed meanwhile stays far below.
        EkycHook().get_task(self.stage.ekyc_task_id)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)

        def unbind() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

        self.stage.repairs.append(unbind)
        self.stage.servers.callback(unbind)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    def _add_fault(self, fault: S3Fault) -> None:
        self.relay.faults.append(fault)
        self.stage.repairs.append(self.relay.faults.clear)

    def _arrange_s3(self, what: str, key: str) -> None:
        repair = self.stage.repairs.append
        if what == "landed before":
            self._land()
        elif what == "landed before without unmatched_key":
            self._land(unmatched_key=None)
        elif what.startswith("landed before, then"):
            self._land()
            self._change(key, what.removeprefix("landed before, then "))
        elif what == "in parts":
            # What is so small is one part: S3 accepts none but the last below 5 MiB.
            self.stage.servers.enter_context(mock.patch.object(target, "SINGLE_PUT", 0))
            self._write = "part"
        elif what == "ignores If-None-Match":
            self.relay.ignores_conditions = self._credentials
            repair(lambda: setattr(self.relay, "ignores_conditions", None))
        elif what.startswith("landed before as"):
            self._land(output_format=what.split()[-1])
            self._is_theirs(key)
        elif what == "no such bucket":
            self._bucket = "no-such-bucket"
            repair(lambda: setattr(self, "_bucket", BUCKET))
        elif what == "gone":
            with S3Relay("http://127.0.0.1:9") as gone:
                self._connect_aws(endpoint_url=gone.endpoint_url)
            repair(self._connect_aws)
        elif what == "wrong secret":
            self._connect_aws(secret="made-up-wrong")
            repair(self._connect_aws)
        elif what.startswith("taken by"):
            self._let_take(what, key)
        else:
            call, kind, *rest = what.removesuffix(" always").split()
            status, code = int(rest[0]) if rest else 503, rest[1] if len(rest) > 1 else ""
            times = None if what.endswith("always") else 1
            self._add_fault(S3Fault(call, kind, key=key, status=status, code=code, times=times))

    def _change(self, key: str, how: str) -> None:
        """Put other bytes under the metadata that the object has, or delete it."""
        if how == "deleted":
            self.s3.delete_object(Bucket=BUCKET, Key=key)
            return
        found = self.s3.get_object(Bucket=BUCKET, Key=key)
        content, metadata = found["Body"].read(), found["Metadata"]
        changed = {"emptied": b"", "cut": content[:30], "overwritten": bytes(len(content))}[how]
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=changed, Metadata=metadata)
        self._is_theirs(key)

    def _let_take(self, what: str, key: str) -> None:
        metadata = {}
        if "another task" in what:
            names = ("ekyc-rows", "ekyc-yes", "ekyc-no", "ekyc-unknown")
            metadata = dict.fromkeys(names, "1") | {"ekyc-task-id": "another-task", "ekyc-sha256": "made up"}
            metadata |= {"ekyc-format": "unmatched" if key == UNMATCHED_KEY else "zip"}

        def take() -> None:
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=b"theirs", Metadata=metadata)
            self._is_theirs(key)

        if what.endswith("meanwhile"):
            self._add_fault(S3Fault(self._write, "before", key=key, act=take))
        else:
            take()

    def _is_theirs(self, key: str) -> None:
        self._strangers[key] = self.s3.head_object(Bucket=BUCKET, Key=key)["ETag"]
        self.stage.repairs.append(lambda: self._remove(key))

    def _remove(self, key: str) -> None:
        # Not what has been landed over it.
        if self.s3.head_object(Bucket=BUCKET, Key=key)["ETag"] == self._strangers[key]:
            self.s3.delete_object(Bucket=BUCKET, Key=key)
