r"""
The ways to prepare a list that are compared: the same numbers out of the same lines, each once.

Each takes what is ``+`` and 2 to 15 digits, the first not 0, without the blanks and the ``\r`` around it, and leaves
out what is there twice. Ours and the loop keep the order of the list, and so does Polars; ``sort`` and DuckDB need not.
Each function returns how many numbers it has written. All imports are inside (``dev.benchmarks.alone``).
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

_NUMBER = r"\+[1-9][0-9]{1,14}"


def ours(source: str, target: str, spool_dir: str) -> int:
    """The engine, from file to file: checked lines in, distinct numbers in order out, with the SHA-256 of both."""
    import hashlib

    from airflow_provider_ekyc.numbers.distinct_numbers import DistinctNumbers
    from airflow_provider_ekyc.numbers.lines import BLOCK_BYTES, LineTally, line_blocks
    from airflow_provider_ekyc.numbers.prepare import HashedSource

    tally, digest = LineTally(), hashlib.sha256()
    with DistinctNumbers(spool_dir) as numbers, open(source, "rb", buffering=0) as file:
        for block in line_blocks(HashedSource(file), BLOCK_BYTES):
            numbers.add(block, tally.read_number)
        numbers.find_duplicates()
        with open(target, "wb", buffering=0) as written:
            for block in numbers.kept_blocks():
                written.write(block)
                digest.update(block)
        return numbers.kept


def files(source: str, target: str, spool_dir: str) -> int:
    """Run what ``EkycPrepareNumbersOperator`` runs: its readers, its tidying, its files in ``target``, a directory."""
    from airflow_provider_ekyc.numbers.distinct_numbers import DistinctNumbers
    from airflow_provider_ekyc.preparation.lists import ListArguments, open_lists
    from airflow_provider_ekyc.preparation.local_destination import LocalDestination
    from airflow_provider_ekyc.preparation.output_files import write_files
    from airflow_provider_ekyc.preparation.reading import Reading
    from airflow_provider_ekyc.preparation.tidy import Tidier

    with DistinctNumbers(spool_dir) as numbers:
        reading = Reading(numbers, Tidier(normalise=False, default_region=None), None)
        with open_lists(ListArguments(numbers=source, spool_dir=spool_dir)) as lists:
            for opened in lists:
                reading.read(opened)
        numbers.find_duplicates()
        destination = LocalDestination(target)
        written = write_files(numbers.kept_blocks(), [numbers.kept], destination, spool_dir=spool_dir)
        return sum(file.rows for file in written)


def submit_pass(source: str, target: str, spool_dir: str) -> int:
    """Run what ``EkycSubmitOperator`` runs before it sends: its own pass over the list, into a spool."""
    from airflow_provider_ekyc.numbers.prepare import prepared_numbers
    from airflow_provider_ekyc.numbers.source import open_numbers

    with (
        open_numbers(source, aws_conn_id=None, numbers_conn_id=None) as file,
        prepared_numbers(file, invalid="drop", max_rows=10**9, spool_dir=spool_dir) as prepared,
    ):
        return prepared.rows


def loop(source: str, target: str, spool_dir: str) -> int:
    """One line after the other, and a set of what was there."""
    matches = re.compile(_NUMBER.encode()).fullmatch
    seen: set[bytes] = set()
    add = seen.add
    with open(source, "rb") as lines, open(target, "wb") as file:
        write = file.write
        for line in lines:
            number = line.strip()
            if matches(number) and number not in seen:
                add(number)
                write(number + b"\n")
    return len(seen)


def sort(source: str, target: str, spool_dir: str) -> int:
    """GNU ``sort -u`` with two threads and 512 MiB, behind ``tr`` and ``grep``; a character is a byte."""
    # The blanks around a number go once there are none within it.
    pipeline = (
        r"""tr -d '\r' < "$SOURCE" | grep -xE "[[:blank:]]*$NUMBER[[:blank:]]*" | tr -d ' \t' """
        r"""| sort -u -S 512M --parallel=2 -T "$SPOOL" -o "$TARGET" """
    )
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "SOURCE": source,
        "TARGET": target,
        "SPOOL": spool_dir,
        "NUMBER": _NUMBER,
    }
    subprocess.run(["bash", "-o", "pipefail", "-c", pipeline], env=environment, check=True)
    return count_lines(target)


def polars(source: str, target: str, spool_dir: str) -> int:
    """Polars by integers, in order, streaming."""
    import polars

    numbers = (
        polars.scan_csv(source, has_header=False, separator="\x1f", quote_char=None, schema={"line": polars.String})
        .select(polars.col("line").str.strip_chars(" \t\r"))
        .filter(polars.col("line").str.contains(f"^{_NUMBER}$"))
        .select(polars.col("line").str.slice(1).cast(polars.UInt64))
        .unique(maintain_order=True)
        .select(polars.format("+{}", "line"))
    )
    numbers.sink_csv(target, include_header=False, quote_style="never")
    return count_lines(target)


def duckdb(source: str, target: str, spool_dir: str) -> int:
    """DuckDB's ``DISTINCT`` with 1 GB, in any order."""
    import duckdb

    # With 1 GB it (1.5.5) runs out of memory at 50,000,000 lines, although it may write to the disk.
    limit = "1GB" if os.path.getsize(source) < 500_000_000 else "3GB"
    with duckdb.connect(config={"memory_limit": limit, "temp_directory": spool_dir}) as connection:
        connection.execute("SET preserve_insertion_order = false")
        [[rows]] = connection.execute(
            f"""COPY (
              SELECT DISTINCT number FROM (
                SELECT trim(line, chr(32) || chr(9) || chr(13)) AS number
                FROM read_csv('{source}', header = false, columns = {{'line': 'VARCHAR'}}, auto_detect = false,
                              delim = '\x1f', quote = '', escape = '', new_line = '\\n', strict_mode = false)
              ) WHERE regexp_full_match(number, '{_NUMBER}')
            ) TO '{target}' (FORMAT csv, HEADER false, QUOTE '')"""
        ).fetchall()
    return int(rows)


def count_lines(path: str) -> int:
    """Return how many lines a file has; it takes a hundredth of the time of what is measured."""
    with Path(path).open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
