"""dev/scale: the settings that a run makes are settings of Airflow, with the defaults that the pages name."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path

import pytest
from airflow.configuration import conf

from dev.scale import redis_server
from dev.scale.deployment import TIMEOUTS, Plan
from dev.scale.environment import AIRFLOW_VERSION, CONSTRAINTS
from dev.stack.imported_once import IMPORTED_ONCE

SOURCE = Path(redis_server.__file__).parent / "deployment.py"


@pytest.mark.parametrize("name", TIMEOUTS)
def test_each_time_out_has_the_default_that_is_named_beside_it(name: str) -> None:
    named = re.search(rf'# (\d+) by default[^\n]*\n    "{name}"', SOURCE.read_text())
    assert named is not None
    section, _, option = name.lower().partition("__")
    assert float(conf.get_default_value(section, option)) == float(named.group(1))


def test_default_time_outs_set_none() -> None:
    assert not [name for name in Plan(20, default_timeouts=True).settings() if "TIMEOUT" in name]
    assert len([name for name in Plan(20).settings() if "TIMEOUT" in name]) == len(TIMEOUTS)


def test_records_are_in_s3_or_in_variables() -> None:
    assert Plan(20).settings()["AIRFLOW__EKYC__JOURNAL_URI"] == "s3://ekyc-scale/journal"
    assert "AIRFLOW__EKYC__JOURNAL_URI" not in Plan(20, journal="variables").settings()


@pytest.mark.parametrize("module", IMPORTED_ONCE)
def test_what_the_workers_import_once_exists(module: str) -> None:
    assert import_module(module)


def test_the_page_names_what_the_workers_import_once() -> None:
    page = (SOURCE.parents[2] / "docs" / "scale.md").read_text()
    (named,) = re.findall(r"EXTRA_CELERY_CONFIG='(\{.*?\})'", page, re.DOTALL)
    assert json.loads(named) == {"imports": list(IMPORTED_ONCE)}


def test_the_version_has_constraints() -> None:
    assert f"apache-airflow=={AIRFLOW_VERSION}" in CONSTRAINTS.read_text()


def test_a_missing_redis_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # so that neither it nor apt-get is found
    with pytest.raises(FileNotFoundError, match="apt-get install redis-server"):
        redis_server.redis_binary()
