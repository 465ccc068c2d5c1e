from __future__ import annotations

import io
import zipfile

import pytest
import requests

from airflow_provider_ekyc.sandbox import expected_answer
from tests.sandbox.sandbox_callers import numbers, table


@pytest.fixture
def download(caller):
    url = caller.result_url(1000)

    def get(**options):
        return caller.get(url, **options)

    get.sandbox = caller.sandbox
    return get


def until_cut(download):
    got = b""
    with download(stream=True) as answer:
        try:
            for chunk in answer.iter_content(1):
                got += chunk
        except requests.exceptions.ChunkedEncodingError:
            return answer, got
    pytest.fail("the connection was not cut")


def test_a_short_zip_has_an_honest_length(download):
    whole = download().content
    download.sandbox.fault("result", "short_zip")
    short = download()
    assert int(short.headers["Content-Length"]) == len(short.content) == len(whole) // 2
    assert whole.startswith(short.content)
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(short.content))
    download.sandbox.fault("result", "short_zip", at_byte=0)
    assert download().content == b""


@pytest.mark.parametrize("at_byte", [None, 0, 700])
def test_a_body_is_cut_at_a_byte(download, at_byte):
    whole = download().content
    download.sandbox.fault("result", "cut_body", at_byte=at_byte)
    answer, got = until_cut(download)
    assert int(answer.headers["Content-Length"]) == len(whole)
    assert got == whole[: len(whole) // 2 if at_byte is None else at_byte]


def test_a_cut_download_can_be_resumed(download):
    whole = download().content
    download.sandbox.fault("result", "cut_body", at_byte=700)
    answer, got = until_cut(download)
    rest = download(headers={"Range": f"bytes={len(got)}-", "If-Range": answer.headers["ETag"]})
    assert rest.status_code == 206
    assert got + rest.content == whole


def test_a_wrong_checksum_in_the_archive(download):
    download.sandbox.fault("result", "wrong_crc")
    with (
        zipfile.ZipFile(io.BytesIO(download().content)) as archive,
        pytest.raises(zipfile.BadZipFile, match="CRC"),
    ):
        archive.read("amazon.csv")
    assert len(table(download().content)) == 1001


def test_a_spreadsheet_instead_of_a_zip_of_csv(download):
    download.sandbox.fault("result", "xlsx")
    content = download().content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert set(archive.namelist()) == {
            "[Content_Types].xml",
            "xl/workbook.xml",
            "xl/worksheets/sheet1.xml",
        }
        assert archive.testzip() is None


def test_missing_rows(download):
    download.sandbox.fault("result", "missing_rows", rows=3)
    assert [row[0] for row in table(download().content)[1:]] == numbers(997).split()


def test_missing_rows_take_the_failed_ones_first(call_up):
    caller = call_up(failure_rows=2, failure_rows_in_result=True)
    url = caller.result_url()
    caller.sandbox.fault("result", "missing_rows", rows=3)
    rows = table(caller.get(url).content)[1:]
    assert [row[0] for row in rows] == numbers(97).split()
    assert "undetermined" not in {row[1] for row in rows}


def test_extra_rows_are_of_numbers_that_nobody_sent(download):
    download.sandbox.fault("result", "extra_rows", rows=3)
    rows = table(download().content)[1:]
    assert len(rows) == 1003
    extra = {number for number, _ in rows} - set(numbers(1000).split())
    assert len(extra) == 3
    assert all(number.startswith("+999") for number in extra)
    assert all(answer == expected_answer(number) for number, answer in rows)


def test_an_expired_url_for_the_first_downloads(download):
    download.sandbox.fault("result", "expired", times=2)
    answers = [download() for _ in range(3)]
    assert [answer.status_code for answer in answers] == [403, 403, 200]
    assert "Request has expired" in answers[0].text


def test_a_redirect_to_another_host(download):
    download.sandbox.fault("result", "redirect")
    answer = download(allow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["Location"].startswith("http://localhost:")
    download.sandbox.fault("result", "redirect", location="https://example.invalid/x.zip")
    assert download(allow_redirects=False).headers["Location"] == "https://example.invalid/x.zip"


def test_another_object_in_mid_way(download):
    first = download()
    etag = first.headers["ETag"]
    download.sandbox.fault("result", "wrong_etag", times=2)
    bare = download(headers={"Range": "bytes=700-"})
    guarded = download(headers={"Range": "bytes=700-", "If-Range": etag})
    assert bare.status_code == 206
    assert bare.headers["ETag"] == guarded.headers["ETag"] != etag
    assert guarded.status_code == 200, "If-Range names an object that is no longer there"
    assert table(guarded.content) == table(first.content)
    assert first.content[:700] + bare.content != first.content


def test_a_refused_request_uses_its_fault_up_too(download):
    download.sandbox.fault("result", "xlsx")
    assert download(headers={"X-API-Key": "made-up-key"}).status_code == 403
    assert len(table(download().content)) == 1001


@pytest.mark.parametrize(
    ("kind", "options", "status", "said", "sent"),
    [
        ("whole_body", {}, 200, None, (0, None)),
        ("other_range", {}, 206, (101, 200), (101, 201)),
        ("short_range", {}, 206, (100, 199), (100, 150)),
        ("short_range", {"at_byte": 7}, 206, (100, 199), (100, 107)),
        ("long_range", {}, 206, (100, 199), (100, 201)),
        ("stall", {"seconds": 0.1}, 206, (100, 199), (100, 200)),
    ],
)
def test_a_range_is_answered_wrongly(download, kind, options, status, said, sent):
    whole = download().content
    download.sandbox.fault("result", kind, **options)
    answer = download(headers={"Range": "bytes=100-199"})
    assert (answer.status_code, answer.content) == (status, whole[slice(*sent)])
    assert answer.headers.get("Content-Range") == (said and f"bytes {said[0]}-{said[1]}/{len(whole)}")
    assert download(headers={"Range": "bytes=100-199"}).content == whole[100:200]


@pytest.mark.parametrize("kind", ["whole_body", "other_range", "short_range", "long_range", "stall"])
def test_the_whole_object_has_no_fault_of_a_range(download, kind):
    whole = download().content
    download.sandbox.fault("result", kind, seconds=0.1)
    assert download().content == whole


def test_the_last_range_is_answered_wrongly_within_the_object(download):
    whole = download().content
    tail = {"Range": f"bytes={len(whole) - 10}-"}
    for kind, sent in (("other_range", whole[-11:-1]), ("long_range", whole[-11:])):
        download.sandbox.fault("result", kind)
        assert download(headers=tail).content == sent


def test_the_request_for_the_last_bytes_meets_no_fault_and_is_not_counted(download):
    whole = download().content
    download.sandbox.fault("result", "expired")
    calls, seen = download.sandbox.calls, download.sandbox.requests
    end = download(headers={"Range": "bytes=-100"})
    assert (end.status_code, end.content) == (206, whole[-100:])
    assert (download.sandbox.calls, download.sandbox.requests) == (calls, seen)
    assert download().status_code == 403
    assert download(headers={"Range": "bytes=-100", "X-API-Key": "made-up-key"}).status_code == 403
    assert download.sandbox.key_leaks == 1
