"""The whole transfer: the operator as it is, a store over a socket, a real S3 server."""

from __future__ import annotations

import functools
import gc
import json
import logging
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import botocore.session

from airflow_provider_ekyc.exceptions import EkycError
from airflow_provider_ekyc.results import download
from dev.fuzz.bucket import ANOTHERS, BUCKET, SENT_BUCKET, content_of, key_of, list_key_of, put
from dev.fuzz.expected import flaw_of_comparison, flaw_of_repetition, must_be_refused, plan_of
from dev.fuzz.model import ArchiveInput, Sent
from dev.fuzz.reading import Reading, disk_bound, flaw_of_counts
from dev.fuzz.values import API_KEY, QUERY, TASK_ID
from dev.testing.sockets import Request, SocketServer, answer, answering
from dev.testing.task_context import TaskInstance, context_of

log = logging.getLogger(__name__)

#: Ranges of an archive at the most, and bytes of one at the least.
_RANGES, _LEAST_RANGE = 6, 200

#: What a range may be answered with; a request for no range is answered as ever.
_OF_RANGES = ("", "", "break", "503", "whole", "another range", "another ETag", "another total", "too many")

# Read once: each new client reads megabytes of JSON, a third of a second.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)


class Refused(EkycError):
    """The task has failed as Airflow understands it, with a message of the package's own errors."""


class Store:
    """
    Answers as the API and its store do, for one archive: it breaks off, answers again, says 503, or ends too early.

    :param rng: dice for the faults
    :param url: of the server that this answers for
    :param total: numbers that the remote task announces
    :param meanwhile: is called when the archive is requested
    """

    def __init__(self, rng: random.Random, data: bytes, url: str, total: int, meanwhile: Callable[[], object]) -> None:
        self._data, self._meanwhile, self._rng = data, meanwhile, rng
        status = {"task_id": TASK_ID, "status": "exported", "total": total, "success": total, "failure": 0}
        self._status = json.dumps({**status, "result_url": f"{url}/externalcheck/t.zip?{QUERY}"}).encode()
        self._etag = rng.choice(('ETag: "made-up"', 'ETag: "made-up"', "X-No: etag"))
        self._knows_ranges = rng.random() < 0.7
        self._has_length = rng.choice((True, True, True, False))
        others: tuple[list[str], ...] = ([], [], ["break"], ["break", "break"], ["503"], ["503", "break"])
        self._faults = rng.choice((*others, *[rng.sample(_OF_RANGES, 3)] * 3))

    def __call__(self, request: Request) -> bytes:
        """Answer a request."""
        if request.method == "POST":
            return answer("200 OK", self._status)
        if request.is_hint:
            size, count = len(self._data), int(request.headers["range"].removeprefix("bytes=-"))
            return self._range(max(0, size - count), size, size, "") if self._knows_ranges else answer("416 X")
        self._meanwhile()
        fault = self._faults.pop(0) if self._faults else ""
        if fault == "503":
            return answer("503 Slow Down", b"", "Retry-After: 1")
        size, quoted = len(self._data), '"made-up"'
        first, _, last = request.headers.get("range", "").removeprefix("bytes=").partition("-")
        is_same = request.headers.get("if-range", quoted) == quoted
        if first and int(first) < size and self._knows_ranges and is_same and fault != "whole":
            return self._range(int(first), min(int(last or size), size - 1) + 1, size, fault)
        whole = answer("200 OK", self._data, self._etag)
        if fault == "break" and size:
            return whole[: -self._rng.randint(1, size)]
        return whole if self._has_length else answer("200 OK", self._data, self._etag, length=-1)

    def _range(self, start: int, end: int, size: int, fault: str) -> bytes:
        """Answer with a range, or with what is none."""
        if fault == "another range":
            start = self._rng.randrange(end)
        etag = 'ETag: "another"' if fault == "another ETag" else self._etag
        in_range = f"Content-Range: bytes {start}-{end - 1}/{size + 1 if fault == 'another total' else size}"
        part = answer("206 Partial Content", self._data[start:end] + b"more" * (fault == "too many"), in_range, etag)
        return part[: -self._rng.randint(1, end - start)] if fault == "break" else part


@contextmanager
def landing_reading(
    seed: int, given: ArchiveInput, server: SocketServer, spool_dir: Path, again: int
) -> Iterator[Reading]:
    """Run the operator on an archive; ``again`` as in :func:`dev.fuzz.inputs.make_input`."""
    plan, sent = plan_of(seed, given), given.sent
    key, list_key = key_of(given.index, again), list_key_of(given.index, again)
    rng = random.Random(f"{seed}/{given.index}/store")
    meanwhile = functools.partial(put, BUCKET, key, ANOTHERS) if plan.is_taken else bool
    server.talk = answering(Store(rng, given.data, server.url, plan.total, meanwhile))
    extra = {"result_hosts": server.url, **({"ca_file": server.ca_file} if server.ca_file else {})}
    connection = {"conn_type": "ekyc", "host": server.url, "password": API_KEY, "extra": extra}
    os.environ["AIRFLOW_CONN_EKYC_DEFAULT"] = json.dumps(connection)
    arguments: dict[str, Any] = {
        "s3_key": key,
        "output_format": plan.output_format,
        "number_column": given.names[0],
        "result_column": given.names[1],
        "on_mismatch": "warn" if plan.warns else "fail",
    }

    def check_value(result: dict[str, Any]) -> str:
        counts = (result[name] for name in ("rows", "yes", "no", "unknown"))
        words = must_be_refused(plan, given) or flaw_of_counts(given, *counts) or flaw_of_repetition(given, result)
        uri = f"s3://{BUCKET}/{list_key}" if sent and sent.unmatched != "nowhere" else ""
        return words or flaw_of_comparison(given, result, uri, content_of(list_key) if sent else None)

    def check_error(_: EkycError) -> str:
        may_be_refused = sent is not None and sent.fate in ("refused", "any")
        is_right = given.rows is None or may_be_refused or must_be_refused(plan, given)
        return "" if is_right else "a whole archive was not landed"

    # The archive, again if its download began anew, and what is made of it, perhaps again too; numbers of both sides,
    # and the list of those that are alone.
    disk = 3 * len(given.data) + (0 if plan.output_format == "zip" and sent is None else 2 * disk_bound(given))
    range_size = max(_LEAST_RANGE, len(given.data) // _RANGES) if plan.has_ranges else download.RANGE_SIZE
    with _placed_input(sent, given.index) as numbers, mock.patch.object(download, "RANGE_SIZE", range_size):
        if sent is not None:
            disk += 4 * len(sent.data or b"")
            places = {"key": list_key, "address": f"s3://{BUCKET}/{list_key}", "s3_key": key, "nowhere": None}
            arguments |= {"numbers": numbers, "submission": sent.submission, "unmatched_key": places[sent.unmatched]}
        yield Reading(lambda: _execute(arguments, spool_dir), check_value, check_error, disk)


def _execute(arguments: dict[str, Any], spool_dir: Path) -> dict[str, Any]:
    from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
    from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

    ti, refusal = TaskInstance(), None
    operator = EkycResultsToS3Operator(
        task_id="land", ekyc_task_id=TASK_ID, s3_bucket=BUCKET, spool_dir=str(spool_dir), **arguments
    )
    try:
        operator.execute(context_of(ti))
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
def _placed_input(sent: Sent | None, index: int) -> Iterator[str | None]:
    """Put the input where it must be, and return its name."""
    if sent is None or sent.place == "nowhere":
        yield None
        return
    key = f"numbers/{index}.txt"
    with tempfile.TemporaryDirectory(prefix="ekyc-fuzz-sent-") as folder:
        # A query, as in a presigned URL that somebody gave as a path: it must not be shown.
        path = Path(folder, "numbers.txt" if sent.data is not None else f"gone?{QUERY}")
        if sent.data is not None and sent.place == "s3":
            put(SENT_BUCKET, key, sent.data)
        elif sent.data is not None:
            path.write_bytes(sent.data)
        s3_name = f"s3://{SENT_BUCKET}/{key if sent.data is not None else 'gone'}"
        yield {"path": str(path), "file": f"file://{path}", "s3": s3_name}[sent.place]
