"""What docs/deployment.md says of hosts, options and values is what code, Airflow and the example have."""

from __future__ import annotations

import importlib.metadata
import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from airflow.configuration import conf

from airflow_provider_ekyc.api.aio import CONNECTION_LIMIT, HOST_LIMIT
from airflow_provider_ekyc.api.result_hosts import DEFAULT_RESULT_HOSTS
from airflow_provider_ekyc.api.settings import DEFAULT_BASE_URL
from dev.capacity.figures import LARGEST_FILE
from dev.capacity.plan import Day
from dev.deployment.helm_values import VALUES

PAGE = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text()
#: Options with their default on 3.0 and later. That of Celery is in its provider, which is not installed here.
OPTIONS = re.findall(r"\| `\[((?!celery)\w+)\] (\w+)`.*? \| [\d,]+ s \| ([\d,]+) s \|", PAGE)


def test_the_hosts_are_those_that_the_package_connects_to() -> None:
    api = urlsplit(DEFAULT_BASE_URL)
    assert f"| `{api.hostname}`, or the connection's host | 443 |" in PAGE
    assert (api.scheme, api.port) == ("https", None)
    shown = "https://made-up-bucket.s3.ap-southeast-1.amazonaws.com/made/up.zip"
    assert "`<bucket>.s3.<region>.amazonaws.com`, seen in `ap-southeast-1`" in PAGE
    assert DEFAULT_RESULT_HOSTS[0].allows(urlsplit(shown))
    assert f"share {CONNECTION_LIMIT} connections, {HOST_LIMIT} to one host" in PAGE


@pytest.mark.parametrize(("section", "option", "seconds"), OPTIONS)
def test_the_defaults_are_those_of_this_airflow(section: str, option: str, seconds: str) -> None:
    assert float(str(conf.get_default_value(section, option))) == float(seconds.replace(",", ""))


def test_the_memory_of_a_task_is_what_was_measured() -> None:
    most = max(Day(LARGEST_FILE).memory.values())
    assert f"are {most:,.0f} MiB at the most" in PAGE
    assert f"{most:,.0f} MiB \u00d7 `worker_concurrency`" in PAGE


def test_the_secret_is_the_one_that_the_example_names() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    shown = yaml.safe_load(block)
    (secret,) = yaml.safe_load(VALUES.read_text())["secret"]
    assert shown["metadata"]["name"] == secret["secretName"]
    assert json.loads(shown["stringData"][secret["secretKey"]])["conn_type"] == "ekyc"


def test_the_image_installs_the_package_with_extras_that_it_has() -> None:
    (block,) = re.findall(r"```dockerfile\n(.*?)```", PAGE, re.DOTALL)
    lines = block.replace("\\\n", "").splitlines()
    assert [line.split()[0] for line in lines] == ["FROM", "COPY", "RUN"]
    (extra,) = re.findall(r"airflow-provider-ekyc\[(\w+)\]", lines[2])
    assert extra in (importlib.metadata.metadata("airflow-provider-ekyc").get_all("Provides-Extra") or [])
    (version,) = set(re.findall(r"\d+\.\d+\.\d+", block))
    assert f"apache-airflow=={version}" in lines[2]


def test_the_chart_and_the_airflow_of_the_example_are_those_of_the_page() -> None:
    text = VALUES.read_text()
    (chart,) = re.findall(r"--version ([\d.]+)", text)
    assert f"of chart {chart} " in PAGE
    version = yaml.safe_load(text)["airflowVersion"]
    assert f"FROM apache/airflow:{version}-python" in PAGE
