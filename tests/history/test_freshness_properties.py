"""Which numbers are fresh, beside a slow and obvious implementation. Modules: ``history/compared.py``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import example, given, settings, strategies as st

from airflow_provider_ekyc.history.freshness import Freshness, find_fresh
from airflow_provider_ekyc.history.windows import Windows
from tests.history.rows import DAY, NOW, Row, Rows, candidates, kept_numbers

#: Few numbers and few times, so that they meet.
NUMBERS = [12025550100, 12025550101, 999555010123456, 99, 120255501]
FORMS = ["+{}", "{}", "00{}", " +{} ", "tel:+{}"]
#: With 1, more than two candidates are in 256 partitions instead of one.
ROW_BITS = [1, 22]
TICK = timedelta(microseconds=1)
AGES = [timedelta(0), TICK, 5 * DAY - TICK, 5 * DAY, 7 * DAY, 10 * DAY - TICK, 10 * DAY, 20 * DAY, 400 * DAY]
AGES += [-DAY, -DAY - TICK, -30 * DAY]

numbers = st.builds(str.format, st.sampled_from(FORMS), st.sampled_from(NUMBERS)) | st.sampled_from(
    ["", "1E+10", "x@y.z"]
)
rows = st.builds(
    Row,
    numbers,
    st.sampled_from([True, False, None]),
    st.none() | st.sampled_from(AGES),
    st.sampled_from(["amazon"] * 6 + ["ws", None]),
)
window = st.sampled_from([None, 5 * DAY, 10 * DAY, 30 * DAY])
windows_of_answers = st.builds(Windows, window, window, window).filter(lambda windows: windows.longest is not None)


def slowly(rows: Sequence[Row], windows: Windows, those: Sequence[int]) -> tuple[list[int], int]:
    """Return the candidates that are not fresh, and how many of these have a row: number by number, row by row."""
    kept, stale = [], 0
    for number in dict.fromkeys(those):
        texts = {form.format(number) for form in FORMS}
        own = [row for row in rows if row.task_type == "amazon" and row.number in texts]
        dated = [row for row in own if row.age is not None and row.age >= -DAY]
        young = {
            row
            for row in dated
            if (limit := {True: windows.yes, False: windows.no, None: windows.unknown}[row.registered]) is not None
            and row.age < limit
        }
        answers = [row for row in dated if row.registered is not None]
        latest = [row for row in answers if row.age == min(row.age for row in answers)]
        is_fresh = (latest and all(row in young for row in latest)) or any(row.registered is None for row in young)
        if not is_fresh:
            kept.append(number)
            stale += bool(own)
    return kept, stale


@settings(max_examples=100, deadline=None)
@given(
    st.lists(rows, max_size=25),
    windows_of_answers,
    st.lists(st.sampled_from(NUMBERS), min_size=1),
    st.booleans(),
    st.sampled_from(ROW_BITS),
)
@example([Row("+99", True, 7 * DAY), Row("+99", False, 7 * DAY)], Windows(10 * DAY, 5 * DAY, None), [99], False, 22)
def test_the_same_numbers_are_fresh_as_by_a_look_at_each(
    history: list[Row], windows: Windows, those: list[int], count_stale: bool, row_bits: int
) -> None:
    expected, stale = slowly(history, windows, those)
    with candidates(those, row_bits) as found:
        different = found.kept
        freshness = find_fresh(found, Rows(history), windows, "amazon", NOW, None, count_stale=count_stale)
        assert kept_numbers(found) == expected
    assert (freshness.fresh, freshness.stale_or_new) == (different - len(expected), len(expected))
    is_counted = count_stale or freshness.stale is not None
    assert (freshness.stale, freshness.new) == ((stale, len(expected) - stale) if is_counted else (None, None))
    assert isinstance(freshness, Freshness)
