"""The Iceberg table that the landings of a run share: its cases, its catalog, and what it holds in the end."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from dev.faults.case import Case
from dev.faults.environment import BUCKET, TABLE
from dev.faults.points import POINTS
from dev.stack.s3_server import S3Server

_GROUP = "table, killed and cleared"
#: Beside 200 other cases. With two kills and a clear each they are 108; at a random instant a try may be over already.
_CASES = 36
_KILLS = 2


def table_cases(count: int, seed: int, first: int) -> list[Case]:
    """
    Choose the cases that land into the table: killed twice around the commit, at each point and at random instants.

    After the third try has succeeded, the task is cleared.

    :param count: cases of the run beside these
    :param seed: the same one gives the same cases
    :param first: number of the first case
    """
    dice = random.Random(seed)
    points = [point.name for point in POINTS if point.operator == "table"]
    size = max(1, count * _CASES // 200)
    names = [*dice.sample(points, len(points)), *dice.choices(["", *points], k=size)][:size]
    return [
        Case(
            first + index,
            _GROUP,
            "table",
            point=name,
            # The second half of a try: before that it is a landing as any other.
            instant=None if name else round(0.5 + dice.random() / 2, 3),
            killed_tries=_KILLS,
            change="cleared",
        )
        for index, name in enumerate(names)
    ]


def kills_and_clears(cases: Mapping[Case, int]) -> int:
    """
    Count them.

    :param cases: each with the tries of it that were killed
    """
    return sum(kills + bool(case.change) for case, kills in cases.items() if case.operator == "table")


class Warehouse:
    """
    A fresh SQL catalog whose warehouse is in the S3 server.

    :param folder: for the catalog's database
    """

    def __init__(self, s3: S3Server, folder: Path) -> None:
        from pyiceberg.catalog import load_catalog

        self._properties = s3.iceberg_properties(f"sqlite:///{folder}/catalog.db", f"s3://{BUCKET}/warehouse")
        # A SQL catalog keeps its tables by its name, which is the connection's id where the hook opens it.
        self._catalog = load_catalog("iceberg_default", **self._properties)
        self._catalog.create_namespace_if_not_exists(TABLE.partition(".")[0])

    @property
    def connection(self) -> str:
        """The catalog as an Airflow connection."""
        return json.dumps({"conn_type": "iceberg", "extra": self._properties})

    def rows(self) -> dict[str, Counter[str]]:
        """Count how often each number is in the table, for each remote task."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        table = self._catalog.load_table(TABLE)
        for row in table.scan(selected_fields=("ekyc_task_id", "number")).to_arrow().to_pylist():
            found[row["ekyc_task_id"]][row["number"]] += 1
        return found
