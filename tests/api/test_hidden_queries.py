"""What urllib3 logs of a presigned URL."""

from __future__ import annotations

import logging

import pytest

from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.hidden_queries import hidden_queries
from airflow_provider_ekyc.api.settings import read_settings
from airflow_provider_ekyc.exceptions import EkycApiError
from dev.testing.sockets import ScriptedServer, answer

# The second header line has no colon, which urllib3 reports at WARNING, with the URL.
MALFORMED = b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 2\r\nConnection: close\r\n\r\nPK"


@pytest.mark.parametrize("script", [answer("200 OK", b"PK"), MALFORMED], ids=["plain", "malformed header"])
def test_urllib3_logs_the_request_without_its_query(script: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with ScriptedServer(script) as server:
        settings = read_settings("test", host=server.url, password="made-up", extra={"result_hosts": server.url})
        with (
            EkycClient(settings) as client,
            caplog.at_level(logging.DEBUG),
            client.open_result(server.result_url) as stream,
        ):
            list(stream.blocks)
    assert "/externalcheck/t/t.zip?***" in caplog.text
    assert "X-Amz-" not in caplog.text


def test_urllib3_logs_nothing_of_what_follows_a_malformed_header(caplog: pytest.LogCaptureFixture) -> None:
    # A blank line of the server's own ends its headers too early for urllib3.
    body = b'HTTP/1.1 422 X\r\nSet-\xd0: a=b\r\nj\n{"error": "+15550100123"}\r\n\r\n'
    with ScriptedServer(body) as server:
        settings = read_settings("test", host=server.url, password="made-up", extra={"result_hosts": server.url})
        with EkycClient(settings) as client, caplog.at_level(logging.DEBUG), pytest.raises(EkycApiError):
            client.get_balance(once=True)
    assert "unparsed data: ***" in caplog.text
    assert "+15550100123" not in caplog.text


def test_the_filters_go_with_the_block_and_other_lines_stay(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("urllib3.connectionpool")
    before = list(logger.filters)
    with caplog.at_level(logging.DEBUG, "urllib3"):
        with hidden_queries(), hidden_queries():
            logger.debug('%s "GET %s" %d', "http://a", "/b?c=d", 200)
            logger.debug("100% of it")
        logger.debug("/b?c=d")
    assert [record.getMessage() for record in caplog.records] == ['http://a "GET /b?***" 200', "100% of it", "/b?c=d"]
    assert logger.filters == before
