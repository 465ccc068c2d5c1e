"""What the demo says: calm lines with the time since its start, free of keys, numbers and URL queries."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from airflow_provider_ekyc.redaction import redact

WIDTH = 10


class Terminal:
    """Prints lines such as ``  12.3 s  submit    running``.

    :param secrets: texts that must never be shown, wherever they turn up
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = [secret for secret in secrets if secret]
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def step(self, subject: str, text: str) -> None:
        """Say what happened just now.

        :param subject: who or what it is about
        :param text: what happened
        """
        self._print(f"{self.seconds:6.1f} s  {subject:<{WIDTH}}  {text}")

    def fact(self, subject: str, text: str) -> None:
        """Say how something is, as one row of a list.

        :param subject: what it is about
        :param text: how it is
        """
        self._print(f"  {subject:<{WIDTH}}  {text}")

    def line(self, text: str = "") -> None:
        """Say something else.

        :param text: one line
        """
        self._print(text)

    def foreign(self, text: str) -> None:
        """Show the end of a log: whatever it holds, keys, phone numbers and URL queries are taken out.

        :param text: lines of a log
        """
        for line in text.splitlines():
            self._print(f"  | {self.clean(line)}")

    def clean(self, text: str) -> str:
        """Make foreign text fit to be shown.

        :param text: one line
        :return: the line without anything secret
        """
        return redact(text, secrets=self._secrets, limit=400)

    def _print(self, text: str) -> None:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
