"""How a list is prepared in a try, as a worker does it: the operator as it is, over files and sockets."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from pyarrow import parquet

from airflow_provider_ekyc.history.files import HistoryFile
from airflow_provider_ekyc.history.local_files import LocalFolder
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from airflow_provider_ekyc.preparation.tidy import Tidier
from dev.stack.postgres_server import PostgresServer
from dev.stack.processes import free_ports
from dev.testing.sockets import ScriptedServer, answer
from dev.testing.task_context import TaskInstance, context_of
from tests.history.landed import YES, landed
from tests.outcomes.rows import Provocation
from tests.outcomes.stage import Stage, Try


class PrepareTries:
    """
    Tries of EkycPrepareNumbersOperator with one list and one destination.

    :param stage: arranged
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        folder = stage.numbers.parent
        self._ready = folder / "ready"
        self._history = folder / "history"
        self._arguments: dict[str, Any] = {
            "numbers": str(stage.numbers),
            "destination_uri": str(self._ready),
            "max_rows": 199,
        }

    def arrange(self, provocation: Provocation) -> None:
        """Put the list, the places and an earlier try into the state that the row starts from."""
        for who, change in (
            ("list", self._change_list),
            ("query", self._read_by_query),
            ("destination", self._change_destination),
            ("history", self._make_history),
            ("manifest", self._make_manifest),
            ("memory", self._use_memory_up),
            ("kill", self._kill),
        ):
            for what in provocation.said(who):
                change(what)

    def once(self) -> Try:
        """Make one try."""
        return self.stage.run(self._prepare)

    def written(self) -> dict[str, bytes]:
        """Return what is at the destination."""
        return {path.name: path.read_bytes() for path in self._ready.glob("*")}

    def rows(self, uris: list[str]) -> int:
        """Count the numbers in files."""
        return sum(len(Path(uri).read_bytes().splitlines()) for uri in uris)

    def _prepare(self) -> list[str]:
        arguments = {**self._arguments, **self.stage.operator}
        return EkycPrepareNumbersOperator(task_id="prepare", **arguments).execute(self.stage.context())

    def _change_list(self, what: str) -> None:
        path = self.stage.numbers
        good = path.read_text()
        self.stage.repairs.append(lambda: _write(path, good))
        if what == "overwritten while it is read":
            self._when_a_row_is_read(lambda: _write(path, good.replace("+999", "+998")))
            # More than is read at a time, so that the end is not read yet.
            path.write_text(f"garbage\n{'9' * (5 << 20)}\n{good}")
        elif what == "what was prepared before":
            (uri,) = EkycPrepareNumbersOperator(
                task_id="another", numbers=str(path), destination_uri=str(self._ready)
            ).execute(context_of(TaskInstance(run_id="another_run")))
            self._arguments["numbers"] = [str(path), uri]
            self.stage.repairs.append(lambda: self._arguments.update(numbers=str(path)))
        elif what == "missing":
            path.unlink()
        else:
            changed = {
                "empty": "",
                "blank": "\n \n" * 50,
                "too few": good[:140],
                "a row without a number": f"{good}garbage\n",
                "no row with a number": "garbage\n",
                "a PDF": "%PDF-1.7\n",
                "a table of two columns": "".join(f"name;{line}\n" for line in good.split()),
            }
            path.write_text(changed[what])

    def _read_by_query(self, what: str) -> None:
        """Read the same numbers from a PostgreSQL server, at first by a wrong statement or port."""
        server = self.stage.servers.enter_context(PostgresServer())
        good = "SELECT '+999' || lpad(n::text, 10, '0') FROM generate_series(0, 199) AS n"
        self._arguments |= {"numbers": None, "conn_id": "customers", "sql": good}
        connection = server.connection()
        absent = {**connection, "port": free_ports(1)[0]}
        shown = json.dumps(absent if what == "without a server" else connection)
        self.stage.servers.enter_context(patch.dict(os.environ, AIRFLOW_CONN_CUSTOMERS=shown))
        self.stage.repairs.append(lambda: os.environ.update(AIRFLOW_CONN_CUSTOMERS=json.dumps(connection)))
        if what == "refused":
            self._arguments["sql"] = "SELECT phone FROM missing"
            self.stage.repairs.append(lambda: self._arguments.update(sql=good))

    def _change_destination(self, what: str) -> None:
        if what == "a file":
            self._ready.write_text("")
            self.stage.repairs.append(self._ready.unlink)
            return
        if what == "full":
            self._allow_no_file_beyond(1000)
            return
        if what == "in an S3 that is gone":
            url = f"http://127.0.0.1:{free_ports(1)[0]}"
        else:
            code = what.removeprefix("in an S3 that answers ")
            url = self._s3_that_answers("403 Forbidden", code)
        self._connect_to_s3(url)
        self._arguments["destination_uri"] = "s3://lists/ready"
        self.stage.repairs.append(lambda: self._arguments.update(destination_uri=str(self._ready)))

    def _s3_that_answers(self, status: str, code: str) -> str:
        body = f"<Error><Code>{code}</Code><Message>made up</Message></Error>".encode()
        return self.stage.servers.enter_context(ScriptedServer(*[answer(status, body)] * 5)).url

    def _connect_to_s3(self, url: str) -> None:
        extra = {"endpoint_url": url, "region_name": "us-east-1", "config_kwargs": {"retries": {"max_attempts": 1}}}
        aws = {"conn_type": "aws", "login": "made-up", "password": "made-up", "extra": extra}
        self.stage.servers.enter_context(patch.dict(os.environ, AIRFLOW_CONN_AWS_DEFAULT=json.dumps(aws)))

    def _allow_no_file_beyond(self, size: int) -> None:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        def restore() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, handler)

        # The temporary files are written; what is to stay is not.
        write = os.fsync

        def fail(descriptor: int) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
            try:
                os.pwrite(descriptor, b"+", size)
            finally:
                restore()
            write(descriptor)

        limited = self.stage.servers.enter_context(pytest.MonkeyPatch.context())
        limited.setattr(os, "fsync", fail)
        self.stage.repairs += [limited.undo, restore]

    def _make_history(self, what: str) -> None:
        self._history.mkdir()
        fresh = {"all are fresh": 200, "most are fresh": 150}.get(what, 50)
        rows = [(int(line), YES) for line in self.stage.numbers.read_text().split()[:fresh]]
        file = self._history / "landed.parquet"
        good = landed(rows, datetime.now(UTC))
        file.write_bytes(good)
        self._arguments |= {"skip_verified_within": 86_400, "history_uri": str(self._history)}
        # Without the file nothing counts as verified.
        self.stage.repairs.append(lambda: file.unlink(missing_ok=True))
        if what == "damaged":
            file.write_bytes(good[:-30])
        elif what == "of another schema":
            parquet.write_table(parquet.read_table(file).drop_columns(["verified_at"]), file)
        elif what == "without Parquet":
            file.rename(self._history / "landed.zip")
            self.stage.repairs.append((self._history / "landed.zip").unlink)
        elif what == "missing":
            file.unlink()
            self._history.rmdir()
            self.stage.repairs.append(self._history.mkdir)
        elif what == "replaced while it is read":
            self._when_a_history_is_listed(lambda: file.write_bytes(good))
        elif what.startswith("in an S3 that answers "):
            status, code = what.removeprefix("in an S3 that answers ").split()
            self._connect_to_s3(self._s3_that_answers(f"{status} Made Up", code))
            self._arguments["history_uri"] = "s3://results/landed/"
            self.stage.repairs.append(lambda: self._arguments.update(history_uri=str(self._history)))

    def _when_a_history_is_listed(self, act: Callable[[], object]) -> None:
        read = LocalFolder.files

        def files(folder: LocalFolder) -> Iterator[tuple[str, HistoryFile]]:
            for found in read(folder):
                act()
                yield found

        patched = self.stage.servers.enter_context(pytest.MonkeyPatch.context())
        patched.setattr(LocalFolder, "files", files)
        self.stage.repairs.append(patched.undo)

    def _make_manifest(self, what: str) -> None:
        """Let an earlier try prepare the list, then change what it has left."""
        self._prepare()
        (path,) = self._ready.glob("manifest-*")
        whole = path.read_bytes()
        if what == "of other arguments":
            self._arguments["max_rows"] = 200
            self.stage.repairs.append(lambda: self._arguments.update(max_rows=199))
            return
        if what == "of more rows than max_total_rows":
            self._arguments["max_total_rows"] = 199
            self.stage.repairs.append(lambda: self._arguments.update(max_total_rows=200))
            return
        if what == "whole":
            self.stage.numbers.unlink()
            return
        if what.startswith(("without", "of a file")):
            file = min(self._ready.glob("*.txt"))
            content = file.read_bytes()
            self.stage.repairs.append(lambda: _write(file, content.decode()))
            if what == "without a file":
                file.unlink()
            else:
                file.write_bytes(content[1:])
            return
        path.write_bytes(
            {"cut": whole[:-100], "of another release": whole.replace(b'"version": 1', b'"version": 9')}[what]
        )
        self.stage.repairs.append(lambda: _write(path, whole.decode()))

    def _use_memory_up(self, what: str) -> None:
        self._put_a_row_that_is_no_number_first()
        self._when_a_row_is_read(lambda: bytearray(1 << 60))

    def _kill(self, what: str) -> None:
        self._put_a_row_that_is_no_number_first()
        self._when_a_row_is_read(lambda: signal.raise_signal(signal.SIGALRM))

    def _put_a_row_that_is_no_number_first(self) -> None:
        good = self.stage.numbers.read_text()
        self.stage.numbers.write_text(f"garbage\n{good}")
        self.stage.repairs.append(lambda: _write(self.stage.numbers, good))

    def _when_a_row_is_read(self, act: Callable[[], object]) -> None:
        """Do something when the first row is read that is no number as it stands."""
        read, turns = Tidier.read, iter([act])

        def acting(tidier: Tidier, line: bytes) -> Any:
            for turn in turns:
                turn()
            return read(tidier, line)

        changed = self.stage.servers.enter_context(pytest.MonkeyPatch.context())
        changed.setattr(Tidier, "read", acting)
        self.stage.repairs.append(changed.undo)


def _write(path: Path, text: str) -> None:
    path.write_text(text)
