"""Headers, columns and members of a result: what is read, what is named as left out, and what is not guessed."""

from __future__ import annotations

import io
import unicodedata
import zlib

import pytest

from airflow_provider_ekyc.exceptions import EkycResultError
from airflow_provider_ekyc.results.archive.check import ArchiveReader, ArchiveSummary
from airflow_provider_ekyc.results.errors import DOWNLOAD_AGAIN
from airflow_provider_ekyc.results.table.header import ColumnNames, is_number_name
from tests.results.archives import check_archive, pack, with_field

ROWS = b"+12025550100,yes\n+12025550101,no\n"
TABLE = b"Number,amazon\n" + ROWS
READ = ArchiveSummary(2, 1, 1, 0)
WAY_OUT = "set output_format='zip' and check='archive'"


def check(members: dict[str, bytes], names: ColumnNames | None = None) -> tuple[ArchiveSummary, bytes]:
    reader = ArchiveReader(io.BytesIO(pack(members)), names)
    lines = b"".join([rows.lines for rows in reader.rows()])
    return reader.summary, lines


def refusal(members: dict[str, bytes], names: ColumnNames | None = None) -> str:
    with pytest.raises(EkycResultError) as caught:
        check(members, names)
    assert WAY_OUT in caught.value.message
    assert "2025550" not in caught.value.message
    return caught.value.message


# The header.


@pytest.mark.parametrize(
    "name",
    [
        *("Number", "Mobile", "msisdn", "MSISDN", "Phone Number", "phone_number", "PhoneNumber", "phone-number"),
        *("Phone No.", "Telephone", "Tel", "Cell Phone", "E.164", "teléfono", "Teléfono móvil", "Número de teléfono"),
        *("Número", "celular", "手机号", "\u200bNumber\u200e", "\u00a0Number", "# Number", "Mobile:"),
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_the_numbers_column_has_many_names_with_accents_in_either_form(name: str, form: str) -> None:
    header = unicodedata.normalize(form, f"{name},amazon\n").encode()  # type: ignore[arg-type]
    assert check({"amazon.csv": header + ROWS}) == (READ, ROWS)


@pytest.mark.parametrize("name", ["id", "no", "#", "contact", "Num ber", "whatsapp", "carrier", "numberless", ""])
def test_what_may_name_another_column_is_no_name_of_the_numbers(name: str) -> None:
    assert not is_number_name(name)


@pytest.mark.parametrize("asked", ["Who", "WHO", " who\u200b"])
def test_number_column_names_any_other(asked: str) -> None:
    table = b"Who,amazon\n" + ROWS
    assert "set number_column to it" in refusal({"amazon.csv": table})
    assert check({"amazon.csv": table}, ColumnNames(number=asked)) == (READ, ROWS)
    assert "Correct number_column" in refusal({"amazon.csv": table}, ColumnNames(number="Whom"))


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_the_columns_that_are_asked_for_may_have_accents_in_either_form(form: str) -> None:
    header = unicodedata.normalize("NFC", "País,Línea,válido\n").encode()
    table = header + b"x,+12025550100,yes\ny,+12025550101,no\n"
    asked = [unicodedata.normalize(form, name) for name in ("línea", "VÁLIDO")]  # type: ignore[arg-type]
    assert check({"amazon.csv": table}, ColumnNames(number=asked[0], answer=asked[1])) == (READ, ROWS)


def test_two_columns_that_may_hold_the_number_are_not_chosen_between() -> None:
    table = b"Mobile,Phone Number,amazon\n+12025550100,+12025550102,yes\n+12025550101,+12025550103,no\n"
    assert "2 columns that may hold the number (columns: mobile)" in refusal({"amazon.csv": table})
    assert check({"t.csv": table}, ColumnNames(number="mobile", answer="amazon")) == (READ, ROWS)
    assert check({"t.csv": table}, ColumnNames(number="mobile", task_type="amazon")) == (READ, ROWS)


@pytest.mark.parametrize(
    "header",
    [b"Number,amazon,country", b"Number,activated,country", b"Number,Registered,country", b"Number,COINW,country"],
)
def test_an_extra_column_is_left_out_where_one_is_named_after_what_was_verified(header: bytes) -> None:
    table = header + b"\n+12025550100,yes,US\n+12025550101,no,US\n"
    task_type = "coinW" if b"COINW" in header else "amazon"
    assert check({"t.csv": table}, ColumnNames(task_type=task_type)) == (READ, ROWS)


@pytest.mark.parametrize("header", [b",Number,ws", b"Number,ws,", b"Number, ,ws"])
def test_a_column_without_a_name_is_no_answer_beside_one_with_a_name(header: bytes) -> None:
    places = {b"Number": [b"+12025550100", b"+12025550101"], b"ws": [b"yes", b"no"]}
    rows = [b",".join(places.get(name, [b"0", b"1"])[at] for name in header.split(b",")) for at in range(2)]
    assert check({"t.csv": b"\n".join([header, *rows, b""])}) == (READ, ROWS)


@pytest.mark.parametrize("header", [b"Number,amazon,activated", b"Number,country,carrier", b"Number,ws,htx"])
def test_several_columns_that_may_be_the_answers_are_not_chosen_between(header: bytes) -> None:
    table = header + b"\n+12025550100,yes,no\n"
    assert "has 2 columns besides the number's" in refusal({"t.csv": table}, ColumnNames(task_type="amazon"))


@pytest.mark.parametrize(
    "before",
    [
        b"Results of task d4g8o46p2jvh04o9uolg\n",
        b"sep=,\n",
        b"\n\n",
        b"Report\nCreated,2026-01-02 03:04:05\nRows,2\n\n",
        b"Numbers,2\n",
        b'"Amazon, results"\r\n',
        b"\xef\xbb\xbf# made by a test\n",
    ],
)
def test_lines_before_the_header_are_left_out(before: bytes) -> None:
    assert check({"t.csv": before + TABLE}) == (READ, ROWS)
    semicolons = TABLE.replace(b",", b";")
    assert check({"t.csv": before.replace(b",", b";") + semicolons}) == (READ, ROWS)


def test_lines_are_counted_from_the_first_of_the_file() -> None:
    assert "Line 5 of the result's table has 3 fields" in refusal({"t.csv": b"Title\n" + TABLE + b"1,2,3\n"})


@pytest.mark.parametrize(
    "table",
    [
        b"+12025550102,yes\n" + TABLE,
        b"x,+1 202 555 0102\n" + TABLE,
        b"title\n" * 10 + TABLE,
        ROWS,
        b"a,b\n" + ROWS,
        b"Number\n" + ROWS,
    ],
    ids=["a row first", "a row in another writing", "ten lines", "no header", "other names", "one column"],
)
def test_rows_before_a_header_and_tables_without_one_are_refused(table: bytes) -> None:
    refusal({"t.csv": table})


def test_a_header_that_comes_again_is_no_row() -> None:
    assert check({"t.csv": TABLE + b"Number,amazon\n+12025550102,no\nNUMBER,Amazon\n"}) == (
        ArchiveSummary(3, 1, 2, 0),
        ROWS + b"+12025550102,no\n",
    )


@pytest.mark.parametrize("name", ["E.164", "Phone 2", "phone2:", "Tel. (2)"])
def test_a_header_that_comes_again_is_no_row_if_its_name_ends_with_a_digit(name: str) -> None:
    table = f"{name},amazon\n".encode()
    summary, lines = check({"t.csv": table + ROWS + table + b"+12025550102,no\n"}, ColumnNames(number=name))
    assert (summary, lines) == (ArchiveSummary(3, 1, 2, 0), ROWS + b"+12025550102,no\n")


def test_rows_of_blank_cells_are_none() -> None:
    assert check({"t.csv": TABLE + b",\n , \n"}) == (READ, ROWS)


def test_other_forms_and_unknown_answers_are_in_the_summary() -> None:
    rows = b"0012025550102,yes\n1.2E+10,no\n+12025550103,maybe\n+12025550104,maybe\n"
    summary = check({"amazon.csv": TABLE + rows})[0]
    assert (summary.rows, summary.yes, summary.no, summary.unknown) == (6, 2, 2, 2)
    assert summary.unreadable == {"in scientific notation": 1}
    assert summary.repaired == {"prefix 00": 1}
    assert summary.unknown_words == '"maybe" 2'


# The members.


@pytest.mark.parametrize(
    "names",
    [
        ("amazon_1.csv", "amazon_2.csv"),
        ("amazon-01.csv", "amazon-02.csv"),
        ("amazon1.csv", "AMAZON2.CSV"),
        ("amazon (1).csv", "amazon (2).csv"),
        ("part-00000.csv", "part-00001.csv"),
        ("d/amazon_1.csv", "d/amazon_2.csv"),
        ("1.csv", "2.csv"),
    ],
)
def test_a_table_in_numbered_parts_is_read_as_one(names: tuple[str, str]) -> None:
    more = b"Number,amazon\r\n+12025550102,no\r\n"
    summary, lines = check({names[0]: TABLE, names[1]: more})
    assert (summary, lines) == (ArchiveSummary(3, 1, 2, 0), ROWS + b"+12025550102,no\n")
    assert summary.beside == ""


def test_ten_parts_are_in_the_order_of_their_numbers() -> None:
    members = {f"amazon_{part}.csv": b"Number,amazon\n+120255501%02d,no\n" % part for part in range(1, 12)}
    assert check(members)[1] == b"".join(b"+120255501%02d,no\n" % part for part in range(1, 12))
    assert check(dict(sorted(members.items())))[1] == b"".join(b"+120255501%02d,no\n" % part for part in range(1, 12))


def test_two_parts_are_in_the_order_of_their_numbers_too() -> None:
    more = b"Number,amazon\n+12025550102,no\n"
    assert check({"amazon_2.csv": more, "amazon_1.csv": TABLE})[1] == ROWS + b"+12025550102,no\n"


def test_what_precedes_a_table_is_read_before_it() -> None:
    archive = with_field(pack({"made-up.txt": b"made up", "amazon.csv": TABLE}), "crc", 7)
    with pytest.raises(EkycResultError, match="Bad CRC-32"):
        next(ArchiveReader(io.BytesIO(archive)).rows())


@pytest.mark.parametrize(
    "names",
    [
        ("amazon_1.csv", "amazon_3.csv"),
        ("amazon_2.csv", "amazon_3.csv"),
        ("amazon_20260101.csv", "amazon_20260102.csv"),
        ("amazon.csv", "amazon_1.csv"),
        ("amazon_1.csv", "ws_2.csv"),
        ("a/amazon_1.csv", "b/amazon_2.csv"),
        ("a.csv", "b.csv"),
        ("a/all.csv", "b/all.csv"),
    ],
)
def test_tables_that_may_not_be_parts_of_one_are_not_put_together(names: tuple[str, str]) -> None:
    assert "2 CSV files" in refusal({names[0]: TABLE, names[1]: TABLE})


@pytest.mark.parametrize("header", [b"Number,activated", b"amazon,Number", b"Number;amazon"])
def test_parts_with_different_headers_are_not_put_together(header: bytes) -> None:
    other = header + b"\n" + (b"no,+12025550102" if header.startswith(b"a") else b"+12025550102,no")
    other = other.replace(b",", b";") if b";" in header else other
    assert "2 parts, which have different headers" in refusal({"amazon_1.csv": TABLE, "amazon_2.csv": other})


def test_a_part_without_a_header_is_not_lost() -> None:
    refusal({"amazon_1.csv": TABLE, "amazon_2.csv": b"+12025550102,no\n"})
    refusal({"amazon.csv": TABLE, "rest.csv": b"+12025550102,no\n"})
    refusal({"amazon_1.csv": TABLE, "amazon_2.csv": b"\n"})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("failed.csv", b"Number,reason\n+12025550102,timeout\n"),
        ("failed.csv", b"Number,amazon\n+12025550102,\n"),
        ("amazon_failed.csv", b"+12025550102\n"),
        ("Failed-1.csv", b"Number\n+12025550102\n"),
        ("errors.csv", b""),
        ("summary.csv", b"Number,amazon\n2,1\n"),
        ("amazon-summary.csv", b"metric,value\nrows,2\n"),
        ("countries.csv", b"Country,Rows\nUS,2\n"),
        ("notes.csv", b"made by a test\n"),
    ],
)
def test_a_file_beside_the_table_is_named_and_not_read(name: str, content: bytes) -> None:
    summary, lines = check({name: content, "amazon.csv": TABLE})
    assert (summary, lines) == (READ, ROWS)
    assert summary.beside == name
    summary, lines = check({"amazon_1.csv": TABLE, "amazon_2.csv": b"Number,amazon\n", "failed.csv": content})
    assert (summary.rows, summary.beside) == (2, "failed.csv")


def test_the_table_beside_others_is_found_by_the_number_column_that_is_named() -> None:
    members = {"amazon.csv": b"Who,amazon\n" + ROWS, "notes.csv": b"made by a test\n"}
    assert check(members, ColumnNames(number="Who")) == (READ, ROWS)


def test_a_table_alone_is_the_table_whatever_its_name() -> None:
    assert check({"summary.csv": TABLE})[0] == READ


def test_the_name_of_a_file_beside_the_table_shows_no_number() -> None:
    assert check({"failed +12025550102.csv": b"x\n", "amazon.csv": TABLE})[0].beside == "failed [number removed].csv"


@pytest.mark.parametrize(("count", "end"), [(5, "failed_4.csv"), (6, "failed_4.csv, …"), (7, "failed_4.csv, …")])
def test_five_files_beside_the_table_are_named(count: int, end: str) -> None:
    beside = {f"failed_{number}.csv": b"x\n" for number in range(count)}
    named = check({"amazon.csv": TABLE, **beside})[0].beside
    assert named == f"failed_0.csv, failed_1.csv, failed_2.csv, failed_3.csv, {end}"


def test_a_long_name_of_a_file_beside_the_table_is_cut_off() -> None:
    named = check({f"failed {'made up ' * 20}.csv": b"x\n", "amazon.csv": TABLE})[0].beside
    assert named.startswith("failed made up made up ")
    assert len(named.removesuffix("…")) <= 60


def test_what_is_beside_the_table_is_checked_too() -> None:
    archive = bytearray(pack({"amazon.csv": TABLE, "failed.csv": b"+12025550102\n" * 100}))
    archive[archive.index(b"failed.csv") + 12] ^= 1
    with pytest.raises(EkycResultError, match="damaged"):
        check_archive(io.BytesIO(bytes(archive)))


def test_a_table_without_a_row_is_a_result_only_if_it_may_be() -> None:
    archive = pack({"amazon.csv": b"Number,amazon\n", "failed.csv": b"+12025550102\n"})
    with pytest.raises(EkycResultError, match="contains no rows") as caught:
        list(ArchiveReader(io.BytesIO(archive)).rows())
    assert DOWNLOAD_AGAIN in caught.value.message
    assert check_archive(io.BytesIO(archive), may_be_empty=True) == ArchiveSummary(0, 0, 0, 0)


def test_nothing_is_known_of_an_archive_before_its_last_row_is_read() -> None:
    reader = ArchiveReader(io.BytesIO(pack({"amazon.csv": TABLE})))
    rows = reader.rows()
    assert next(rows).lines == ROWS
    assert reader.summary == ArchiveSummary(0, 0, 0, 0, is_read=False)
    assert reader.packed_table(len(TABLE), zlib.crc32(TABLE)) is None
    assert list(rows) == []
    assert reader.summary == READ
