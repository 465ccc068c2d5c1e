"""The example values for the Helm chart: what can be checked without the chart, and the check against its schema."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.configuration import conf

from airflow_provider_ekyc.get_provider_info import get_provider_info
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.submission.identity import identity_of
from airflow_provider_ekyc.submission.s3_store import S3Store
from airflow_provider_ekyc.submission.stores import open_store
from dev.capacity.figures import LARGEST_FILE, measured
from dev.capacity.plan import Day
from dev.deployment.helm_values import VALUES, main, problems
from dev.testing.task_context import TaskInstance

TEXT = VALUES.read_text()
SHOWN: dict[str, Any] = yaml.safe_load(TEXT)
#: A day with files as large as they may be.
DAY = Day(LARGEST_FILE)
UNITS = {"Mi": 2**20, "Gi": 2**30}

#: A schema in the form of the chart's.
SCHEMA = {
    "properties": {
        "replicas": {"type": "integer"},
        "config": {
            "type": "object",
            "additionalProperties": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "resources": {"$ref": "#/definitions/Resources"},
        "volumes": {"type": "array", "items": {"properties": {"name": {"type": "string"}}}},
        "annotations": {"type": "object"},
    },
    "definitions": {"Resources": {"type": "object", "properties": {"requests": {"type": "object"}}}},
}


def size(text: str) -> int:
    return int(text[:-2]) * UNITS[text[-2:]]


@pytest.mark.parametrize(
    ("section", "option"), [(section, option) for section in SHOWN["config"] for option in SHOWN["config"][section]]
)
def test_each_option_of_airflows_configuration_is_known(section: str, option: str) -> None:
    ours = get_provider_info()["config"].get(section, {}).get("options", {})
    assert option in ours or conf.get_default_value(section, option) is not None


def test_the_journal_is_one_that_workers_without_a_shared_disk_can_use() -> None:
    uri = SHOWN["config"]["ekyc"]["journal_uri"]
    assert isinstance(open_store(uri, "aws_default", identity_of(TaskInstance())), S3Store)


def test_the_connection_of_the_secret_is_one_that_the_hook_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    (secret,) = SHOWN["secret"]
    (shown,) = re.findall(r"# (\{.*\})", TEXT)
    monkeypatch.setenv(secret["envName"], shown.replace("<your key>", "made-up-key"))
    assert EkycHook().settings.api_key == "made-up-key"


def test_a_task_has_the_memory_and_the_disk_that_were_measured() -> None:
    pod = SHOWN["workers"]["kubernetes"]
    assert size(pod["resources"]["requests"]["memory"]) >= max(DAY.memory.values()) * 2**20
    largest = max(DAY.spool_gb.values()) * 1e9
    (volume,) = pod["extraVolumes"]
    assert size(volume["emptyDir"]["sizeLimit"]) >= largest
    assert size(pod["resources"]["requests"]["ephemeral-storage"]) >= largest


def test_a_celery_worker_has_the_memory_and_the_disk_of_as_many_tasks_as_it_says() -> None:
    worker, tasks = SHOWN["workers"]["celery"], SHOWN["config"]["celery"]["worker_concurrency"]
    needed = tasks * max(DAY.memory.values()) + measured("idle_memory")
    assert size(worker["resources"]["requests"]["memory"]) >= needed * 2**20
    (volume,) = worker["extraVolumes"]
    assert size(volume["emptyDir"]["sizeLimit"]) >= tasks * max(DAY.spool_gb.values()) * 1e9


@pytest.mark.parametrize("kind", ["kubernetes", "celery"])
def test_temporary_files_go_to_a_volume_of_the_pod(kind: str) -> None:
    workers = SHOWN["workers"][kind]
    (directory,) = [each["value"] for each in workers["env"] if each["name"] == "TMPDIR"]
    (mount,) = [each for each in workers["extraVolumeMounts"] if each["mountPath"] == directory]
    assert mount["name"] in [each["name"] for each in workers["extraVolumes"]]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"replicas": 2, "resources": {"requests": {"cpu": "1"}}, "config": {"any": {"option": "x"}}}, []),
        ({"annotations": {"of": {"any": "depth"}}}, []),
        ({"replicas": "two"}, ["replicas: 'two' is not of type 'integer'"]),
        ({"config": {"any": {"option": 1}}}, ["config.any.option: 1 is not of type 'string'"]),
        ({"replica": 2}, ["replica: the schema does not name it"]),
        ({"resources": {"request": {}}}, ["resources.request: the schema does not name it"]),
        ({"volumes": [{"name": "a"}, {"title": "b"}]}, ["volumes[1].title: the schema does not name it"]),
    ],
)
def test_what_the_schema_refuses_or_does_not_name_is_found(values: dict[str, Any], found: list[str]) -> None:
    assert problems(values, SCHEMA) == found


@pytest.mark.parametrize(("values", "code"), [("replicas: 2", 0), ("replica: 2", 1)])
def test_the_command_exits_by_what_it_finds(
    values: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema, file = tmp_path / "values.schema.json", tmp_path / "values.yaml"
    schema.write_text(json.dumps(SCHEMA))
    file.write_text(values)
    assert main([str(schema), "--values", str(file)]) == code
    assert ("replica: the schema does not name it" in capsys.readouterr().err) == bool(code)
