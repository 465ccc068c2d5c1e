"""All that is logged and printed while an input is read: log lines of every level, and whatever is printed."""

from __future__ import annotations

import logging
import os
import sys

#: These are captured from INFO on: their debugging takes longer than the inputs.
_QUIET = ("botocore", "boto3", "s3transfer", "airflow", "asyncio")


class LogCapture(logging.Handler):
    """Takes log lines and the output of this process, C libraries included, in place of the terminal."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._lines: list[str] = []
        # In memory: a file on the disk would count as written.
        self._output = os.memfd_create("fuzz-output")
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(self._output, stream.fileno())
        logging.getLogger().addHandler(self)
        logging.getLogger().setLevel(logging.DEBUG)
        for name in _QUIET:
            logging.getLogger(name).setLevel(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line as a formatter would write it, with its exception."""
        self._lines.append(self.format(record))

    def clear(self) -> str:
        """Return what was logged and printed since the last time."""
        sys.stdout.flush()
        sys.stderr.flush()
        printed = os.pread(self._output, os.fstat(self._output).st_size, 0).decode("utf-8", "replace")
        os.ftruncate(self._output, 0)
        os.lseek(self._output, 0, os.SEEK_SET)
        text = "\n".join([*self._lines, printed])
        self._lines.clear()
        return text
