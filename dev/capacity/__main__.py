"""
What a day of verifications takes: files, tasks, requests, bytes, hours, money.

    python -m dev.capacity                      # the tables of docs/capacity.md
    python -m dev.capacity --write              # write them into the page
    python -m dev.capacity --numbers 50000000 --file-rows 1000000 --places 16 --remote-hours 3 --price 0.002
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from dev.capacity.figures import ASSUMED, LARGEST_FILE
from dev.capacity.plan import Day
from dev.capacity.simulation import Setup, simulate
from dev.capacity.tables import OUTCOME, days, outcome, remote_rows, report, table

PAGE = Path(__file__).parents[2] / "docs" / "capacity.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(prog="python -m dev.capacity", description="What a day of verifications takes.")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/capacity.md")
    parser.add_argument("--numbers", type=int, help="of one day; without it the tables of the page")
    parser.add_argument("--list-rows", type=int, default=LARGEST_FILE, help="numbers of a list")
    parser.add_argument("--file-rows", type=int, default=LARGEST_FILE, help="numbers of a file")
    parser.add_argument("--variables", action="store_true", help="records in Airflow's Variables, not in S3")
    parser.add_argument("--price", type=float, default=ASSUMED["price"].value, help="of a number")
    parser.add_argument("--places", type=int, default=32, help="tasks that run at the same time")
    parser.add_argument("--starts", type=float, default=ASSUMED["starts"].value, help="of tasks in a second")
    parser.add_argument("--start", type=float, default=ASSUMED["start"].value, help="seconds until a task's own code")
    parser.add_argument("--remote-hours", type=float, default=1.0, help="of the vendor for 10,000,000 numbers")
    parser.add_argument("--remote-tasks", type=int, help="that the vendor works on at once; without it any number")
    parser.add_argument("--upload-rate", type=float, default=ASSUMED["upload_rate"].value, help="bytes in a second")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    if given.numbers is not None:
        day = Day(given.numbers, given.list_rows, given.file_rows, not given.variables, given.price)
        setup = Setup(
            given.places,
            given.starts,
            given.start,
            remote_rows(given.remote_hours),
            given.remote_tasks,
            given.upload_rate,
            given.seed,
        )
        print(days((day,)), table(OUTCOME, [outcome(simulate(day, setup), setup)]), sep="\n\n")
        return 0
    tables = report()
    if given.write:
        PAGE.write_text(filled(PAGE.read_text(), tables))
        return 0
    for name, text in tables.items():
        print(f"{name}\n\n{text}\n")
    return 0


def filled(page: str, tables: dict[str, str]) -> str:
    """
    Return the page with these tables, each between its own comments.

    :raises ValueError: if the page lacks a place, or has one for no table
    """
    places = re.findall(r"<!-- capacity: (.+?) -->", page)
    if sorted(places) != sorted(tables):
        raise ValueError(f"the page has places for {places}, the tables are {list(tables)}")
    for name, text in tables.items():
        begin, end = f"<!-- capacity: {name} -->", "<!-- end -->"
        head, _, rest = page.partition(begin)
        _, found, tail = rest.partition(end)
        if not found:
            raise ValueError(f"the place of {name!r} has no end")
        page = f"{head}{begin}\n{text}\n{end}{tail}"
    return page


if __name__ == "__main__":
    sys.exit(main())
