"""A server that quotes what it was sent: nothing of it is shown, and ids stay whole."""

from __future__ import annotations

import html
import io
import json
import time
import unicodedata
from collections.abc import Callable, Set as AbstractSet
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings, strategies as st

from airflow_provider_ekyc.api.client import EkycClient
from airflow_provider_ekyc.api.sent_numbers import SentFile
from airflow_provider_ekyc.exceptions import EkycApiError, Outcome
from airflow_provider_ekyc.redaction import digits_of, redact
from dev.testing.sockets import SocketServer, answer, answering
from tests.api.conftest import API_KEY, settings_for

Make = Callable[..., EkycClient]

KEY = "Zq7fK2mPx9TvLd4s"
NUMBER = "+12125550123"
FILE = b"".join(b"+1212555%04d\n" % index for index in range(100, 200))


class Sent:
    """The numbers of a list, as a file has them."""

    def __init__(self, *numbers: str) -> None:
        self._file = SentFile(io.BytesIO("".join(f"{number}\n" for number in numbers).encode()))

    def among(self, whole: AbstractSet[str], ends: AbstractSet[str]) -> tuple[set[str], set[str]]:
        return self._file.among(whole, ends)


def spelled(number: str, separator: str) -> str:
    digits = number.removeprefix("+")
    return "+" + separator.join([digits[0], digits[1:4], digits[4:7], digits[7:]])


CIRCLED = "\u24ea\u2460\u2461\u2462\u2463\u2464\u2465\u2466\u2467\u2468"
SPELLINGS = {
    "as it is": NUMBER,
    "no plus": NUMBER[1:],
    "00": f"00{NUMBER[1:]}",
    "no country": "212-555-0123",
    "no country, no separator": "2125550123",
    "local": "555-0123",
    "no-break spaces": spelled(NUMBER, "\u00a0"),
    "no-break hyphens": spelled(NUMBER, "\u2011"),
    "slashes": spelled(NUMBER, "/"),
    "percent": quote(spelled(NUMBER, " ")),
    "percent, every byte": "".join(f"%{byte:02X}" for byte in NUMBER.encode()),
    "percent twice": quote(quote(NUMBER)),
    "commas": spelled(NUMBER, ","),
    "colons": spelled(NUMBER, ":"),
    "zero width": "\u200b".join(NUMBER),
    "soft hyphens": "\u00ad".join(NUMBER),
    "direction marks": f"\u202d{NUMBER}\u202c",
    "full width": "".join(chr(0xFF10 + int(digit)) for digit in NUMBER[1:]),
    "Arabic": "".join(chr(0x0660 + int(digit)) for digit in NUMBER[1:]),
    "circled": "".join(
        "\u24ea\u2460\u2461\u2462\u2463\u2464\u2465\u2466\u2467\u2468"[int(digit)] for digit in NUMBER[1:]
    ),
    "HTML": "".join(f"&#{ord(character)};" for character in NUMBER),
    "HTML blanks": spelled(NUMBER, "&nbsp;"),
    "HTML tags": spelled(NUMBER, "</b> <b>"),
    "JSON": "".join(f"\\u{ord(character):04x}" for character in NUMBER),
    "Python": spelled(NUMBER, "\\xa0"),
    "new lines": spelled(NUMBER, "\n"),
    "underscores": spelled(NUMBER, "_"),
    "dots": spelled(NUMBER, "."),
}


@pytest.mark.parametrize("shown", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("status", [400, 429, 500, 200, 502])
def test_a_number_that_was_sent_is_not_shown_in_any_spelling(client: Make, status: int, shown: str) -> None:
    body = json.dumps({"error": f"line 24 is not valid: {shown}, of 100"}).encode()
    with SocketServer(answering(answer(f"{status} Made Up", body))) as server, pytest.raises(EkycApiError) as caught:
        client(settings_for(server.url)).submit(io.BytesIO(FILE), len(FILE), "amazon")
    message = caught.value.message
    assert "line 24 is not valid" in message
    assert "5550123" not in digits_of(message)
    assert "0123" not in message
    assert ", of 100" in message


@pytest.mark.parametrize(
    "shown",
    [
        "jane.doe@mail.example",
        "jane.doe+x@mail.example",
        "<jane.doe@mail.example>",
        "jane.doe%40mail.example",
        "jane.doe&#64;mail.example",
        "jane.doe&commat;mail.example",
        "jane.doe\uff20mail.example",
        "jane.doe @ mail.example",
        "jane.doe @mail.example",
        "mailto:jane.doe@mail.example?subject=x",
        "JANE.DOE@MAIL.EXAMPLE",
    ],
)
def test_an_address_is_not_shown_whoever_sent_it(shown: str) -> None:
    message = redact(f"line 24 is not valid: {shown} .")
    assert "line 24 is not valid" in message
    assert "jane" not in message.lower()
    assert "mail.example" not in message.lower()


@pytest.mark.parametrize(
    "shown",
    [
        KEY,
        KEY.upper(),
        KEY.lower(),
        KEY[:6],
        KEY[-6:],
        KEY[3:11].swapcase(),
        f"Bearer {KEY[:12]}...",
        f"{KEY[:8]}****{KEY[-8:]}",
        f"key={KEY[:10]}&x=1",
        "".join(f"%{byte:02x}" for byte in KEY.encode()),
        "".join(f"&#x{byte:x};" for byte in KEY.encode()),
        "".join(chr(ord(character) + 0xFEE0) for character in KEY),
    ],
)
def test_no_part_of_the_key_is_shown_in_any_case(shown: str) -> None:
    message = redact(f"no access with {shown} today", secrets=(KEY,)).lower()
    assert "no access with" in message
    assert not [KEY[at : at + 6] for at in range(len(KEY) - 5) if KEY[at : at + 6].lower() in message]


@given(st.text(max_size=20), st.integers(0, 10), st.integers(6, 16), st.booleans(), st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_no_six_characters_of_the_key_survive(before: str, start: int, length: int, upper: bool, after: str) -> None:
    part = KEY[start : start + length]
    part = part.upper() if upper else part
    shown = redact(f"{before}{part}{after}", secrets=(KEY,), limit=1000).lower()
    assert not [KEY[at : at + 6] for at in range(len(KEY) - 5) if KEY[at : at + 6].lower() in shown]


_DIGITS = st.text("0123456789", min_size=7, max_size=14)
_BETWEEN = st.sampled_from(
    ["", " ", "\u00a0", "\u2011", "-", "/", ".", ", ", "\u200e", "%20", "&nbsp;", "\\u00a0", "_", ")("]
)


# Without what begins an escape, which could be one of the number's digits, or make some.
_AROUND = st.text(st.characters(exclude_characters="%&\\"), max_size=20)


@given(_DIGITS, st.lists(_BETWEEN, min_size=15, max_size=15), _AROUND, _AROUND)
@example("9991234567", [""] * 15, "1", "2")
@example("0000000", [""] * 15, "9", "0000000")
@example("0000000", [""] * 6 + [" "] + [""] * 8, "", "@")
@settings(max_examples=300, deadline=None)
def test_no_number_that_was_sent_survives_any_grouping(
    digits: str, between: list[str], before: str, after: str
) -> None:
    number = "9" + digits
    shown = "".join(digit + gap for digit, gap in zip(number, between, strict=False))
    left = redact(f"{before}{shown}{after}", sent=Sent(f"+{number}"), limit=1000)
    # Digits on both sides of a mark are no number, whatever they would be beside each other.
    assert not [piece for piece in left.split("[number removed]") if number in digits_of(piece)]
    assert len(digits_of(left)) <= len(digits_of(unicodedata.normalize("NFKC", before + after)))


@given(st.lists(st.from_regex(r"\+999[0-9]{7,11}", fullmatch=True), min_size=1, max_size=20), st.integers(0, 19))
def test_the_numbers_of_a_file_are_found_in_it(numbers: list[str], place: int) -> None:
    number = numbers[place % len(numbers)][1:]
    assert Sent(*numbers).among({number, "12345678"}, set()) == ({number}, set())
    assert Sent(*numbers).among(set(), {number[-7:], number[-9:]}) == (set(), {number[-7:], number[-9:]})


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_number_is_found_wherever_a_block_ends(end: bytes) -> None:
    for size in (1024 * 1024 - 5, 1024 * 1024, 1024 * 1024 + 5):
        lines = b"+9990000000001\n" * (size // 15)
        file = SentFile(io.BytesIO(lines + b"\n" * (size - len(lines)) + b"+12125550123\r\n+12125550199" + end))
        both = {"12125550123", "12125550199"}
        assert file.among({*both, "12125550100"}, {"5550123", "5550100"}) == (both, {"5550123"})


def test_a_file_is_read_from_its_start_each_time() -> None:
    sent = SentFile(io.BytesIO(b"12125550123\n12125550124\n"))
    for _ in range(2):
        assert sent.among({"12125550123"}, {"5550124"}) == ({"12125550123"}, {"5550124"})


class InBlocks(io.BytesIO):
    """Refuses to be read as a whole."""

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert 0 < size < len(self.getbuffer())
        return super().read(size)


def test_a_large_file_is_not_read_at_once() -> None:
    file = InBlocks(b"12125550123\n" * 1_000_000)
    assert SentFile(file).among({"12125550123"}, set()) == ({"12125550123"}, set())


def test_a_file_without_lines_is_no_trouble() -> None:
    assert SentFile(io.BytesIO(b"7" * 5_000_000)).among({"7" * 12}, {"7" * 9}) == (set(), {"7" * 9})


def test_a_count_stays_although_a_long_list_has_numbers_that_end_so() -> None:
    sent = Sent(*(f"+999{index:010d}" for index in range(20_000)))
    shown = redact("line 3 is not valid: +999 0000 000 007, of 10,000,000", sent=sent)
    assert shown == "line 3 is not valid: [number removed], of 10,000,000"


def test_what_can_not_be_compared_is_not_shown() -> None:
    file = io.BytesIO(FILE)
    file.close()
    assert "1234567" not in redact("got 1234567", sent=SentFile(file))


@pytest.mark.parametrize(
    "text",
    [
        "amazon takes 100 to 10,000,000 rows, got 99",
        "maintenance until 2025-11-21T08:27:09.933Z",
        "request 550e8400-e29b-41d4-a716-446655440000 failed",
        "task d4g8o46p2jvh04o9uolg was made before",
        "error 1234567 in block 89",
    ],
)
def test_counts_times_and_ids_that_were_not_sent_stay(text: str) -> None:
    assert redact(text, sent=Sent(NUMBER), secrets=(KEY,)) == text


def test_an_id_of_digits_stays_where_it_is_known_to_be_one() -> None:
    assert redact("task 123456789012 exists", keep=("123456789012",)) == "task 123456789012 exists"
    assert redact("task 123456789012 exists") == "task [number removed] exists"
    assert "2125550123" not in redact("task 12125550123 exists", keep=("12125550123",), sent=Sent(NUMBER))
    assert "555" not in redact("call +1212 5550123", keep=("5550123",), sent=Sent(NUMBER))


def test_a_short_id_does_not_open_the_number_around_it() -> None:
    assert redact("bad +999 12 345678 in line 12", keep=("12",)) == "bad [number removed] in line 12"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("bad +1 212 555 0123@s.example here", "bad [address removed] here"),
        ("bad jane12125550123@mail.example here", "bad [address removed] here"),
        ("bad 1 212 555 0123 @ mail.example here", "bad [address removed] here"),
        ("bad john1@2125550123.mail.example here", "bad [address removed] here"),
        ("bad 1212@5550123 here", "bad [address removed] here"),
    ],
)
def test_a_number_in_front_of_an_at_sign_goes_with_the_address(text: str, left: str) -> None:
    assert redact(text, sent=Sent(NUMBER)) == left


@pytest.mark.parametrize(
    ("instead", "shown"),
    [
        (f"line 4: {NUMBER} is invalid", ("line 4: [number removed] is invalid",)),
        (f"no task for 555-0123, see https://api.example/?sig={KEY}", ("no task for [number removed], see",)),
        (f"the key {API_KEY[:8]} is wrong", ("the key *** is wrong",)),
        ("name@customer.example is invalid", ("[address removed] is invalid",)),
        (f"tel:{NUMBER}", ()),
        ("tel:+12125550999", ("tel:+12125550999",)),
        ("d4g2+1212555", ("d4g2+1212555",)),
    ],
)
@pytest.mark.parametrize("status", [200, 400])
def test_an_echo_in_the_place_of_an_id_is_not_shown(
    client: Make, status: int, instead: str, shown: tuple[str, ...]
) -> None:
    body = json.dumps({"error": "made up", "task_id": instead}).encode()
    with SocketServer(answering(answer(f"{status} Made Up", body))) as server, pytest.raises(EkycApiError) as caught:
        client(settings_for(server.url)).submit(io.BytesIO(FILE), len(FILE), "amazon")
    assert [one.partition(" https")[0] for one in caught.value.possible_ids] == list(shown)
    for secret in ("5550123", "555-0123", KEY, API_KEY[:8], "name@"):
        assert secret not in f"{caught.value.message} {caught.value.possible_ids}"
    assert all(one in caught.value.message for one in caught.value.possible_ids)


@pytest.mark.parametrize("status", [400, 500])
def test_an_id_beside_an_echo_is_whole_and_the_echo_is_not_shown(client: Make, status: int) -> None:
    body = json.dumps({"error": f"{NUMBER} is in task 123456789012 already", "task_id": 123456789012}).encode()
    with SocketServer(answering(answer(f"{status} Made Up", body))) as server, pytest.raises(EkycApiError) as caught:
        client(settings_for(server.url)).submit(io.BytesIO(FILE), len(FILE), "amazon")
    assert caught.value.outcome is Outcome.UNKNOWN
    assert caught.value.possible_ids == ("123456789012",)
    assert "[number removed] is in task 123456789012 already" in caught.value.message
    assert "5550123" not in caught.value.message


@pytest.mark.parametrize("where", ["title", "error", "text"])
def test_an_echo_in_a_page_or_in_text_is_not_shown_either(client: Make, where: str) -> None:
    echo = f"{html.escape(spelled(NUMBER, ' '))} jane@mail.example {API_KEY.upper()}"
    body = {"title": f"<title>{echo}</title>", "error": json.dumps({"error": {"detail": echo}}), "text": echo}[where]
    for status in (200, 400, 404, 502):
        talk = answering(answer(f"{status} Made Up", body.encode()))
        with SocketServer(talk) as server, pytest.raises(EkycApiError) as caught:
            client(settings_for(server.url)).submit(io.BytesIO(FILE), len(FILE), "amazon")
        for secret in ("0123", "jane", API_KEY[-8:]):
            assert secret not in caught.value.message.lower()


@pytest.mark.parametrize("text", ["1 ", "%25", "&amp;", "@", "\\u0031", "<a", "7" * 15 + ","])
def test_malice_costs_no_time_with_numbers_to_compare(text: str) -> None:
    numbers = io.BytesIO(b"".join(b"+999%010d\n" % index for index in range(200_000)))
    begun = time.process_time()
    redact(text * 300_000, secrets=(KEY,), sent=SentFile(numbers), keep=("123456789012",))
    assert time.process_time() - begun < 5
