"""
Keep the query of a presigned URL out of urllib3's own log lines.

At DEBUG urllib3 logs each request with its whole target, and at WARNING a URL whose answer has a malformed
header. The query of a presigned URL is a bearer secret, and Airflow keeps task logs for long.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

# A filter holds for its own logger alone, not for those below it.
_LOGGERS = ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry")
_QUERY = re.compile(r"\?[^\s\"'<>]+")


class _WithoutQueries(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _QUERY.sub("?***", record.getMessage()), None
        return True


@contextmanager
def hidden_queries() -> Iterator[None]:
    """Hide the queries of URLs in urllib3's log lines for as long as the block runs."""
    hide = _WithoutQueries()
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(hide)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(hide)
