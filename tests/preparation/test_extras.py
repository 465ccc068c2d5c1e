"""What a list needs that is not installed is named, with the extra that has it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.preparation import verified_before
from airflow_provider_ekyc.preparation.tidy import Tidier
from airflow_provider_ekyc.preparation.verified_before import read_history
from tests.preparation.reading import read, read_file
from tests.preparation.test_packed_parquet_excel import TEXT, excel, parquet, zstd


@pytest.mark.parametrize(
    ("module", "content", "extra"),
    [
        ("pyarrow", parquet({"phone": pa.array(["x"])}), "parquet"),
        ("pyarrow", zstd(TEXT), "parquet"),
        ("openpyxl", excel(["x"]), "excel"),
    ],
)
def test_a_format_names_the_extra_that_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, content: bytes, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EkycSettingsError, match=rf"package {module}\. .*\[{extra}\]"):
        read_file(tmp_path, "a", content)


def test_national_numbers_name_the_extra_that_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    with pytest.raises(EkycSettingsError, match=r"phonenumbers\. .*\[phonenumbers\]"):
        Tidier(True, "US")


def test_a_query_names_the_provider_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.common.sql.hooks.sql", None)
    with pytest.raises(EkycSettingsError, match=r"provider common\.sql"):
        read(sql="SELECT 1", conn_id="customers")


@pytest.mark.parametrize(
    ("argument", "module", "extra"), [("history_uri", "pyarrow", "parquet"), ("history_table", "pyiceberg", "iceberg")]
)
def test_landed_results_name_the_extra_that_they_need(
    monkeypatch: pytest.MonkeyPatch, argument: str, module: str, extra: str
) -> None:
    installed = importlib.util.find_spec
    monkeypatch.setattr(verified_before, "find_spec", lambda name: None if name == module else installed(name))
    place = {"history_uri": None, "history_table": None, argument: "made_up.results"}
    with pytest.raises(EkycSettingsError) as failed:
        read_history(86400, **place, iceberg_conn_id="iceberg_default", aws_conn_id="aws_default", numbers_conn_id=None)
    assert str(failed.value) == (
        f"{argument} needs {module}: pip install 'airflow-provider-ekyc[{extra}]'. Nothing was submitted or charged."
    )
