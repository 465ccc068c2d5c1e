"""The sandbox as an object: a server in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import random
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import web

from airflow_provider_ekyc.sandbox.bill import Bill
from airflow_provider_ekyc.sandbox.faults import Call, Fault
from airflow_provider_ekyc.sandbox.server import make_application
from airflow_provider_ekyc.sandbox.settings import Settings
from airflow_provider_ekyc.sandbox.state import RequestSeen, SandboxState, TaskSeen
from airflow_provider_ekyc.sandbox.tls import Certificate, make_certificate


def loopback_only(host: str) -> str:
    """The host, if nobody but this machine can reach it.

    :param host: ``localhost`` or an address.
    :raises ValueError: if it is reachable from elsewhere: the sandbox is no server for a network.
    """
    try:
        safe = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        safe = False
    if not safe:
        raise ValueError(f"{host!r} is not a loopback address; the sandbox serves this machine alone")
    return host


def private_directory(wanted: Path | None) -> Path:
    """A directory that only this user can read.

    :param wanted: must not exist or be empty; ``None`` for one among the temporary files.
    :raises FileExistsError: if it holds something.
    """
    if wanted is None:
        return Path(tempfile.mkdtemp(prefix="ekyc-sandbox-"))
    if wanted.exists() and any(wanted.iterdir()):
        raise FileExistsError(f"{wanted} is not empty")
    wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted.chmod(0o700)
    return wanted


async def close_all(runner: web.AppRunner) -> None:
    """Stop serving and leave no connection behind.

    :param runner: set up.
    """
    open_ones = runner.server.connections if runner.server else []
    lines = [connection.transport for connection in open_ones if connection.transport]
    await runner.cleanup()
    # Under TLS a polite close waits for the caller's goodbye, which need not come.
    for line in lines:
        line.abort()
    # The loop closes their sockets in its next turn.
    await asyncio.sleep(0)


class Sandbox:
    """The eKYC API on 127.0.0.1, to be used with ``with`` (or ``start`` and ``stop``).

    :param api_key: the key that callers must send; make one up.
    :param host: loopback address to listen on.
    :param port: 0 for a free one.
    :param tls: make an authority and a certificate and speak https; needs ``cryptography``.
    :param certificate: a certificate of one's own instead.
    :param data_dir: where uploads and archives go meanwhile; removed at the end. By default a temporary one.
    :param clock: Unix time in seconds; tests pass their own to move tasks on without waiting.
    :param randomness: where task ids come from.
    :param settings: fields of :class:`~airflow_provider_ekyc.sandbox.settings.Settings`.
    :raises ValueError: for values that cannot be meant.
    """

    def __init__(
        self,
        api_key: str,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: bool = False,
        certificate: Certificate | None = None,
        data_dir: Path | None = None,
        clock: Callable[[], float] = time.time,
        randomness: random.Random | None = None,
        **settings: Any,
    ) -> None:
        if not 0 <= port <= 65_535:
            raise ValueError(f"port {port} is not between 0 and 65535")
        self._settings = Settings(api_key=api_key, **settings)
        self._host, self._port = loopback_only(host), port
        self._tls, self._wanted_certificate = tls or certificate is not None, certificate
        self._certificate = certificate
        self._wanted_dir, self._clock = data_dir, clock
        self._randomness = randomness or random.SystemRandom()
        self._state: SandboxState | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; returns when callers can connect.

        :raises OSError: if the port is taken, or the process has too many open files.
        :raises RuntimeError: if it runs already.
        """
        if self._thread is not None:
            raise RuntimeError("this sandbox runs already")
        directory = private_directory(self._wanted_dir)
        try:
            if self._tls and self._wanted_certificate is None:
                # Anew at each start: that of an earlier one was in its directory.
                self._certificate = make_certificate(directory)
            context = self._certificate.context() if self._certificate else None
            listener = socket.create_server((self._host, self._port), family=self._family(), backlog=1024)
        except BaseException:
            shutil.rmtree(directory)
            raise
        self._port = listener.getsockname()[1]
        self._state = SandboxState(self._settings, directory, self._clock, self._randomness)
        ready, failures = threading.Event(), list[OSError]()

        async def serve() -> None:
            runner = web.AppRunner(make_application(self.state), access_log=None, shutdown_timeout=1.0)
            await runner.setup()
            self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
            try:
                await web.SockSite(runner, listener, ssl_context=context).start()
                ready.set()
                await self._over.wait()
            finally:
                await close_all(runner)

        def run() -> None:
            try:
                with asyncio.Runner() as event_loop:
                    event_loop.run(serve())
            except OSError as failure:
                failures.append(failure)
            finally:
                listener.close()
                ready.set()

        self._thread = threading.Thread(target=run, name="ekyc-sandbox", daemon=True)
        self._thread.start()
        ready.wait()
        if failures:
            self.stop()
            raise failures.pop()

    def stop(self) -> None:
        """Close every connection and remove the data. Does nothing if it does not run."""
        if self._thread is None:
            return
        self.state.closing.set()
        if self._loop is not None and self._over is not None:
            # The loop is closed already if the server could not start.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self._thread = None
        shutil.rmtree(self.state.directory, ignore_errors=True)

    def _family(self) -> socket.AddressFamily:
        return socket.AF_INET6 if ":" in self._host else socket.AF_INET

    @property
    def state(self) -> SandboxState:
        """What the sandbox holds; stays readable after :meth:`stop`.

        :raises RuntimeError: before the first start.
        """
        if self._state is None:
            raise RuntimeError("this sandbox was not started")
        return self._state

    @property
    def url(self) -> str:
        """Where it listens: scheme, host and port, without a slash at the end."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self._port}"

    @property
    def api_key(self) -> str:
        """The key that callers must send."""
        return self._settings.api_key

    @property
    def ca_file(self) -> Path | None:
        """PEM of the authority that clients must trust; ``None`` without TLS of the sandbox's own."""
        return self._certificate.ca_file if self._certificate else None

    def connection(self, **extra: Any) -> dict[str, Any]:
        """Describe it as an Airflow connection, for ``AIRFLOW_CONN_EKYC_DEFAULT`` as JSON.

        :param extra: further extras of the connection
        :return: the connection, with the sandbox's row limits and, under TLS, its authority
        """
        limits = {name: list(limits) for name, limits in self._settings.row_limits.items()}
        ca_file = {} if self.ca_file is None else {"ca_file": str(self.ca_file)}
        extra = {"result_hosts": self.url, "row_limits": limits, **ca_file, **extra}
        return {"conn_type": "ekyc", "host": self.url, "password": self.api_key, "extra": extra}

    @property
    def bill(self) -> Bill:
        """The account as it stands."""
        return self.state.bill()

    @property
    def tasks(self) -> tuple[TaskSeen, ...]:
        """All tasks as they stand, oldest first."""
        return self.state.tasks()

    @property
    def calls(self) -> dict[str, int]:
        """How often each call arrived, answered or not: submit, status, balance, result, other."""
        return self.state.calls()

    @property
    def requests(self) -> tuple[RequestSeen, ...]:
        """The last ten thousand requests: no query, no header value, no body."""
        return self.state.requests()

    @property
    def key_leaks(self) -> int:
        """How many result requests carried a key. Anything but 0 is a bug of the client."""
        return self.state.key_leaks

    def fault(self, call: Call, kind: str, **parameters: Any) -> None:
        """Switch a fault on.

        :param call: ``submit``, ``status``, ``balance`` or ``result``.
        :param kind: what goes wrong; see :class:`~airflow_provider_ekyc.sandbox.faults.Fault`.
        :param parameters: the other fields of a fault, such as ``times`` and ``skip``.
        :raises ValueError: for what the call does not know.
        """
        self.state.faults.add(Fault(call=call, kind=kind, **parameters))

    def clear_faults(self) -> None:
        """Switch all faults off."""
        self.state.faults.clear()

    def change(self, **settings: Any) -> None:
        """Change settings while it runs; tasks accepted before keep theirs.

        :param settings: fields of :class:`~airflow_provider_ekyc.sandbox.settings.Settings`.
        :raises ValueError: for values that cannot be meant.
        """
        self.state.change(**settings)
