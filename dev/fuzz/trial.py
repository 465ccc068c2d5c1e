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
from dev.fuzz.expected import plan_of
from dev.fuzz.findings import Findings
from dev.fuzz.landing import Refused, landing_reading
from dev.fuzz.log_capture import LogCapture
from dev.fuzz.model import (
    ALONE,
    COMPARED,
    LANDING,
    OVER_SOCKETS,
    OVER_TLS,
    AnswerInput,
    ArchiveInput,
    Failure,
    Figure,
    Input,
    NumbersInput,
    Verdict,
    kind_of,
    ordinal_of,
)
from dev.fuzz.named_columns import COLUMNS
from dev.fuzz.other_tables import OTHER_TABLES
from dev.fuzz.reading import LARGE, MADE, Reading, archive_reading, numbers_reading
from dev.fuzz.reading_answers import answer_reading
from dev.fuzz.values import secrets_in
from dev.testing.sockets import SocketServer


@dataclass(frozen=True, slots=True)
class Bench:
    """
    What the inputs of one process are read with.

    :param tls_server: the same as ``server``, over TLS
    :param sabotage: the wrong function in place of the package's own, "" if there is none
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
        verdict, shown = _try(given, bench=bench, way=way)
        if verdict.failures:
            bench.findings.keep(given, verdict, shown, functools.partial(_try, bench=bench, way=way))
        yield verdict


def _ways(given: Input) -> Iterator[str]:
    yield ""
    if not isinstance(given, ArchiveInput):
        return
    if len(given.data) <= LARGE:
        yield ALONE
        # What is whole must be whole in each format; of what is not, one format is tried.
        yield from MADE if given.rows is not None and not given.sent else MADE[given.index % len(MADE) :][:1]
    if given.through:
        yield LANDING


def _try(given: Input, again: int = 0, *, bench: Bench, way: str) -> tuple[Verdict, str]:
    """Read an input in one way; return the verdict, and all that was shown."""
    verdict = Verdict(given.index, way or kind_of(given.index), given.name, sabotage=bench.sabotage)
    if is_tls := _is_tls(given, way, bench.seed):
        verdict.traits.append("tls")
    if isinstance(given, ArchiveInput):
        verdict.traits += ["columns"] if given.name in COLUMNS else []
        verdict.traits += ["forms"] if given.name in OTHER_TABLES else []
        if way == LANDING and given.sent is not None:
            verdict.traits.append("inputs")
            verdict.kind, verdict.name = COMPARED, given.sent.name
    bench.log_capture.clear()
    with _reading(given, bench, way, bench.tls_server if is_tls else bench.server, again) as reading:
        limit = reading.disk + DISK_SLACK
        value: Any = None
        error: BaseException | None = None
        with bench.meter.measure(limit, reading.patience * bench.patience) as use:
            try:
                value = reading.read()
                shown = repr(value[0] if isinstance(value, tuple) else value)
            except (Exception, TookTooLong) as raised:  # noqa: BLE001 - what escapes is what is looked for
                error, place = raised, _place(raised)
                lines = [str(error), repr(error), repr(error.args), *traceback.format_exception(error)]
                shown = "\n".join(lines)
                # Its frames would hold open what ends with them.
                error.__traceback__ = error.__cause__ = error.__context__ = None
        if error is None:
            verdict.end = "read"
            verdict.landed = way == LANDING
            verdict.listed = verdict.landed and value["unmatched_uri"] is not None
            _add(verdict, "wrong", reading.check_value(value))
        elif isinstance(error, EkycError):
            verdict.end = "refused"
            _add(verdict, "wrong", "" if _is_full(error) else reading.check_error(error))
        elif isinstance(error, TookTooLong):
            _add(verdict, "over_time", "took too long")
        else:
            _add(verdict, "escaped", f"{type(error).__name__} at {place}")
        _weigh(verdict, use, limit, error)
        shown = f"{bench.log_capture.clear()}\n{shown}"
        for kind in secrets_in(shown):
            _add(verdict, "leaked", f"{kind} is in a message, a repr or a log line")
    return verdict, shown


def _is_tls(given: Input, way: str, seed: int) -> bool:
    if isinstance(given, ArchiveInput):
        return way == LANDING and plan_of(seed, given).is_tls
    return isinstance(given, AnswerInput) and given.wire and ordinal_of(given.index) // OVER_SOCKETS % OVER_TLS == 0


def _reading(given: Input, bench: Bench, way: str, server: SocketServer, again: int) -> AbstractContextManager[Reading]:
    match given:
        case ArchiveInput() if way == LANDING:
            return landing_reading(bench.seed, given, server, bench.spool_dir, again)
        case ArchiveInput():
            return archive_reading(given, way, bench.spool_dir)
        case NumbersInput():
            return numbers_reading(given, bench.spool_dir)
        case AnswerInput():
            return answer_reading(given, server, bench.spool_dir)
    raise TypeError(f"no reader for {type(given).__name__}")


def _add(verdict: Verdict, figure: Figure, words: str) -> None:
    if words:
        verdict.failures.append(Failure(figure, words))


def _weigh(verdict: Verdict, use: Use, limit: int, error: BaseException | None) -> None:
    verdict.memory, verdict.written, verdict.seconds = use.memory, use.written, use.seconds
    if use.memory > MEMORY_BOUND:
        _add(verdict, "over_memory", f"{use.memory >> 20} MiB above what the process had")
    if use.written >= limit or _is_full(error):
        _add(verdict, "over_disk", f"wrote {use.written:,} bytes; {limit:,} are the bound")
    for where in use.left_open:
        _add(verdict, "over_disk", f"left open: {where.partition(':')[0].partition('#')[0]}")
    if use.left_files:
        _add(verdict, "over_disk", f"{len(use.left_files)} files left in the spool directory")


def _is_full(error: BaseException | None) -> bool:
    """Tell whether a file grew above its limit, which the package reports as a full disk."""
    return isinstance(error, EkycSpoolError | Refused) and "can't be written" in str(error)


def _place(error: BaseException) -> str:
    """Name the line in the package where an error was raised, or the last one of all."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "airflow_provider_ekyc" in frame.filename] or frames
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "nowhere"
