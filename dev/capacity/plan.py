"""
What a day of numbers is, by counting: files, tasks, requests, bytes, memory, money. Pure; no clock, no chance.

What depends on the order of things (hours, places, queries) is in ``dev/capacity/simulation.py``.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from dev.capacity.figures import ASSUMED, GB, LARGEST_FILE, MILLION, PART, RANGE, S3_REQUESTS, WHOLE, measured

#: S3 bills these at the higher price; all others at the lower one.
DEAR = frozenset({"put", "create", "part", "complete", "list"})


@dataclass(frozen=True, slots=True)
class Day:
    """
    What is verified in a day.

    :param numbers: in all
    :param list_rows: numbers of a list: one run of the task group ``verify_numbers``
    :param file_rows: numbers of a prepared file: one submission
    :param journal_in_s3: whether the records of submissions are in S3; else in Airflow's Variables
    :param price: of a number
    """

    numbers: int
    list_rows: int = LARGEST_FILE
    file_rows: int = LARGEST_FILE
    journal_in_s3: bool = True
    price: float = ASSUMED["price"].value

    @property
    def lists(self) -> int:
        """Runs of the task group."""
        return math.ceil(self.numbers / self.list_rows)

    @property
    def files_each(self) -> int:
        """Files of a list."""
        return math.ceil(min(self.list_rows, self.numbers) / self.file_rows)

    @property
    def files(self) -> int:
        """Files, and so submissions, of all lists."""
        return self.lists * self.files_each

    @property
    def tasks(self) -> int:
        """Task instances: prepare and landed of each list; submit, wait and land of each file."""
        return 2 * self.lists + 3 * self.files

    @property
    def starts(self) -> int:
        """Processes that a worker starts: as :attr:`tasks`, and each wait once more when it is resumed."""
        return self.tasks + self.files

    @property
    def earlier(self) -> int:
        """Reads of records of files that were submitted before, by all submissions: they grow with the square."""
        return int(measured("earlier_reads")) * self.lists * math.comb(self.files_each, 2)

    @property
    def variables(self) -> tuple[int, int]:
        """Reads and writes of Airflow's Variables."""
        if self.journal_in_s3:
            # A journal_uri may have been added since an earlier try, so Variables are read in any case.
            return (
                round(measured("variable_reads_s3")) * self.files,
                round(measured("variable_writes_s3")) * self.files,
            )
        reads = round(measured("variable_reads")) * self.files + self.earlier
        return reads, round(measured("variable_writes")) * self.files

    @property
    def s3(self) -> Counter[str]:
        """Requests to the S3 of the deployment, by name: ``get``, ``head``, ``put``, ``part``, ``list``, ..."""
        calls: Counter[str] = Counter()
        for name, each in S3_REQUESTS.items():
            times = self.lists if name.endswith("a list") else self.files
            for call, count in each.items():
                calls[call] += times * count
        prepared = uploads(self.file_rows * measured("list_bytes"))
        landed = uploads(self.file_rows * measured("parquet_bytes"))
        calls["put"] -= 2 * self.files  # the file and the result, which may go up in parts
        for call, count in (prepared + landed).items():
            calls[call] += self.files * count
        if self.journal_in_s3:
            calls["get"] += round(measured("journal_gets")) * self.files + self.earlier
            calls["put"] += round(measured("journal_puts")) * self.files
            calls["list"] += self.files
        return calls

    @property
    def s3_dear(self) -> int:
        """Requests that S3 bills at the price of a PUT."""
        return sum(count for call, count in self.s3.items() if call in DEAR)

    @property
    def s3_cheap(self) -> int:
        """Requests that S3 bills at the price of a GET."""
        return sum(count for call, count in self.s3.items() if call not in DEAR)

    @property
    def ranges(self) -> int:
        """GET requests to the vendor's store, which is not the deployment's: ranges of the archives."""
        return self.files * math.ceil(self.file_rows * measured("archive_bytes") / RANGE)

    def gigabytes(self, figure: str) -> float:
        """Return the gigabytes of all numbers, by the name of the figure of one: ``list_bytes``."""
        return self.numbers * measured(figure) / GB

    @property
    def cpu_hours(self) -> float:
        """CPU time of the workers, in hours: the work, and the imports of each process."""
        work = sum(measured(f"{step}_cpu") for step in ("prepare", "submit", "land")) * self.numbers / MILLION
        return (work + self.starts * measured("imports")) / 3600

    def history_hours(self, rows: int) -> float:
        """
        Return the CPU hours that ``skip_verified_within`` takes: each list is compared with the history it is given.

        :param rows: of the history of one list
        """
        share = min(self.list_rows, self.numbers) / (10 * MILLION)
        # A part of the work is that of the list, the rest that of the history; here all of it grows with the history.
        return self.lists * max(share, 1.0) * rows / (100 * MILLION) * measured("fresh_cpu") / 3600

    @property
    def memory(self) -> dict[str, float]:
        """MiB of the largest task of each kind: an idle task and what it holds beside."""
        idle = measured("idle_memory")
        slope = (measured("prepare_memory_50m") - measured("prepare_memory")) / 40
        rows = min(self.list_rows, self.numbers) / MILLION
        return {
            "prepare": idle + measured("prepare_memory") + slope * max(rows - 10, 0),
            "submit": idle + measured("submit_memory"),
            "land": idle + measured("land_memory"),
        }

    @property
    def spool_gb(self) -> dict[str, float]:
        """Gigabytes under ``spool_dir`` of a task of each kind, as the error of a full disk says."""
        list_gb = min(self.list_rows, self.numbers) * measured("list_bytes") / GB
        file_gb = self.file_rows * measured("list_bytes") / GB
        result_gb = self.file_rows * measured("archive_bytes") / GB
        return {"prepare": 3 * list_gb, "submit": 3 * file_gb, "land": 4 * result_gb}

    @property
    def aws_dollars(self) -> dict[str, float]:
        """US dollars a day that Amazon charges, by kind; storage for a month of the results of this day."""
        price = {name: ASSUMED[name].value for name in ("put_price", "get_price", "storage_price", "egress_price")}
        return {
            "requests": self.s3_dear / 1000 * price["put_price"] + self.s3_cheap / 1000 * price["get_price"],
            "storage": self.gigabytes("parquet_bytes") * price["storage_price"],
            "egress": self.gigabytes("list_bytes") * price["egress_price"],
        }


def uploads(size: float) -> Counter[str]:
    """Return the calls that put an object of so many bytes: one, or those of an upload in parts."""
    if size <= WHOLE:
        return Counter(put=1)
    return Counter(create=1, part=math.ceil(size / PART), complete=1)
