"""A module of this checkout as a process that answers each line of JSON on its standard input with another."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

END_TIMEOUT = 10.0


class JsonProcess:
    """
    The process, from the parent's side. It ends with its standard input, so it can't outlive the parent.

    :param name: for errors
    :param module: what is run
    :param arguments: its arguments
    :param environment: of the process; None for that of the parent
    """

    def __init__(
        self, name: str, module: str, arguments: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self._name = name
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=None if environment is None else dict(environment),
            cwd=Path(__file__).parents[2],
        )

    def ask(self, question: object) -> dict[str, Any]:
        """
        Write a line and return the answer.

        :raises ChildProcessError: if the process ended instead; its error is on the terminal
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """
        Return the next line that the process writes.

        :raises ChildProcessError: if it ended instead; its error is on the terminal
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ChildProcessError(f"{self._name} ended with {self._process.wait()}; its error is above")
        return dict(json.loads(line))

    def stop(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
