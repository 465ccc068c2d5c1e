"""The command ``ekyc-sandbox``."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from airflow_provider_ekyc.sandbox.sandbox import Sandbox
from airflow_provider_ekyc.sandbox.tls import Certificate

KEY_VARIABLE = "EKYC_SANDBOX_API_KEY"

_EPILOG = f"""\
example:
  ekyc-sandbox --port 8900 --api-key made-up-key --pace 5000
  AIRFLOW_CONN_EKYC_DEFAULT='{{"conn_type": "ekyc", "host": "http://127.0.0.1:8900",
      "password": "made-up-key", "extra": {{"result_hosts": "http://127.0.0.1:8900"}}}}'

Once ready it prints one line, "ekyc-sandbox listening on <address>"; with --tls a line
"ekyc-sandbox ca file <path>" comes before it. The key may come from {KEY_VARIABLE} instead.
Faults are switched on while it runs: POST <address>/sandbox/faults. See docs/sandbox.md.
"""


def _money(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"not an amount: {text!r}") from None


def _limits(text: str) -> tuple[str, tuple[int, int]]:
    task_type, _, span = text.partition("=")
    fewest, dash, most = span.partition("-")
    if not (task_type and dash and fewest.isdecimal() and most.isdecimal()):
        raise argparse.ArgumentTypeError(f"not TYPE=FEWEST-MOST: {text!r}")
    return task_type, (int(fewest), int(most))


def make_parser() -> argparse.ArgumentParser:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        prog="ekyc-sandbox",
        description="The eKYC bulk verification API on this machine, with made-up answers: for tests and demos.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    reach = parser.add_argument_group("where it listens")
    reach.add_argument("--host", default="127.0.0.1", help="loopback address (default: %(default)s)")
    reach.add_argument("--port", type=int, default=8900, help="0 for a free one (default: %(default)s)")
    reach.add_argument("--api-key", metavar="KEY", help=f"key that callers must send; make one up (or {KEY_VARIABLE})")
    reach.add_argument("--tls", action="store_true", help="https with a certificate made on the spot")
    reach.add_argument("--tls-cert", type=Path, metavar="PEM", help="https with this certificate")
    reach.add_argument("--tls-key", type=Path, metavar="PEM", help="its private key")
    reach.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="new or empty; removed at the end (default: a temporary one)",
    )
    reach.add_argument("--verbose", action="store_true", help="log each call: its name and status, nothing more")

    # The names of these options are the names of the settings.
    tasks = parser.add_argument_group("tasks")
    tasks.add_argument(
        "--pace",
        type=float,
        metavar="ROWS_PER_SECOND",
        help="how fast a task moves on (default: done at once)",
    )
    tasks.add_argument("--queue-seconds", type=float, metavar="S", help="how long a task is pending (default: 0)")
    tasks.add_argument(
        "--unknown-seconds", type=float, metavar="S", help="how long a new task's id is not known yet: 404 (default: 0)"
    )
    tasks.add_argument(
        "--completed-seconds",
        type=float,
        metavar="S",
        help="how long it is completed, not yet exported (default: 0)",
    )
    tasks.add_argument("--ending", choices=["exported", "failed"], help="how tasks end (default: exported)")
    tasks.add_argument("--failure-rows", type=int, metavar="N", help="rows that cannot be processed (default: 0)")
    tasks.add_argument(
        "--undetermined-percent", type=int, metavar="P", help="share of undetermined answers (default: 0)"
    )
    tasks.add_argument(
        "--total-zero-while-pending",
        action="store_const",
        const=True,
        help="answer total 0 while a task is pending",
    )
    tasks.add_argument("--submit-status", type=int, metavar="CODE", help="status of an accepted task (default: 200)")
    tasks.add_argument(
        "--row-limits",
        type=_limits,
        action="append",
        metavar="TYPE=FEWEST-MOST",
        help="may be repeated (default: amazon=100-10000000)",
    )
    tasks.add_argument("--max-upload-bytes", type=int, metavar="N", help="larger files get 413 (default: no limit)")
    tasks.add_argument("--url-ttl-seconds", type=int, metavar="S", help="life of a result URL (default: 3600)")

    money = parser.add_argument_group("money")
    money.add_argument("--balance", type=_money, metavar="AMOUNT", help="at the start (default: 1000000)")
    money.add_argument("--price-per-row", type=_money, metavar="AMOUNT", help="(default: 0.001)")
    money.add_argument("--price-per-poll", type=_money, metavar="AMOUNT", help="(default: 0)")
    money.add_argument(
        "--booking",
        choices=["acceptance", "export", "delay"],
        help="when it is charged (default: acceptance)",
    )
    money.add_argument("--booking-delay-seconds", type=float, metavar="S", help="with --booking delay (default: 0)")
    return parser


_SERVER_OPTIONS = ("host", "port", "api_key", "tls", "tls_cert", "tls_key", "data_dir", "verbose")


def make_sandbox(arguments: Sequence[str] | None, environment: Mapping[str, str]) -> tuple[Sandbox, bool]:
    """The sandbox that a command line asks for, and whether it should log its calls.

    :param arguments: without the program's name; ``None`` for those of the process.
    :param environment: may hold the key.
    :raises SystemExit: with a usage message if they can't be meant.
    """
    parser = make_parser()
    options = parser.parse_args(arguments)
    api_key = options.api_key or environment.get(KEY_VARIABLE)
    if not api_key:
        parser.error(f"--api-key (or {KEY_VARIABLE}) is missing")
    if (options.tls_cert is None) != (options.tls_key is None):
        parser.error("--tls-cert and --tls-key go together")
    settings: dict[str, Any] = {
        name: value for name, value in vars(options).items() if name not in _SERVER_OPTIONS and value is not None
    }
    if "row_limits" in settings:
        settings["row_limits"] = dict(settings["row_limits"])
    try:
        sandbox = Sandbox(
            api_key,
            host=options.host,
            port=options.port,
            tls=options.tls,
            certificate=Certificate(options.tls_cert, options.tls_key) if options.tls_cert else None,
            data_dir=options.data_dir,
            **settings,
        )
    except ValueError as problem:
        parser.error(str(problem))
    return sandbox, options.verbose


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sandbox until SIGINT or SIGTERM; returns the exit status.

    :param arguments: without the program's name; ``None`` for those of the process.
    """
    sandbox, verbose = make_sandbox(arguments, os.environ)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    if verbose:
        logging.getLogger("airflow_provider_ekyc.sandbox").setLevel(logging.INFO)
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    try:
        sandbox.start()
    except (OSError, ModuleNotFoundError) as problem:
        print(f"ekyc-sandbox: {problem}", file=sys.stderr)
        return 1
    try:
        if sandbox.ca_file:
            print(f"ekyc-sandbox ca file {sandbox.ca_file}", flush=True)
        print(f"ekyc-sandbox listening on {sandbox.url}", flush=True)
        over.wait()
    finally:
        sandbox.stop()
    return 0
