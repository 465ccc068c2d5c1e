"""An archive through the whole transfer: the operator as it is, a store over a socket, a real S3 server."""

from __future__ import annotations

import functools
import gc
import json
import logging
import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import botocore.session

from airflow_provider_ekyc.exceptions import EkycError
from dev.fuzz.comparison import came_of, contradictions_of, flaw_of_comparison
from dev.fuzz.inputs import ArchiveInput, Sent
from dev.fuzz.marks import API_KEY, QUERY
from dev.fuzz.oddities import TASK_ID
from dev.fuzz.outputs import disk_bound
from dev.fuzz.plans import must_be_refused, plan_of
from dev.fuzz.reading import Reading, judge_counts
from dev.fuzz.source_server import SourceServer
from dev.fuzz.store import Store
from dev.fuzz.stored import BUCKET, SENT_BUCKET, content_of, put, put_from_elsewhere
from dev.testing.task_context import TaskInstance, context_of

log = logging.getLogger(__name__)

#: What somebody else puts at a key.
ANOTHERS = b"another's"

#: Ranges of an archive at the most, and bytes of one at the least.
_RANGES, _LEAST_RANGE = 6, 200

# Read once: each new client reads megabytes of JSON, a third of a second.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)


class Refused(EkycError):
    """The task has failed as Airflow understands it, with a message of the package's own errors."""


def key_of(index: int, attempt: int = 0) -> str:
    """
    Return the object's key.

    :param attempt: other than 0 while a smaller input is looked for
    """
    return f"smaller/{attempt}/results/{index}" if attempt else f"results/{index}"


def list_key_of(index: int, attempt: int = 0) -> str:
    """Return the key of the list of unmatched numbers."""
    return key_of(index, attempt).replace("results/", "unmatched/")


@contextmanager
def landing_reading(
    seed: int, given: ArchiveInput, server: SourceServer, spool_dir: Path, attempt: int
) -> Iterator[Reading]:
    """
    Run the operator on an archive.

    :param attempt: as in :func:`key_of`
    """
    plan, sent = plan_of(seed, given), given.sent
    key, list_key = key_of(given.index, attempt), list_key_of(given.index, attempt)
    rng = random.Random(f"{seed}/{given.index}/store")
    meanwhile = functools.partial(put_from_elsewhere, BUCKET, key, ANOTHERS) if plan.is_taken else bool
    server.answer_by(Store(rng, given.data, server.origin, plan.total, meanwhile))
    extra = {"result_hosts": server.origin, **({"ca_file": server.ca_file} if server.ca_file else {})}
    connection = {"conn_type": "ekyc", "host": server.origin, "password": API_KEY, "extra": extra}
    os.environ["AIRFLOW_CONN_EKYC_DEFAULT"] = json.dumps(connection)
    arguments = {
        "s3_key": key,
        "output_format": plan.output_format,
        "number_column": given.names[0],
        "result_column": given.names[1],
        "on_mismatch": "warn" if plan.warns else "fail",
    }

    def judge_value(result: dict[str, Any]) -> str:
        figures = (result[name] for name in ("rows", "yes", "no", "unknown"))
        if words := must_be_refused(plan, given) or judge_counts(given, *figures) or _flaw_of_repetition(given, result):
            return words
        uri = f"s3://{BUCKET}/{list_key}" if sent and sent.unmatched != "nowhere" else ""
        return flaw_of_comparison(given, result, uri, content_of(list_key) if sent else None)

    def judge_error(_: EkycError) -> str:
        is_odd = sent is not None and sent.fate in ("refused", "any")
        is_right = given.may_refuse or is_odd or must_be_refused(plan, given)
        return "" if is_right else "a whole archive was not landed"

    with _input_lying(sent, given.index) as numbers, _small_ranges(given.data) if plan.has_ranges else nullcontext():
        arguments |= _arguments_of(sent, numbers, list_key, key)
        # The archive, again if its download began anew, and what is made of it, perhaps again too; numbers of both
        # sides, and the list of those that are alone.
        disk = 3 * len(given.data) + (0 if plan.output_format == "zip" and sent is None else 2 * disk_bound(given))
        disk += 4 * len(sent.data or b"") if sent else 0
        try:
            yield Reading(lambda: _execute(arguments, spool_dir), judge_value, judge_error, disk=disk)
        finally:
            server.answer_all(b"")


def _flaw_of_repetition(given: ArchiveInput, result: dict[str, Any]) -> str:
    """Say what is wrong with the counts of different numbers and of contradictions, "" if nothing is."""
    came = came_of(given)
    if came is None or given.unreadable:
        return ""
    expected = len(came), contradictions_of(given)
    said = result["distinct"], result["contradictions"]
    return "" if said == expected else f"{said} different numbers and contradictions, not {expected}"


def _execute(arguments: dict[str, Any], spool_dir: Path) -> dict[str, Any]:
    from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
    from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator

    ti = TaskInstance()
    refusal = None
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


def _arguments_of(sent: Sent | None, numbers: str | None, list_key: str, key: str) -> dict[str, Any]:
    if sent is None:
        return {}
    places = {"key": list_key, "address": f"s3://{BUCKET}/{list_key}", "s3_key": key, "nowhere": None}
    return {"numbers": numbers, "submission": sent.submission, "unmatched_key": places[sent.unmatched]}


@contextmanager
def _input_lying(sent: Sent | None, index: int) -> Iterator[str | None]:
    """Put the input where it is to lie, and return its name."""
    if sent is None or sent.lies == "nowhere":
        yield None
        return
    key = f"numbers/{index}.txt"
    with tempfile.TemporaryDirectory(prefix="ekyc-fuzz-sent-") as folder:
        # A query, as a presigned URL has it that somebody took for a path: it must not be shown.
        path = Path(folder, "numbers.txt" if sent.data is not None else f"gone?{QUERY}")
        if sent.data is not None and sent.lies == "s3":
            put(SENT_BUCKET, key, sent.data)
        elif sent.data is not None:
            path.write_bytes(sent.data)
        s3_name = f"s3://{SENT_BUCKET}/{key if sent.data is not None else 'gone'}"
        yield {"path": str(path), "file": f"file://{path}", "s3": s3_name}[sent.lies]


@contextmanager
def _small_ranges(data: bytes) -> Iterator[None]:
    from airflow_provider_ekyc.results import download

    with mock.patch.object(download, "RANGE_SIZE", max(_LEAST_RANGE, len(data) // _RANGES)):
        yield
