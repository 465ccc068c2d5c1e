"""Which process of pytest-xdist gets which test files, and when: tests of a real Airflow wait more than they work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from xdist.scheduler.loadfile import LoadFileScheduling
from xdist.workermanage import WorkerController

AIRFLOW_MARKER = "pytest.mark.airflow"


class AirflowFirst(LoadFileScheduling):
    """
    Distribution by file, as ``--dist loadfile``, where files that share a server stay together.

    The first half of the processes (two of three) begin with the files that start Airflow, the others with the rest.
    Whoever has no more of its own kind goes on with the other. So there are never more Airflows than that while the
    others are busy, and none waits for the longest file at the end.

    :param root: folder of the project, from which the tests' ids count
    :param groups: by file the name of its group; files without one are by themselves
    :param long: files that take long, to begin with
    :param split: files that take long and whose tests share nothing: each test function is distributed by itself
    """

    def __init__(
        self,
        config: Any,
        log: Any,
        root: Path,
        groups: Mapping[str, str],
        long: Sequence[str] = (),
        split: Sequence[str] = (),
    ) -> None:
        super().__init__(config, log)
        self._root, self._groups, self._long, self._split = root, groups, long, split
        self._starts_airflow = cache(self._reads_marker)

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return nodeid.split("[", 1)[0] if file in self._split else self._groups.get(file, file)

    def _assign_work_unit(self, node: WorkerController) -> None:
        wanted = self.nodes.index(node) < (len(self.nodes) + 1) // 2
        for scope in [*(file for file in self._long if file in self.workqueue), *self.workqueue]:
            if self._starts_airflow(next(iter(self.workqueue[scope])).split("::", 1)[0]) is wanted:
                self.workqueue.move_to_end(scope, last=False)
                break
        super()._assign_work_unit(node)

    def _reads_marker(self, file: str) -> bool:
        # The tests are collected in the other processes, so there are no markers to ask here.
        return AIRFLOW_MARKER in (self._root / file).read_text()
