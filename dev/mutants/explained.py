"""The survivors that are known, each with its reason: a file of ``survivors`` for each folder of the package."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Set
from pathlib import Path

from dev.mutants.changes import Change

FOLDER = Path(__file__).with_name("survivors")


def explained(folder: Path = FOLDER) -> set[Change]:
    """
    Return the changes that no test notices and that need none.

    :param folder: with files of entries; ``after`` is one change of the lines ``before``, or a list of them
    :raises ValueError: for an entry without a reason
    """
    changes: set[Change] = set()
    for file in sorted(folder.glob("*.toml")):
        for entry in tomllib.loads(file.read_text())["survivor"]:
            after = [entry["after"]] if isinstance(entry["after"], str) else entry["after"]
            found = [Change(entry["function"], entry["before"].strip("\n"), one.strip("\n")) for one in after]
            if not entry["reason"].strip():
                raise ValueError(f"A survivor has no reason:\n{found[0]}")
            changes.update(found)
    return changes


def unexplained(survivors: Iterable[Change], known: Set[Change]) -> list[Change]:
    """Return the survivors that are not known: those that a test must notice, or that need a reason."""
    return [change for change in survivors if change not in known and not change.is_wording]


def no_longer(survivors: Iterable[Change], known: Set[Change], tried: Iterable[str]) -> list[Change]:
    """
    Return what is explained and survives no more: its entry may go.

    :param tried: the modules whose mutants were all tried
    """
    alive, modules = set(survivors), set(tried)
    return [change for change in known if change.function.partition(" ")[0] in modules and change not in alive]
