"""The process in which inputs are read, one after the other; what became of each is a line of JSON."""

from __future__ import annotations

import dataclasses
import faulthandler
import gc
import importlib
import json
import os
import sys
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

#: Where failing inputs are written.
FINDINGS = Path("build/fuzz")

#: What is imported when the process counts as idle: else the first input would pay for it.
_IMPORTED = (
    "aiohttp",
    "boto3",
    "isal.isal_zlib",
    "numpy",
    "pyarrow.parquet",
    "airflow.providers.amazon.aws.hooks.s3",
    "airflow_provider_ekyc.api.aio",
    "airflow_provider_ekyc.numbers.prepare",
    "airflow_provider_ekyc.transfers.ekyc_to_s3",
)


@dataclass(frozen=True, slots=True)
class Order:
    """
    What a worker is to do.

    :param start: first index
    :param stop: end of the indices
    :param step: from one index to the next
    :param control: whether to switch the package's own care off, input by input
    :param seconds: that an input may take
    :param searches: how often a smaller input is looked for, at the most
    """

    seed: int
    start: int
    stop: int
    step: int
    control: bool
    seconds: float
    searches: int


def read_all(order: Order, way: int, spool_dir: Path) -> None:
    """
    Read the inputs of an order.

    :param way: file number to which the verdicts are written: first ``[]``, then the verdicts of each input
    """
    from airflow_provider_ekyc.api.retries import retrying
    from airflow_provider_ekyc.sandbox.tls import make_certificate
    from dev.fuzz.bounds import Meter
    from dev.fuzz.findings import Findings
    from dev.fuzz.inputs import make_input
    from dev.fuzz.negative_control import sabotage_of
    from dev.fuzz.overheard import Overheard
    from dev.fuzz.source_server import SourceServer
    from dev.fuzz.trial import Bench, try_input

    for name in _IMPORTED:
        importlib.import_module(name)
    # In the main thread, where the transfer does not parse, pyarrow opens a pipe for signals and keeps it.
    importlib.import_module("pyarrow").enable_signal_handlers(False)
    if retrying.__kwdefaults__ is None:
        raise LookupError("retrying() has no keyword sleep any more; correct this")
    retrying.__kwdefaults__["sleep"] = lambda seconds: None  # the waits between two attempts are left out
    gc.freeze()  # what is imported stays: a collection behind each transfer need not look at it again
    with tempfile.TemporaryDirectory(prefix="ekyc-fuzz-tls-") as keys:
        certificate = make_certificate(Path(keys))
        with SourceServer() as server, SourceServer(certificate) as tls_server:
            meter, overheard = Meter(spool_dir, order.seconds), Overheard()
            findings = Findings(FINDINGS, order.seed, order.searches)
            bench = Bench(order.seed, meter, overheard, server, tls_server, spool_dir, findings)
            os.write(way, b"[]\n")
            for index in range(order.start, order.stop, order.step):
                given = make_input(order.seed, index)
                sabotage = sabotage_of(given) if order.control else None
                with sabotage.at_work(index) if sabotage else nullcontext():
                    here = bench
                    if sabotage:
                        here = dataclasses.replace(bench, sabotage=sabotage.name, patience=sabotage.patience)
                    verdicts = [dataclasses.asdict(verdict) for verdict in try_input(given, here)]
                os.write(way, f"{json.dumps(verdicts)}\n".encode())


def main() -> None:
    """Read the inputs of the order in the first argument."""
    # Both kept from what the inputs print: the way to the parent, and the trace of a crash.
    faulthandler.enable(os.fdopen(os.dup(2), "w"))
    way = os.dup(1)
    with tempfile.TemporaryDirectory(prefix="ekyc-fuzz-") as folder:
        read_all(Order(**json.loads(sys.argv[1])), way, Path(folder))


if __name__ == "__main__":
    main()
