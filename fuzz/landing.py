"""An archive through the whole transfer: the operator as it is, a store over a socket, a real S3 server."""

from __future__ import annotations

import functools
import gc
import json
import logging
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import botocore.session

from airflow_provider_ekyc.exceptions import EkycError
from fuzz.inputs import ArchiveInput
from fuzz.marks import API_KEY, QUERY
from fuzz.oddities import TASK_ID
from fuzz.outputs import FORMATS, disk_bound
from fuzz.reading import Reading, judge_counts
from fuzz.source_server import SourceServer

log = logging.getLogger(__name__)

BUCKET = "ekyc-fuzz"

_TAIL = 200  # bytes

# Read once: each new client reads megabytes of JSON, a third of a second.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)


class TaskInstance:
    """As much of a running task instance as the transfer uses."""

    def __init__(self) -> None:
        self.xcoms: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep an XCom; what can't be JSON can't be one."""
        self.xcoms[key] = json.loads(json.dumps(value))


class Refused(EkycError):
    """The task has failed as Airflow understands it, with a message of the package's own errors."""


def plan_of(seed: int, given: ArchiveInput) -> random.Random:
    """Return the dice for everything around the archive: how it comes down the line, what is asked for."""
    return random.Random(f"{seed}/{given.index}/landing")


def format_of(seed: int, given: ArchiveInput) -> str:
    """Return the output format that is asked for."""
    return plan_of(seed, given).choice(FORMATS)


def key_of(index: int) -> str:
    """Return the object's key."""
    return f"results/{index}"


@contextmanager
def landing_reading(seed: int, given: ArchiveInput, server: SourceServer, spool_dir: Path) -> Iterator[Reading]:
    """Run the operator on an archive."""
    rng = plan_of(seed, given)
    output_format = rng.choice(FORMATS)
    rows = len(given.rows) if given.rows is not None else 0
    # 0 is how the API says that it does not know; a promise of other rows must be noticed.
    broken_promise = given.rows is not None and rng.random() < 0.15
    total = rows + 5 if broken_promise else rng.choice((0, rows))
    server.answer_by(_Source(rng, given.data, server.origin, total))
    connection = {"conn_type": "ekyc", "host": server.origin, "password": API_KEY}
    os.environ["AIRFLOW_CONN_EKYC_DEFAULT"] = json.dumps({**connection, "extra": {"result_hosts": server.origin}})

    def judge_value(result: dict[str, Any]) -> str:
        if broken_promise:
            return "a result with missing rows was landed"
        return judge_counts(given, *(result[name] for name in ("rows", "yes", "no", "unknown")))

    try:
        yield Reading(
            read=lambda: _execute(given.index, output_format, spool_dir, reads_tail=rng.random() < 0.6),
            judge_value=judge_value,
            judge_error=lambda _: "" if given.may_refuse or broken_promise else "a whole archive was not landed",
            # The archive, again if its download began anew, and what is made of it, perhaps again too.
            disk=3 * len(given.data) + (0 if output_format == "zip" else 2 * disk_bound(given)),
        )
    finally:
        server.answer_all(b"")


def _execute(index: int, output_format: str, spool_dir: Path, *, reads_tail: bool) -> dict[str, Any]:
    from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
    from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

    ti = TaskInstance()
    context: Any = {"ti": ti, "outlet_events": {}}
    refusal = None
    operator = EkycResultsToS3Operator(
        task_id="land",
        ekyc_task_id=TASK_ID,
        s3_bucket=BUCKET,
        s3_key=key_of(index),
        output_format=output_format,
        spool_dir=str(spool_dir),
    )
    try:
        with _small_tails() if reads_tail else nullcontext():
            operator.execute(context)
    except (EkycFailException, EkycRetryException) as error:
        log.error("refused", exc_info=error)  # all that Airflow would show
        refusal = str(error)
    # Clients that a task leaves to its process close their connections when they are collected, and an error in
    # flight keeps them.
    gc.collect()
    if refusal is not None:
        raise Refused(refusal)
    result: dict[str, Any] = ti.xcoms["result"]
    return result


@contextmanager
def _small_tails() -> Iterator[None]:
    """Have the end of small archives fetched first, as otherwise only that of large ones is."""
    from airflow_provider_ekyc.results import download

    with mock.patch.object(download, "TAIL", _TAIL), mock.patch.object(download, "WORTH_A_TAIL", _TAIL + 1):
        yield


class _Source:
    """The API and its store, for one archive."""

    def __init__(self, rng: random.Random, data: bytes, origin: str, total: int) -> None:
        self._data = data
        status = {"task_id": TASK_ID, "status": "exported", "total": total, "success": total, "failure": 0}
        status["result_url"] = f"{origin}/externalcheck/t.zip?{QUERY}"
        self._status = json.dumps(status).encode()
        self._etag = rng.choice(('ETag: "made-up"', 'ETag: "made-up"', "X-No: etag"))
        self._knows_ranges = rng.random() < 0.7
        self._framing = rng.choice(("length", "length", "length", "close"))
        self._misfortunes = rng.choice(([], [], [], ["break"], ["break", "break"], ["503"], ["503", "break"]))
        self._rng = rng

    def __call__(self, head: str) -> bytes:
        if head.startswith("POST"):
            return _answer("200 OK", self._status, f"Content-Length: {len(self._status)}")
        misfortune = self._misfortunes.pop(0) if self._misfortunes else ""
        if misfortune == "503":
            return _answer("503 Slow Down", b"", "Content-Length: 0", "Retry-After: 1")
        lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        start = int(lines.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        size = len(self._data)
        if start and self._knows_ranges and lines.get("if-range") == '"made-up"':
            rest = self._data[start:]
            range_line = f"Content-Range: bytes {start}-{size - 1}/{size}"
            return _answer("206 Partial Content", rest, f"Content-Length: {len(rest)}", range_line, self._etag)
        whole = _answer("200 OK", self._data, f"Content-Length: {size}", self._etag)
        if misfortune and size:
            return whole[: -self._rng.randint(1, size)]
        return _answer("200 OK", self._data, self._etag) if self._framing == "close" else whole


def _answer(status: str, body: bytes, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Connection: close", "", ""]).encode() + body
