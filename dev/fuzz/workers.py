"""The processes in which inputs are read: started, listened to, and replaced when an input has killed or hung one."""

from __future__ import annotations

import dataclasses
import faulthandler
import gc
import importlib
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Literal

from dev.fuzz.bounds import TIME_BOUND
from dev.fuzz.model import Failure, Verdict, kind_of

#: Where failing inputs are written.
FINDINGS = Path("build/fuzz")

#: Seconds without a verdict after which a worker counts as hung: the alarm within it had its chance.
_HUNG = 4 * TIME_BOUND + 20

_START = 120.0  # seconds to import everything

#: What is imported when the process counts as idle: else it would be counted with the first input.
_IMPORTED = (
    *("aiohttp", "boto3", "isal.isal_zlib", "numpy", "pyarrow.parquet", "airflow.providers.amazon.aws.hooks.s3"),
    *("airflow_provider_ekyc.api.aio", "airflow_provider_ekyc.numbers.prepare"),
    *("airflow_provider_ekyc.transfers.ekyc_to_s3", "dev.fuzz.negative_control", "dev.fuzz.trial"),
)


@dataclass(frozen=True, slots=True)
class Order:
    """
    What a worker is to do.

    :param start: first index
    :param stop: end of the indices
    :param step: from one index to the next
    :param control: whether to replace functions of the package by wrong ones, input by input
    :param searches: how often a smaller input is looked for, at the most
    """

    seed: int
    start: int
    stop: int
    step: int = 1
    control: bool = False
    searches: int = 5


def run_workers(order: Order, processes: int) -> Iterator[Verdict]:
    """Read all inputs of an order, in so many processes."""
    step = order.step * processes
    starts = range(order.start, min(order.stop, order.start + step), order.step)
    workers = [_Worker(dataclasses.replace(order, start=start, step=step)) for start in starts]
    try:
        while working := [worker for worker in workers if worker.left.start < order.stop]:
            ready = wait([worker.receiver for worker in working], timeout=1.0)
            for worker in working:
                yield from worker.receive() if worker.receiver in ready else worker.check_time()
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process, and its successors; ``left`` is what is left of its order."""

    def __init__(self, order: Order) -> None:
        self.left = order
        self._start()

    def _start(self) -> None:
        # All are forked from one process that has imported everything.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(list(_IMPORTED))
        self.receiver, sender = context.Pipe(duplex=False)
        self.process = context.Process(target=read_all, args=(self.left, sender), daemon=True)
        self.process.start()
        sender.close()
        self._has_sent, self._until = False, time.monotonic() + _START

    def receive(self) -> list[Verdict]:
        """Return the verdicts of the next input; also if the process has died of it."""
        try:
            verdicts: list[Verdict] = self.receiver.recv()
        except EOFError:
            self.process.join(5)
            self.end()
            code = self.process.exitcode or 0
            if code == 1 and not self._has_sent:
                raise RuntimeError("A worker did not start; its error is above.") from None
            return self._failed(
                "escaped", f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
            )
        self._has_sent, self._until = True, time.monotonic() + _HUNG
        self.left = dataclasses.replace(self.left, start=self.left.start + self.left.step)
        return verdicts

    def check_time(self) -> list[Verdict]:
        """Replace the process if it has hung."""
        if time.monotonic() < self._until:
            return []
        self.end()
        return self._failed("over_time", "hung")

    def end(self) -> None:
        """Kill the process, if it still runs."""
        self.process.kill()
        self.process.join()

    def _failed(self, figure: Literal["escaped", "over_time"], words: str) -> list[Verdict]:
        # The process had begun no other input than the next one.
        index = self.left.start
        self.left = dataclasses.replace(self.left, start=index + self.left.step)
        if self.left.start < self.left.stop:
            self._start()
        return [Verdict(index, kind_of(index), "?", failures=[Failure(figure, f"the process {words}")])]


def read_all(order: Order, sender: Connection) -> None:
    """Read the inputs of an order, one after the other, and send the verdicts of each; the process's main function."""
    from airflow_provider_ekyc.api import retries
    from airflow_provider_ekyc.sandbox.tls import make_certificate
    from dev.fuzz.bounds import Meter
    from dev.fuzz.findings import Findings
    from dev.fuzz.inputs import make_input
    from dev.fuzz.log_capture import LogCapture
    from dev.fuzz.negative_control import sabotage_of
    from dev.fuzz.trial import Bench, try_input
    from dev.testing.sockets import SocketServer, answering

    faulthandler.enable(os.fdopen(os.dup(2), "w"))  # beside what the inputs print
    for name in _IMPORTED:
        importlib.import_module(name)
    # In the main thread, where the transfer does not parse, pyarrow opens a pipe for signals and keeps it.
    importlib.import_module("pyarrow").enable_signal_handlers(False)
    retries.wait_seconds = lambda *how: 0.0  # the waits between two tries are left out
    gc.freeze()  # what is imported stays: a collection behind each transfer need not look at it again
    nothing = answering(b"")
    with (
        tempfile.TemporaryDirectory(prefix="ekyc-fuzz-tls-") as keys,
        tempfile.TemporaryDirectory(prefix="ekyc-fuzz-") as spool_dir,
        SocketServer(nothing) as server,
        SocketServer(nothing, certificate=make_certificate(Path(keys))) as tls_server,
    ):
        meter, findings = Meter(Path(spool_dir)), Findings(FINDINGS, order.seed, order.searches)
        bench = Bench(order.seed, meter, LogCapture(), server, tls_server, Path(spool_dir), findings)
        for index in range(order.start, order.stop, order.step):
            given = make_input(order.seed, index)
            sabotage = sabotage_of(given) if order.control else None
            with sabotage.at_work(index) if sabotage else nullcontext():
                here = bench
                if sabotage:
                    here = dataclasses.replace(bench, sabotage=sabotage.name, patience=sabotage.patience)
                sender.send(list(try_input(given, here)))
