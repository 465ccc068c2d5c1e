"""EkycPrepareNumbersOperator over lists of every kind at once: below a prefix, packed, tables and text."""

from __future__ import annotations

import gzip
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from openpyxl import Workbook
from pyarrow import parquet

from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.operators.prepare import EkycPrepareNumbersOperator
from airflow_provider_ekyc.preparation.destinations import Connections, Target
from airflow_provider_ekyc.preparation.own_output import OwnOutput
from airflow_provider_ekyc.preparation.tidy import Tidier
from dev.testing.task_context import TaskInstance, context_of
from tests.conftest import BUCKET

NO_CONNECTIONS = Connections(None, None, {})

pytestmark = pytest.mark.usefixtures("connections")


def table(numbers: list[str]) -> str:
    return "".join(["id,phone\n", *(f'{row},"{number}"\n' for row, number in enumerate(numbers))])


def lists_of(numbers: list[str]) -> dict[str, bytes]:
    """The numbers in parts of fifty, the last one twice."""
    parts = [numbers[start : start + 50] for start in range(0, 200, 50)]
    columns = pyarrow.table({"id": list(range(50)), "phone": parts[1]})
    parquet.write_table(columns, in_parquet := BytesIO())
    with zipfile.ZipFile(packed := BytesIO(), "w") as archive:
        archive.writestr("list.csv", table(parts[2]))
    workbook = Workbook()
    for row in [("id", "phone"), *enumerate(parts[3]), (50, numbers[-1]), (51, "1.20255E+10")]:
        workbook.active.append(row)
    workbook.save(excel := BytesIO())
    return {
        "a.csv.gz": gzip.compress(table(parts[0]).encode()),
        "b.parquet": in_parquet.getvalue(),
        "c.zip": packed.getvalue(),
        "d.xlsx": excel.getvalue(),
    }


def test_the_order_is_that_of_the_names_below_a_prefix(
    s3: Any, tmp_path: Path, numbers: list[str], context: dict[str, Any]
) -> None:
    for name, content in lists_of(numbers).items():
        s3.put_object(Bucket=BUCKET, Key=f"lists/{name}", Body=content)
    (uri,) = EkycPrepareNumbersOperator(
        task_id="prepare",
        numbers=f"s3://{BUCKET}/lists/",
        column="phone",
        normalise="True",
        destination_uri=str(tmp_path / "ready"),
    ).execute(context)
    assert Path(uri).read_text().splitlines() == numbers
    preparation = context["ti"].xcoms["preparation"]
    assert (preparation["sources"], preparation["rows_read"], preparation["duplicates"]) == (4, 202, 1)
    assert preparation["invalid"] == {"scientific notation": 1}


def test_a_rejected_row_of_a_table_is_named_by_its_row_there(
    tmp_path: Path, numbers: list[str], context: dict[str, Any]
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(table([*numbers, "n/a"]))
    EkycPrepareNumbersOperator(
        task_id="prepare",
        numbers=path,
        column="phone",
        destination_uri=tmp_path / "ready",
        rejects_uri=tmp_path / "rejects.csv",
    ).execute(context)
    # The header is row 1, so the two hundred numbers are rows 2 to 201.
    assert (tmp_path / "rejects.csv").read_text().splitlines()[1:] == [f"{path},202,other text,n/a"]


@pytest.mark.parametrize(
    "places",
    [
        {"numbers": "{folder}/", "destination_uri": "{folder}/ready"},
        {"numbers": ["{folder}/numbers.txt", "{folder}/"], "destination_uri": "{folder}"},
        {"numbers": "{folder}/", "destination_uri": "{folder}-ready", "rejects_uri": "{folder}/rejects/today.csv"},
        {"numbers": "s3://bucket/lists/", "destination_uri": "s3://other_aws@bucket/lists/ready/"},
        {"numbers": "s3://other_aws@bucket/lists/", "destination_uri": "s3://bucket/lists"},
        {"numbers": "s3a://bucket/lists/", "destination_uri": "s3://bucket/lists/ready"},
        {"numbers": "file://{folder}/", "destination_uri": "{folder}/ready"},
        {"numbers": "{folder}/", "destination_uri": "file://{folder}/ready"},
    ],
)
def test_a_prefix_around_what_is_written_is_refused_at_once(tmp_path: Path, places: dict[str, Any]) -> None:
    def fill(value: Any) -> Any:
        return [fill(one) for one in value] if isinstance(value, list) else value.format(folder=tmp_path / "lists")

    given = {name: fill(value) for name, value in places.items()}
    own = OwnOutput(
        Target.open("destination_uri", f"{given['destination_uri'].rstrip('/')}/manifest.json", NO_CONNECTIONS),
        Target.open("rejects_uri", given["rejects_uri"], NO_CONNECTIONS) if "rejects_uri" in given else None,
        given["numbers"],
    )
    with pytest.raises(EkycSettingsError, match="in numbers is around destination_uri or rejects_uri"):
        own.refuse_around()


@pytest.mark.parametrize("scheme", ["s3", "s3a", "S3N", "s3a://other_aws@bucket"])
def test_what_was_written_is_known_whatever_the_scheme_of_its_address(scheme: str) -> None:
    bucket = scheme if "://" in scheme else f"{scheme}://bucket"
    own = OwnOutput(
        Target.open("destination_uri", f"{bucket}/lists/manifest.json", NO_CONNECTIONS),
        Target.open("rejects_uri", f"{bucket}/rejects.csv", NO_CONNECTIONS),
        f"{bucket}/",
    )
    own.refuse("s3://bucket/lists/customers.txt")
    for name in (f"lists/{'0a' * 16}.txt", f"others/{'0a' * 16}.txt", f"lists/manifest-{'0a' * 8}.json", "rejects.csv"):
        with pytest.raises(EkycSettingsError, match="was written by this operator"):
            own.refuse(f"s3://bucket/{name}")


def test_a_place_beside_a_prefix_is_accepted(tmp_path: Path, numbers_file: Path, context: dict[str, Any]) -> None:
    (tmp_path / "lists").mkdir()
    numbers_file.rename(tmp_path / "lists" / "numbers.txt")
    for destination in ("lists-ready", "ready"):
        EkycPrepareNumbersOperator(
            task_id="prepare", numbers=f"{tmp_path}/lists/", destination_uri=tmp_path / destination
        ).execute(context)


def test_a_glob_that_finds_what_was_written_is_refused(tmp_path: Path, numbers_file: Path) -> None:
    def prepare(run_id: str) -> list[str]:
        return EkycPrepareNumbersOperator(
            task_id="prepare", numbers=f"{tmp_path}/*.txt", destination_uri=tmp_path
        ).execute(context_of(TaskInstance(run_id=run_id)))

    assert len(prepare("first")) == 1
    with pytest.raises(EkycFailException, match="was written by this operator"):
        prepare("second")


def test_a_glob_that_finds_what_an_earlier_run_has_written_elsewhere_is_refused_unless_it_is_named(
    tmp_path: Path, numbers_file: Path
) -> None:
    (tmp_path / "lists").mkdir()
    numbers_file.rename(tmp_path / "lists" / "numbers.txt")

    def prepare(day: str, *numbers: object) -> list[str]:
        return EkycPrepareNumbersOperator(
            task_id="prepare", numbers=list(numbers), destination_uri=tmp_path / "lists" / day
        ).execute(context_of(TaskInstance(run_id=day)))

    glob = f"{tmp_path}/lists/**/*.txt"
    (first,) = prepare("2026-01-01", glob)
    with pytest.raises(EkycFailException) as failed:
        prepare("2026-01-02", glob)
    assert f"{first} is among the lists to read, and was written by this operator in another run" in str(failed.value)
    assert "name it by itself" in str(failed.value)
    manifests = f"{tmp_path}/lists/*/manifest-*"
    with pytest.raises(EkycFailException, match=r"manifest-\w+.json is among the lists to read"):
        prepare("2026-01-02", manifests)
    assert len(prepare("2026-01-02", first)) == 1


def test_rejects_within_a_glob_are_refused_by_their_name_before_any_list_is_opened(
    tmp_path: Path, numbers: list[str]
) -> None:
    (tmp_path / "b.csv").write_text(
        "\n".join(["phone,name", *(f"{number},Anna" for number in numbers), "garbage,Ben\n"])
    )

    def prepare(run_id: str) -> None:
        EkycPrepareNumbersOperator(
            task_id="prepare",
            numbers=f"{tmp_path}/*.csv",
            column="phone",
            rejects_uri=tmp_path / "rejects.csv",
            destination_uri=tmp_path / "ready",
        ).execute(context_of(TaskInstance(run_id=run_id)))

    prepare("first")
    (tmp_path / "a.csv").write_text("without,this,column\n")
    with pytest.raises(EkycFailException, match=r"rejects.csv is among the lists to read, and was written by this"):
        prepare("second")


@pytest.mark.parametrize("is_listed", [True, False])
@pytest.mark.parametrize("what", ["vanishes", "is another file"])
def test_a_list_that_changes_before_its_turn_leaves_nothing_half(
    tmp_path: Path, numbers: list[str], monkeypatch: pytest.MonkeyPatch, is_listed: bool, what: str
) -> None:
    folder = tmp_path / "lists"
    folder.mkdir()
    first, second = folder / "a.txt", folder / "b.txt"
    first.write_text("\n".join(["garbage", *numbers[:100]]))
    second.write_text("\n".join(numbers[100:]))
    read = Tidier.read

    def change(tidier: Tidier, line: bytes) -> Any:
        second.unlink(missing_ok=True)
        if what == "is another file":
            second.write_bytes(b"\x00\x01")
        return read(tidier, line)

    monkeypatch.setattr(Tidier, "read", change)
    with pytest.raises((EkycFailException, EkycRetryException)) as failed:
        EkycPrepareNumbersOperator(
            task_id="prepare",
            numbers=f"{folder}/" if is_listed else [first, second],
            destination_uri=tmp_path / "ready",
        ).execute(context_of())
    assert (failed.value.kind, failed.value.charge) == ("input", "none")
    assert "b.txt" in str(failed.value)
    assert list((tmp_path / "ready").iterdir()) == []
