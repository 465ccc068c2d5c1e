"""All that is logged and printed while an input is read: log lines of every level, and whatever is printed."""

from __future__ import annotations

import logging
import os
import sys


class LogCapture(logging.Handler):
    """
    Takes log lines and the output of this process, C libraries included, in place of the terminal.

    :param quiet: loggers that are captured from INFO on: others' debugging takes longer than the inputs
    """

    def __init__(self, quiet: tuple[str, ...] = ("botocore", "boto3", "s3transfer", "airflow", "asyncio")) -> None:
        super().__init__(logging.DEBUG)
        self._lines: list[str] = []
        # In memory: a file on the disk would count as written.
        self._output = os.memfd_create("fuzz-output")
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(self._output, 1)
        os.dup2(self._output, 2)
        root = logging.getLogger()
        root.addHandler(self)
        root.setLevel(logging.DEBUG)
        for name in quiet:
            logging.getLogger(name).setLevel(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line as a formatter would write it, with its exception."""
        self._lines.append(self.format(record))

    def take(self) -> str:
        """Return what was logged and printed since the last time."""
        sys.stdout.flush()
        sys.stderr.flush()
        size = os.fstat(self._output).st_size
        printed = os.pread(self._output, size, 0).decode("utf-8", "replace")
        os.ftruncate(self._output, 0)
        os.lseek(self._output, 0, os.SEEK_SET)
        text = "\n".join([*self._lines, printed])
        self._lines.clear()
        return text
