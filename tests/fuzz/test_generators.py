"""Each generator makes what it says: checked by zipfile, json and plain reading, never by the package."""

from __future__ import annotations

import io
import json
import random
import zipfile
import zlib
from collections import Counter

import pytest

from dev.fuzz.bombs import BOMBS, beyond_every_limit
from dev.fuzz.damage import DAMAGES
from dev.fuzz.inputs import ARCHIVES, BEYOND, make_input
from dev.fuzz.model import KINDS, OVER_SOCKETS, AnswerInput, ArchiveInput, NumbersInput, counts_of, kind_of, ordinal_of
from dev.fuzz.number_files import is_text
from dev.fuzz.tables import plain_reading, random_table
from dev.fuzz.values import API_KEY, QUERY, digits_of, secrets_in
from dev.fuzz.whole_archives import CONTENTS, packed
from dev.fuzz.zip_writer import STORED, Member, pack

SEEDS = range(25)


def test_an_index_and_a_seed_make_the_same_input_each_time() -> None:
    for index in range(60):
        assert make_input(3, index) == make_input(3, index)
    assert [make_input(3, index).data for index in range(60)] != [make_input(4, index).data for index in range(60)]


def test_of_ten_inputs_six_are_archives_two_answers_and_two_number_files() -> None:
    kinds = Counter(kind_of(index) for index in range(10_000))
    assert kinds == {"archives": 6_000, "answers": 2_000, "numbers": 2_000}
    for kind in set(KINDS):
        ordinals = [ordinal_of(index) for index in range(1_000) if kind_of(index) == kind]
        assert ordinals == list(range(len(ordinals)))


def test_three_hundred_inputs_hold_every_class_and_every_way() -> None:
    made = [make_input(1, index) for index in range(300)]
    archives = [given for given in made if isinstance(given, ArchiveInput)]
    assert {given.name for given in archives} == set(ARCHIVES)
    assert any(given.through for given in archives)
    answers = [given for given in made if isinstance(given, AnswerInput)]
    assert {given.call for given in answers} == {"submission", "status query", "balance query", "result download"}
    assert sum(given.wire for given in answers) == len(answers) // OVER_SOCKETS
    assert len({given.name for given in made if isinstance(given, NumbersInput)}) == 8


@pytest.mark.parametrize("shape", CONTENTS)
def test_whole_archives_are_whole_to_zipfile_too(shape: str) -> None:
    for seed in SEEDS if shape != "a large table" else range(2):
        rng = random.Random(seed)
        members, rows = CONTENTS[shape](rng)
        with zipfile.ZipFile(io.BytesIO(packed(rng, members))) as archive:
            assert archive.testzip() is None
            assert sorted(archive.namelist()) == sorted(member.name.decode() for member in members)
        assert len({digits for digits, _ in rows}) == len(rows) > 0


def test_a_table_is_counted_by_a_plain_reading_as_it_was_written() -> None:
    for seed in range(200):
        table = random_table(random.Random(seed))
        assert plain_reading(table.text) == {counts_of(table.rows)}


def test_whole_archives_have_every_variation() -> None:
    seen = Counter[str]()
    for seed in range(300):
        rng = random.Random(seed)
        members, _ = CONTENTS["one table"](rng)
        data = packed(rng, members)
        text = members[0].content
        seen += Counter(
            {
                "ZIP64": b"PK\x06\x06" in data or members[0].zip64,
                "a data descriptor": b"PK\x07\x08" in data,
                "stored": members[0].method == STORED,
                "a prefix": not data.startswith(b"PK"),
                "a comment": data.endswith(b"fuzzer"),
                "a folder": b"/" in members[0].name,
                "a byte order mark": text.startswith(b"\xef\xbb\xbf"),
                "CRLF": b"\r\n" in text,
                "semicolons": b";" in text,
                "quotes": b'"' in text,
                "no plus": b"+" not in text,
                "an accent": "sí".encode() in text.lower(),
            }
        )
    assert min(seen.values()) > 0, seen
    assert len(seen) == 12


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_changes_what_zipfile_reads_or_nothing_of_it(damage: str) -> None:
    allowed = [DAMAGES[damage](random.Random(seed)) for seed in SEEDS]
    assert len({made.data for made in allowed}) > len(SEEDS) // 2
    # What must be refused is no archive with true sums and one table.
    for made in allowed:
        if not made.allowed and damage == "truncation":
            with pytest.raises(zipfile.BadZipFile):
                zipfile.ZipFile(io.BytesIO(made.data))


def test_wrong_sums_are_wrong() -> None:
    refused = 0
    for seed in range(100):
        made = DAMAGES["wrong sums"](random.Random(seed))
        with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
            try:
                honest = all(
                    len(archive.read(entry)) == entry.file_size and zlib.crc32(archive.read(entry)) == entry.CRC
                    for entry in archive.infolist()
                )
            except (zipfile.BadZipFile, EOFError, zlib.error):
                honest = False
        # zipfile puts up with more packed bytes than there are.
        assert honest or not made.allowed
        refused += not honest
    assert refused > 30


def test_bombs_are_small_and_unpack_to_much() -> None:
    for name in ("a bomb beside the table", "a bomb as table", "a bomb as list"):
        data = BOMBS[name](random.Random(1)).data
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            assert max(entry.file_size for entry in archive.infolist()) > 100 * len(data)
    made = beyond_every_limit(random.Random(1))
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        assert sum(entry.file_size for entry in archive.infolist()) > 16 * 1024**3 > 500 * len(made.data)
    assert not made.allowed
    assert sum(kind_of(index) == "archives" for index in range(10_000)) > BEYOND


def test_the_zip_writer_lies_where_it_is_told_to() -> None:
    data = pack([Member(b"t.csv", b"x" * 100, listed={"size": 7}, local={"crc": 9})])
    entry = zipfile.ZipFile(io.BytesIO(data)).infolist()[0]
    assert (entry.file_size, entry.compress_size) == (7, len(zlib.compress(b"x" * 100)) - 6)
    assert data[14:18] == (9).to_bytes(4, "little")


def test_whole_answers_say_what_is_expected_of_them() -> None:
    indices = [index for index in range(3_000) if kind_of(index) == "answers"]
    answers = [given for index in indices if isinstance(given := make_input(2, index), AnswerInput)]
    assert len(answers) == 600
    whole = [given for given in answers if given.expected and not given.wire]
    assert len(whole) > 20
    for given in whole:
        fields = json.loads(given.data)
        assert all(
            str(fields[name]) == str(wanted) or float(fields[name]) == wanted for name, wanted in given.expected.items()
        )
    assert sum(bool(secrets_in(given.data.decode(errors="replace"))) for given in answers) > len(answers) // 10


def test_number_files_are_text_and_are_not() -> None:
    indices = [index for index in range(1_500) if kind_of(index) == "numbers"]
    files = [given for index in indices if isinstance(given := make_input(2, index), NumbersInput)]
    assert len(files) == 300
    texts = Counter(is_text(given.data) for given in files)
    assert min(texts[True], texts[False]) > len(files) // 10
    assert {(given.check, given.invalid) for given in files} >= {(True, "fail"), (True, "drop"), (False, "drop")}


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (f"+{digits_of(5)}", ["a number"]),
        ("+999 432 1000 0005", ["a number"]),
        (f"key {API_KEY}.", ["a key"]),
        (f"https://x/?{QUERY}", ["a URL's query"]),
        ("10,000,000 rows, 2025-11-21T15:58:08Z, 99943 bytes", []),
    ],
)
def test_secrets_are_known_again(text: str, kinds: list[str]) -> None:
    assert secrets_in(text) == kinds
