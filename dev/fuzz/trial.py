"""One input, read in one way, measured and checked."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.exceptions import EkycError, EkycSpoolError
from dev.fuzz.bounds import DISK_SLACK, MEMORY_BOUND, Meter, TookTooLong, Use
from dev.fuzz.landing import Refused, landing_reading
from dev.fuzz.log_capture import LogCapture
from dev.fuzz.marks import secrets_in
from dev.fuzz.model import (
    ALONE,
    COMPARED,
    LANDING,
    OVER_SOCKETS,
    OVER_TLS,
    AnswerInput,
    ArchiveInput,
    Failure,
    Input,
    NumbersInput,
    Verdict,
    kind_of,
    ordinal_of,
)
from dev.fuzz.named_columns import COLUMNS
from dev.fuzz.other_tables import OTHER_TABLES
from dev.fuzz.plans import plan_of
from dev.fuzz.reading import LARGE, MADE, Reading, archive_reading, numbers_reading
from dev.fuzz.reading_answers import answer_reading
from dev.fuzz.smaller import Findings
from dev.testing.sockets import SocketServer


@dataclass(frozen=True, slots=True)
class Bench:
    """
    What the inputs of one process are read with.

    :param tls_server: the same as ``server``, over TLS
    :param sabotage: what is wrong with the package's code on purpose, "" if nothing is
    :param patience: how many times as long as others an input may take then
    """

    seed: int
    meter: Meter
    log_capture: LogCapture
    server: SocketServer
    tls_server: SocketServer
    spool_dir: Path
    findings: Findings
    sabotage: str = ""
    patience: float = 1.0


def try_input(given: Input, bench: Bench) -> Iterator[Verdict]:
    """Read an input in every way that its kind has, one verdict each; what fails is kept."""
    for way in _ways(given):
        verdict, shown = _tried(given, bench=bench, way=way)
        if verdict.failures:
            bench.findings.keep(given, verdict, shown, functools.partial(_tried, bench=bench, way=way))
        yield verdict


def _ways(given: Input) -> Iterator[str]:
    yield ""
    if not isinstance(given, ArchiveInput):
        return
    if len(given.data) <= LARGE:
        yield ALONE
        # What is whole must come out whole in each format; of what is not, one format is tried.
        yield from MADE if given.rows is not None and not given.sent else MADE[given.index % len(MADE) :][:1]
    if given.through:
        yield LANDING


@dataclass(slots=True)
class _Outcome:
    """The outcome of reading: a value, or an error and its place."""

    value: Any = None
    error: BaseException | None = None
    place: str = ""
    shown: str = ""


def _tried(given: Input, attempt: int = 0, *, bench: Bench, way: str) -> tuple[Verdict, str]:
    """
    Read an input in one way.

    :param attempt: other than 0 while a smaller input is looked for
    :return: what became of it, and all that was shown
    """
    verdict = Verdict(given.index, way or kind_of(given.index), given.name, sabotage=bench.sabotage)
    server = bench.tls_server if _is_tls(given, way, bench.seed) else bench.server
    if server is bench.tls_server:
        verdict.traits.append("tls")
    if isinstance(given, ArchiveInput):
        verdict.traits += ["columns"] if given.name in COLUMNS else []
        verdict.traits += ["forms"] if given.name in OTHER_TABLES else []
        if way == LANDING and given.sent is not None:
            verdict.traits.append("inputs")
            verdict.kind, verdict.name = COMPARED, given.sent.name
    bench.log_capture.take()
    with _reading(given, bench, way, server, attempt) as reading:
        limit = reading.disk + DISK_SLACK
        with bench.meter.measure(limit, reading.patience * bench.patience) as use:
            outcome = _outcome(reading)
        if isinstance(outcome.error, EkycError):
            verdict.end = "refused"
        elif isinstance(outcome.error, TookTooLong):
            verdict.failures.append(Failure("over_time", "took too long"))
        elif outcome.error is not None:
            verdict.failures.append(Failure("escaped", f"{type(outcome.error).__name__} at {outcome.place}"))
        else:
            verdict.end = "read"
            verdict.landed = way == LANDING
            verdict.listed = verdict.landed and outcome.value["unmatched_uri"] is not None
        _check(verdict, reading, outcome)
        _weigh(verdict, use, limit, outcome.error)
        shown = f"{bench.log_capture.take()}\n{outcome.shown}"
        for kind in secrets_in(shown):
            verdict.failures.append(Failure("leaked", f"{kind} is in a message, a repr or a log line"))
    return verdict, shown


def _is_tls(given: Input, way: str, seed: int) -> bool:
    if isinstance(given, ArchiveInput):
        return way == LANDING and plan_of(seed, given).is_tls
    return isinstance(given, AnswerInput) and given.wire and ordinal_of(given.index) // OVER_SOCKETS % OVER_TLS == 0


def _outcome(reading: Reading) -> _Outcome:
    """Read, and keep of an error all but its frames, which would hold open what ends with them."""
    try:
        value = reading.read()
    except (Exception, TookTooLong) as error:  # noqa: BLE001 - what escapes is what is looked for
        lines = [str(error), repr(error), repr(error.args), *traceback.format_exception(error)]
        outcome = _Outcome(error=error, place=_place(error), shown="\n".join(lines))
        error.__traceback__ = error.__cause__ = error.__context__ = None
        return outcome
    return _Outcome(value, shown=repr(value[0] if isinstance(value, tuple) else value))


def _reading(
    given: Input, bench: Bench, way: str, server: SocketServer, attempt: int
) -> AbstractContextManager[Reading]:
    match given:
        case ArchiveInput() if way == LANDING:
            return landing_reading(bench.seed, given, server, bench.spool_dir, attempt)
        case ArchiveInput():
            return archive_reading(given, way, bench.spool_dir)
        case NumbersInput():
            return numbers_reading(given, bench.spool_dir)
        case AnswerInput():
            return answer_reading(given, server, bench.spool_dir)
    raise TypeError(f"no reader for {type(given).__name__}")


def _check(verdict: Verdict, reading: Reading, outcome: _Outcome) -> None:
    words = ""
    if verdict.end == "read":
        words = reading.check_value(outcome.value)
    elif isinstance(outcome.error, EkycError) and not _is_full(outcome.error):
        words = reading.check_error(outcome.error)
    if words:
        verdict.failures.append(Failure("wrong", words))


def _weigh(verdict: Verdict, use: Use, limit: int, error: BaseException | None) -> None:
    verdict.memory, verdict.written, verdict.seconds = use.memory, use.written, use.seconds
    if use.memory > MEMORY_BOUND:
        verdict.failures.append(Failure("over_memory", f"{use.memory >> 20} MiB above what the process had"))
    if use.written >= limit or _is_full(error):
        verdict.failures.append(Failure("over_disk", f"wrote {use.written:,} bytes; {limit:,} are the bound"))
    for where in use.left_open:
        verdict.failures.append(Failure("over_disk", f"left open: {where.partition(':')[0].partition('#')[0]}"))
    if use.left_files:
        verdict.failures.append(Failure("over_disk", f"{len(use.left_files)} files left in the spool directory"))


def _is_full(error: BaseException | None) -> bool:
    """Tell whether a file grew above its limit, which the package reports as a full disk."""
    return isinstance(error, EkycSpoolError | Refused) and "can't be written" in str(error)


def _place(error: BaseException) -> str:
    """Name the line in the package where an error was raised, or the last one of all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "airflow_provider_ekyc" in frame.filename] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "nowhere"
