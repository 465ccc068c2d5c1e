"""Addresses of links: no credential, no signature, nothing that a browser could run."""

from __future__ import annotations

import pytest

from airflow_provider_ekyc.links.addresses import console_address, object_address, page_address


@pytest.mark.parametrize(
    ("base_url", "path"),
    [
        ("", "/plugin/ekyc"),
        ("http://localhost:8080", "/plugin/ekyc"),
        ("http://localhost:8080/", "/plugin/ekyc"),
        ("https://airflow.example/team-a/", "/team-a/plugin/ekyc"),
    ],
)
def test_the_page_is_a_path_on_airflows_own_server(base_url: str, path: str) -> None:
    address = page_address(base_url, dag_id="a", run_id="manual__2026-11-26T00:00:00+00:00", task_id="g.t", map_index=3)
    row = "dag_id=a&run_id=manual__2026-11-26T00%3A00%3A00%2B00%3A00&task_id=g.t&map_index=3"
    assert address == f"{path}?{row}"


def test_the_console_of_the_vendor() -> None:
    assert console_address("https://console.example/t/{ekyc_task_id}/x", "d1") == "https://console.example/t/d1/x"
    assert console_address("https://console.example/?t={ekyc_task_id}", "d/1&x=2") == (
        "https://console.example/?t=d%2F1%26x%3D2"
    )
    assert console_address("https://console.example/tasks", "d1") == "https://console.example/tasks"


AWS = "https://eu-west-1.console.aws.amazon.com/s3/object/a-bucket?region=eu-west-1&prefix=dt%3D1%2Fa%20b.zip"


@pytest.mark.parametrize(
    ("endpoint", "region", "address"),
    [
        ("https://s3.eu-west-1.amazonaws.com", "eu-west-1", AWS),
        ("https://s3.amazonaws.com", "eu-west-1", AWS),
        (None, "eu-west-1", AWS),
        (
            "https://s3.amazonaws.com",
            "aws-global",
            "https://console.aws.amazon.com/s3/object/a-bucket?prefix=dt%3D1%2Fa%20b.zip",
        ),
        (
            "https://s3.amazonaws.com",
            None,
            "https://console.aws.amazon.com/s3/object/a-bucket?prefix=dt%3D1%2Fa%20b.zip",
        ),
        (
            "https://s3.cn-north-1.amazonaws.com.cn",
            "cn-north-1",
            "https://cn-north-1.console.amazonaws.cn/s3/object/a-bucket?region=cn-north-1&prefix=dt%3D1%2Fa%20b.zip",
        ),
        (
            "https://s3.us-gov-west-1.amazonaws.com",
            "us-gov-west-1",
            "https://us-gov-west-1.console.amazonaws-us-gov.com/s3/object/a-bucket?region=us-gov-west-1"
            "&prefix=dt%3D1%2Fa%20b.zip",
        ),
        ("https://minio.example:9000", "us-east-1", "https://minio.example:9000/a-bucket/dt%3D1/a%20b.zip"),
        ("http://127.0.0.1:9000/", None, "http://127.0.0.1:9000/a-bucket/dt%3D1/a%20b.zip"),
        ("https://[::1]:9000/s3/", None, "https://[::1]:9000/s3/a-bucket/dt%3D1/a%20b.zip"),
        ("https://user:made-up@minio.example?x=1#y", None, "https://minio.example/a-bucket/dt%3D1/a%20b.zip"),
        # A name that only ends like Amazon's.
        ("https://notamazonaws.com", None, "https://notamazonaws.com/a-bucket/dt%3D1/a%20b.zip"),
        ("javascript:alert(1)//", None, ""),
        ("ftp://minio.example", None, ""),
        ("https://minio.example:port", None, ""),
    ],
)
def test_an_object(endpoint: str | None, region: str | None, address: str) -> None:
    assert object_address("a-bucket", "dt=1/a b.zip", endpoint=endpoint, region=region) == address


def test_a_key_is_no_query_and_no_fragment() -> None:
    address = object_address("b", "a?b#c&d/../é", endpoint="https://minio.example", region=None)
    assert address == "https://minio.example/b/a%3Fb%23c%26d/../%C3%A9"
