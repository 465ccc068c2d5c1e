"""The example DAGs with the demo's own defaults, so that their trigger forms can be used as they are."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

#: What the example DAGs have as the default of their parameters.
EXAMPLE_NUMBERS, EXAMPLE_BUCKET = "/data/numbers.txt", "ekyc-results"

#: Keys at which the examples look for a list in the bucket, and prefixes below which they look for that of the day.
EXAMPLE_LISTS = ("numbers/group.txt", "numbers/redshift.txt")
EXAMPLE_PREFIXES = ("numbers/", "lists/")


def example_keys(today: date) -> list[str]:
    """Return all keys at which the examples look for a list, today or tomorrow: the demo may stay up past midnight.

    :param today: the day (UTC)
    """
    days = (today, today + timedelta(days=1))
    return [*EXAMPLE_LISTS, *(f"{prefix}{day}.txt" for prefix in EXAMPLE_PREFIXES for day in days)]


def write_demo_dags(examples: Path, folder: Path, *, numbers: str, bucket: str) -> Path:
    """Copy the example DAGs, with a list and a bucket of the demo in place of their defaults.

    :param examples: where the example DAGs are
    :param folder: where the copies go; what was there is removed
    :param numbers: path or URI of the list
    :param bucket: the bucket
    :return: ``folder``
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for example in sorted(examples.glob("*.py")):
        text = example.read_text()
        # As Python writes a text: a path may have quotes in it.
        text = text.replace(f'"{EXAMPLE_NUMBERS}"', repr(numbers)).replace(f'"{EXAMPLE_BUCKET}"', repr(bucket))
        (folder / example.name).write_text(text.replace(f"s3://{EXAMPLE_BUCKET}/", f"s3://{bucket}/"))
    return folder
