"""
Keep the query of a presigned URL, and what a server sends, out of urllib3's own log lines.

At DEBUG urllib3 logs each request with its whole target, and at WARNING a URL whose answer has a malformed
header, with all that follows it. The query of a presigned URL is a bearer secret, an answer may quote numbers, and
Airflow keeps task logs for long.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

# A filter holds for its own logger alone, not for those below it.
_LOGGERS = ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry")
_QUERY = re.compile(r"\?[^\s\"'<>]+")
_UNPARSED = re.compile(r"unparsed data:.*", re.DOTALL)


class _WithoutQueries(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        message = _UNPARSED.sub("unparsed data: ***", record.getMessage())
        record.msg, record.args = _QUERY.sub("?***", message), None
        record.exc_info = record.exc_text = None  # the same again
        return True


@contextmanager
def hidden_queries() -> Iterator[None]:
    """Hide the queries of URLs, and what servers send, in urllib3's log lines for as long as the block runs."""
    hide = _WithoutQueries()
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(hide)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(hide)
