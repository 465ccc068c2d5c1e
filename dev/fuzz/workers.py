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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from dev.fuzz.bounds import TIME_BOUND
from dev.fuzz.model import Failure, Verdict, kind_of

#: Where failing inputs are written.
FINDINGS = Path("build/fuzz")

#: Seconds without a verdict after which a worker counts as hung: the alarm within it had its chance.
_HUNG = 4 * TIME_BOUND + 20

_START = 120.0  # seconds to import everything

#: What is imported when the process counts as idle: else the first input would pay for it.
_IMPORTED = (
    *("aiohttp", "boto3", "isal.isal_zlib", "numpy", "pyarrow.parquet", "airflow.providers.amazon.aws.hooks.s3"),
    *("airflow_provider_ekyc.api.aio", "airflow_provider_ekyc.numbers.prepare"),
    "airflow_provider_ekyc.transfers.ekyc_to_s3",
)


@dataclass(frozen=True, slots=True)
class Order:
    """
    What a worker is to do.

    :param start: first index
    :param stop: end of the indices
    :param step: from one index to the next
    :param control: whether to replace the package's own code by wrong one, input by input
    :param searches: how often a smaller input is looked for, at the most
    """

    seed: int
    start: int
    stop: int
    step: int = 1
    control: bool = False
    searches: int = 5


def run_workers(order: Order, processes: int, tell: Callable[[list[Verdict]], None]) -> None:
    """
    Read all inputs of an order, in so many processes.

    :param tell: is called with the verdicts of each input, from several threads
    """
    shards = [
        dataclasses.replace(order, start=order.start + shard * order.step, step=order.step * processes)
        for shard in range(processes)
    ]
    running: set[SpawnProcess] = set()
    over = False

    def run_shard(left: Order) -> None:
        while left.start < left.stop and not over:
            before = left.start
            left, died = _run_one(left, tell, running)
            if left.start >= left.stop or over:
                return
            if left.start == before and died == "ended with 1":
                raise RuntimeError("A worker did not start; its error is above.")
            # Nothing else was at work in it than the input that is next.
            verdict = Verdict(left.start, kind_of(left.start), "?")
            verdict.failures.append(Failure("over_time" if died == "hung" else "escaped", f"the process {died}"))
            tell([verdict])
            left = dataclasses.replace(left, start=left.start + left.step)

    with ThreadPoolExecutor(processes) as pool:
        try:
            list(pool.map(run_shard, shards))
        finally:
            # Interrupted, or one worker did not start: the others end too, and none is started in their place.
            over = True
            for process in list(running):
                process.kill()


def _run_one(order: Order, tell: Callable[[list[Verdict]], None], running: set[SpawnProcess]) -> tuple[Order, str]:
    """Start a worker and listen to it; return what is left of its order, and how it ended."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=read_all, args=(order, sender), daemon=True)
    process.start()
    running.add(process)
    sender.close()
    patience, hung = _START, False
    with receiver:
        while order.start < order.stop:
            if not receiver.poll(patience):
                hung = True
                break
            try:
                verdicts = receiver.recv()
            except EOFError:
                break
            tell(verdicts)
            patience, order = _HUNG, dataclasses.replace(order, start=order.start + order.step)
    process.join(0 if hung else 5)
    hung = hung or process.exitcode is None
    process.kill()
    process.join()
    running.discard(process)
    code = process.exitcode or 0
    return order, "hung" if hung else f"died of {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


def read_all(order: Order, sender: Connection) -> None:
    """Read the inputs of an order, one after the other, and send the verdicts of each; the process's main function."""
    from airflow_provider_ekyc.api import retries
    from airflow_provider_ekyc.sandbox.tls import make_certificate
    from dev.fuzz.bounds import Meter
    from dev.fuzz.inputs import make_input
    from dev.fuzz.log_capture import LogCapture
    from dev.fuzz.negative_control import sabotage_of
    from dev.fuzz.smaller import Findings
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
