"""What the head of a download says."""

from __future__ import annotations

import pytest

from airflow_provider_ekyc.api.result_stream import ResultHead, read_result_head
from airflow_provider_ekyc.exceptions import EkycServerError


@pytest.mark.parametrize(
    ("headers", "head"),
    [
        ({}, ResultHead(0, None, None, None)),
        ({"Content-Length": "10", "ETag": '"a"'}, ResultHead(0, None, 10, '"a"')),
        ({"CONTENT-LENGTH": "0", "etag": ""}, ResultHead(0, None, 0, None)),
        ({"Content-Length": "9" * 18}, ResultHead(0, None, 10**18 - 1, None)),
        ({"Content-Length": "9" * 19}, ResultHead(0, None, None, None)),
        ({"Content-Length": "10", "Content-Range": "bytes 4-9/10"}, ResultHead(0, None, 10, None)),
    ],
)
def test_a_200_is_the_whole_object(headers: dict[str, str], head: ResultHead) -> None:
    assert read_result_head(200, headers) == head


@pytest.mark.parametrize(
    ("headers", "head"),
    [
        ({"Content-Range": "bytes 4-9/10", "Content-Length": "6"}, ResultHead(4, 10, 10, None)),
        ({"CONTENT-RANGE": " bytes 0-0/1 ", "etag": 'W/"a"'}, ResultHead(0, 1, 1, 'W/"a"')),
        ({"content-range": "bytes 4-9/*", "ETag": ""}, ResultHead(4, 10, None, None)),
    ],
)
def test_a_206_is_the_part_that_it_names(headers: dict[str, str], head: ResultHead) -> None:
    assert read_result_head(206, headers) == head


@pytest.mark.parametrize(
    "headers", [{}, {"Content-Range": ""}, {"Content-Range": "bytes */10"}, {"Content-Range": "rows 1-2/3"}]
)
def test_a_206_that_names_no_part_may_be_asked_for_again(headers: dict[str, str]) -> None:
    with pytest.raises(EkycServerError) as caught:
        read_result_head(206, {"Content-Length": "6", **headers})
    assert (caught.value.status, caught.value.retryable) == (206, True)
    assert "did not say which (206)." in caught.value.message


@pytest.mark.parametrize(
    ("etag", "strong"), [('"a"', '"a"'), ('""', '""'), ('W/"a"', None), ("a", None), ('"a"b"', None), (None, None)]
)
def test_only_a_strong_etag_names_the_bytes(etag: str | None, strong: str | None) -> None:
    assert ResultHead(0, None, None, etag).strong_etag == strong
