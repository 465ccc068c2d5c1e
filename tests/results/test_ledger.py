"""
What a ledger finds in numbers sent and rows returned: against sets, for any list.

Modules: ``results/compare/ascending.py``, ``results/compare/parts.py``, ``results/compare/row_keys.py``,
``results/compare/tally.py``.
"""

from __future__ import annotations

import os
import resource
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from airflow_provider_ekyc.exceptions import EkycSpoolError
from airflow_provider_ekyc.numbers.content_key import ContentKey
from airflow_provider_ekyc.results.compare import ascending, ledger as ledger_module, parts
from airflow_provider_ekyc.results.compare.ledger import TEXT, NumberLedger, Unmatched
from airflow_provider_ekyc.results.compare.row_keys import row_keys
from airflow_provider_ekyc.results.compare.tally import NO, SIDE_BITS, UNKNOWN, YES, tally, tally_returned
from airflow_provider_ekyc.results.table.rows import Rows, read_table
from airflow_provider_ekyc.spool import Spool, spool_file
from dev.testing.waiting import wait_until

MULTIPLIER = 0x9E3779B97F4A7C15  # of Fibonacci hashing (Knuth, TAOCP 3, 6.4)

Keys = np.ndarray[tuple[int], np.dtype[np.uint64]]


def content(file: Spool) -> bytes:
    file.seek(0)
    return file.read()


def add_returned(ledger: NumberLedger, keys: Any, answer: int = YES) -> None:
    ledger.add_returned(np.array(keys, np.uint64), np.full(len(keys), answer, np.uint8))


def content_key(keys: Any) -> str:
    key = ContentKey()
    key.add(np.array(sorted(keys), np.uint64))
    return key.hexdigest()


@pytest.fixture
def ledger() -> Iterator[NumberLedger]:
    with spool_file(None) as file, closing(NumberLedger(file, MULTIPLIER)) as opened:
        yield opened


@pytest.fixture
def target() -> Iterator[Spool]:
    with spool_file(None) as file:
        yield file


# Few different numbers, so that both sides share some; and the ends of the range.
keys = st.integers(10, 60) | st.integers(999 * 10**9, 999 * 10**9 + 40) | st.sampled_from([10**15 - 1, 10**14, 2**49])
batches = st.lists(st.tuples(st.integers(0, 3), st.lists(keys, max_size=12)), max_size=12) | st.lists(
    st.tuples(st.integers(1, 3), st.lists(keys, max_size=12)), max_size=12
)


@contextmanager
def small(
    batch: int, held: int = 40, group: int = 1 << 15, run: int = 1 << 20, merged: int = 1 << 12
) -> Iterator[None]:
    """Deal, hold, count and sort so many at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "_SKEWED", max(8 * batch // parts.PARTS, 2))
        patch.setattr(ledger_module, "BATCH", batch)
        patch.setattr(ledger_module, "_HELD", held * batch)
        patch.setattr(parts, "GROUP", group)
        patch.setattr(ledger_module, "GROUP", group)
        patch.setattr(ascending, "_RUN", run)
        patch.setattr(ascending, "_MERGED", merged)
        yield


@given(
    batches=batches,
    sizes=st.tuples(st.integers(1, 40), st.integers(0, 3), st.integers(1, 50), st.integers(1, 20), st.integers(2, 8)),
    multiplier=st.integers(0, 2**63 - 1),
)
@settings(max_examples=300, deadline=None)
def test_what_is_found_is_what_sets_find(
    batches: list[tuple[int, list[int]]], sizes: tuple[int, int, int, int, int], multiplier: int
) -> None:
    taken: dict[int, set[int]] = {side: set() for side in range(4)}
    rows = 0
    with small(*sizes), spool_file(None) as file, spool_file(None) as target:
        ledger = NumberLedger(file, 2 * multiplier + 1)
        for side, batch in batches:
            if side:
                add_returned(ledger, batch, side)
                rows += len(batch)
            else:
                ledger.add_sent(np.array(batch, np.uint64))
            taken[side].update(batch)
        sent, returned = taken[0], taken[YES] | taken[NO] | taken[UNKNOWN]
        found = Unmatched(
            sent=len(sent),
            returned=len(returned),
            count=len(sent - returned),
            unexpected=len(returned - sent),
            rows=rows,
            contradictions=len(taken[YES] & taken[NO]),
            content_key=content_key(returned),
        )
        assert ledger.unmatched(target, keyed=True) == found
        assert content(target) == b"".join(b"+%d\n" % key for key in sorted(sent - returned))


# Sixteen apart, so that a partition chosen by the last bits would hold more than its share.
SENT = np.arange(300_000, dtype=np.uint64) * np.uint64(16) + np.uint64(999 * 10**9)
RETURNED = np.concatenate([SENT[1000:], SENT[5000:9000], np.arange(10, 60, dtype=np.uint64)])
FOUND = Unmatched(
    sent=300_000,
    returned=299_050,
    count=1000,
    unexpected=50,
    rows=303_050,
    contradictions=0,
    content_key=content_key(set(RETURNED.tolist())),
)


@pytest.mark.parametrize("held", [40, 0], ids=["in memory", "on disk"])
@pytest.mark.parametrize("multiplier", [MULTIPLIER, 1, 2**63 + 1])
@pytest.mark.parametrize("spread", [1, 10**9], ids=["one after the other", "far apart"])
def test_many_rows_are_counted_as_a_dict_counts_them(held: int, multiplier: int, spread: int) -> None:
    chance = np.random.default_rng(7)
    keys = chance.integers(0, 150_000, 200_000, dtype=np.uint64) * np.uint64(spread) + np.uint64(10)
    answers = np.where(chance.random(200_000) < 0.05, UNKNOWN, YES + keys % np.uint64(2)).astype(np.uint8)
    answers[::1000] = NO
    of_number: dict[int, set[int]] = {}
    for key, answer in zip(keys.tolist(), answers.tolist(), strict=True):
        of_number.setdefault(key, set()).add(answer)
    contradictions = sum({YES, NO} <= said for said in of_number.values())
    assert contradictions > 50
    with small(1 << 14, held), spool_file(None) as file:
        ledger = NumberLedger(file, multiplier)
        ledger.add_returned(keys, answers)
        found = ledger.unmatched(keyed=True)
        assert bool(file.seek(0, 2)) == (not held)
    assert (found.rows, found.returned, found.contradictions) == (200_000, len(of_number), contradictions)
    assert found.content_key == content_key(of_number)


def test_it_deals_out_in_a_thread_that_has_ended_when_it_is_closed(ledger: NumberLedger) -> None:
    before = set(threading.enumerate())
    add_returned(ledger, range(10, 10 + 2 * parts.BATCH))
    (thread,) = set(threading.enumerate()) - before
    assert thread.name.startswith("ekyc-deal")
    ledger.close()
    assert not thread.is_alive()


@pytest.mark.parametrize(("count", "on_disk"), [(100, 0), (101, 101)])
def test_the_disk_is_used_only_for_more_rows_than_may_be_held(count: int, on_disk: int) -> None:
    with small(50), spool_file(None) as file, closing(NumberLedger(file, MULTIPLIER, held=100)) as ledger:
        add_returned(ledger, range(10, 10 + count))
        assert ledger.unmatched().returned == count
        assert file.seek(0, os.SEEK_END) == 8 * on_disk


def part_sizes(ledger: NumberLedger) -> list[int]:
    """How many rows each part holds."""
    ledger._deal_out()
    ledger._wait()
    sizes: list[int] = sum(map(np.diff, ledger._held.bounds)).tolist()
    return sizes


def test_many_numbers_are_found_and_no_partition_holds_far_more_than_its_share(
    ledger: NumberLedger, target: Spool
) -> None:
    add_returned(ledger, RETURNED)
    ledger.add_sent(SENT)
    shares = part_sizes(ledger)
    assert sum(shares) == FOUND.rows + FOUND.sent
    assert max(shares) < 1.5 * sum(shares) / parts.PARTS
    assert ledger.unmatched(target, keyed=True) == FOUND
    assert content(target).splitlines() == [b"+%d" % key for key in SENT[:1000].tolist()]


def test_the_file_depends_on_the_numbers_alone_and_not_on_their_order_or_the_partitions(
    ledger: NumberLedger, target: Spool
) -> None:
    shuffled = np.random.default_rng(1).permutation
    ledger.add_sent(SENT)
    add_returned(ledger, RETURNED)
    ledger.unmatched(target)
    with spool_file(None) as file, spool_file(None) as other_target:
        other = NumberLedger(file)
        add_returned(other, shuffled(RETURNED))
        other.add_sent(shuffled(np.concatenate([SENT, SENT])))
        assert other.unmatched(other_target, keyed=True) == FOUND
        assert content(other_target) == content(target) != b""


def test_a_list_made_for_one_multiplier_fills_no_partition_under_another() -> None:
    candidates = np.arange(4_000_000, dtype=np.uint64) + np.uint64(999 * 10**9)
    made = candidates[candidates * np.uint64(MULTIPLIER) << np.uint64(2) >> np.uint64(56) == np.uint64(5)]
    assert len(made) > 15_000
    with spool_file(None) as file, spool_file(None) as other_file:
        aimed_at, drawn = NumberLedger(file, MULTIPLIER), NumberLedger(other_file)
        shares = []
        for ledger in (aimed_at, drawn):
            add_returned(ledger, made)
            shares.append(max(part_sizes(ledger)))
            assert ledger.unmatched().returned == len(made)
    assert shares[0] == len(made)
    assert shares[1] < len(made) / 4


def test_two_ledgers_draw_different_multipliers() -> None:
    with spool_file(None) as file:
        drawn = {int(NumberLedger(file)._multiplier) for _ in range(5)}
    assert len(drawn) == 5
    assert all(multiplier % 2 for multiplier in drawn)


@pytest.mark.parametrize(
    ("table", "counts"),
    [
        (b"+12025550100,yes\n+12025550101,no\n", (2, 2, 0)),
        (b"+12025550100,yes\n12025550100,no\n", (2, 1, 1)),
        (b"+12025550100,yes\n" * 150, (150, 1, 0)),
        (b"+12025550100,yes\n+12025550100,undetermined\n", (2, 1, 0)),
        (b"+12025550100,undetermined\n+12025550100,NO\n+12025550100,S\xc3\xad\n", (3, 1, 1)),
        (b"a@mail.example,yes\nb@mail.example,no\na@mail.example,no\n+12025550100,no\n", (4, 3, 1)),
        (b"+1,yes\n+0,no\n+1234567890123456,yes\n+1234567890123456,maybe\n", (4, 3, 0)),
        (b"+12025550100,undetermined\n" * 2, (2, 1, 0)),
    ],
    ids=["plain", "both", "one in all", "yes and unknown", "three words", "addresses", "no numbers", "unknown alone"],
)
def test_rows_distinct_numbers_and_contradictions_are_counted_without_what_was_sent(
    ledger: NumberLedger, table: bytes, counts: tuple[int, int, int]
) -> None:
    for rows in read_table([b"Number,amazon\n" + table]):
        ledger.add_returned(*row_keys(rows))
    found = ledger.unmatched()
    assert (found.rows, found.returned, found.contradictions) == counts
    assert (found.sent, found.count, found.unexpected) == (0, 0, found.returned)


@pytest.mark.parametrize("count", [0, 1, 2, 1 << 16, (1 << 16) + 1])
@pytest.mark.parametrize("different", [2, 1000, 1 << 50])
def test_rows_whose_hash_no_other_row_has_are_counted_as_by_sorting(count: int, different: int) -> None:
    rng = np.random.default_rng(different)
    rows = rng.integers(different, size=count, dtype=np.uint64) * np.uint64(MULTIPLIER) << np.uint64(SIDE_BITS)
    rows |= rng.integers(1, 4, count, dtype=np.uint64)
    found, expected = tally_returned(rows, keyed=True), tally(rows, keyed=True)
    counts = [(each.sent, each.returned, each.unexpected, each.contradictions) for each in (found, expected)]
    assert counts[0] == counts[1]
    assert sorted(found.rows >> np.uint64(SIDE_BITS)) == sorted(expected.rows >> np.uint64(SIDE_BITS))
    assert len(found.lone) == len(expected.lone) == 0


def test_rows_without_a_number_have_no_content_key() -> None:
    for cell, key in ((b"+12025550101", content_key({12025550100, 12025550101})), (b"a@mail.example", None)):
        with spool_file(None) as file:
            ledger = NumberLedger(file)
            add_returned(ledger, [12025550100])
            ledger.add_returned(*row_keys(Rows(cell + b",yes\n", {"yes": 1})))
            assert ledger.unmatched(keyed=True).content_key == key


def test_the_least_key_of_a_row_without_a_number_is_in_no_content_key(ledger: NumberLedger) -> None:
    add_returned(ledger, [12025550100, TEXT])
    assert ledger.unmatched(keyed=True).content_key is None


def test_the_content_key_is_made_only_if_it_is_asked_for(ledger: NumberLedger) -> None:
    add_returned(ledger, [12025550100])
    assert ledger.unmatched().content_key is None
    assert ledger.unmatched(keyed=True).content_key == content_key([12025550100])


@given(
    cells=st.lists(
        st.tuples(
            st.sampled_from(["+12025550100", "+12025550101", "+9", "a@mail.example", "", "+0123", "+" + "1" * 20]),
            st.sampled_from(["yes", "no", "Sí", "undetermined", "", "NO"]),
        ),
        min_size=1,
        max_size=30,
    )
)
@settings(deadline=None)
def test_the_keys_of_rows_follow_the_rows_in_their_order(cells: list[tuple[str, str]]) -> None:
    answers = [answer for _, answer in cells]
    lines = "".join(f"{number or 'x'},{answer}\n" for number, answer in cells)
    keys, codes = row_keys(Rows(lines.encode(), {answer: answers.count(answer) for answer in answers}))
    named = {}
    for key, (number, _) in zip(keys.tolist(), cells, strict=True):
        assert named.setdefault(number, key) == key
        assert key == (int(number) if number.startswith("+1202") else key)
    assert len(set(named.values())) == len(named)
    means = {"yes": YES, "Sí": YES, "no": NO, "NO": NO}
    assert codes.tolist() == [means.get(answer, UNKNOWN) for answer in answers]


def test_several_threads_may_add(ledger: NumberLedger, target: Spool) -> None:
    def returned(share: Keys) -> None:
        add_returned(ledger, share)

    shares: list[tuple[Callable[[Keys], None], Keys]] = [(returned, RETURNED[start::4]) for start in range(4)]
    shares += [(ledger.add_sent, SENT[start::4]) for start in range(4)]

    def add_bit_by_bit(add: Callable[[Keys], None], share: Keys) -> None:
        for start in range(0, len(share), 500):
            add(share[start : start + 500])

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=add_bit_by_bit, args=share) for share in shares]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert ledger.unmatched(target, keyed=True) == FOUND


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with spool_file(tmp_path) as file, small(10_000, held=2):
        ledger = NumberLedger(file)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
        try:
            with pytest.raises(EkycSpoolError, match="set spool_dir"):
                ledger.add_sent(SENT)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_spool_file_that_is_shorter_than_what_was_written_is_not_counted(target: Spool) -> None:
    with spool_file(None) as file, small(10_000, held=2), closing(NumberLedger(file, MULTIPLIER)) as ledger:
        ledger.add_sent(SENT)
        assert wait_until(lambda: os.fstat(file.fileno()).st_size == SENT.nbytes)
        file.truncate(10_000)
        with pytest.raises(OSError, match="a spool file is shorter than what was written to it"):
            ledger.unmatched(target)
    assert content(target) == b""


@pytest.mark.parametrize("held", [100, 0])
@pytest.mark.parametrize("different", [1, 40, 4_000, 40_000])
def test_numbers_that_come_again_and_again_take_no_room_each_time(different: int, held: int) -> None:
    keys = np.tile(np.arange(10, 10 + different, dtype=np.uint64), -(-1_000_000 // different))
    with small(1 << 14, held), spool_file(None) as file, spool_file(None) as target:
        ledger = NumberLedger(file)
        ledger.add_sent(keys)
        add_returned(ledger, keys[5:6])
        ledger._deal_out()
        ledger._wait()
        stored = ledger._held.size if held else file.seek(0, 2) // 8
        if different == 1:
            assert stored < 100  # of 1,000,000
        found = ledger.unmatched(target)
        assert (found.sent, found.returned, found.count, found.unexpected) == (different, 1, different - 1, 0)
        assert content(target).count(b"\n") == different - 1
