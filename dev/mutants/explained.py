"""The survivors that are known, each with its reason: ``survivors.toml``."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from dev.mutants.changes import Change

FILE = Path(__file__).with_name("survivors.toml")


def explained(file: Path = FILE) -> Counter[Change]:
    """
    Return the changes that no test notices and that need none, with the number of mutants that make them.

    :raises ValueError: for one without a reason
    """
    changes: Counter[Change] = Counter()
    for entry in tomllib.loads(file.read_text())["survivor"]:
        change = Change(entry["function"], entry["before"].strip("\n"), entry["after"].strip("\n"))
        if not entry["reason"].strip():
            raise ValueError(f"A survivor has no reason:\n{change}")
        changes[change] += 1
    return changes


def unexplained(survivors: Iterable[Change], known: Counter[Change]) -> list[Change]:
    """Return the survivors that are not known: those that a test must notice, or that need a reason."""
    return [change for change in survivors if change not in known and not change.is_wording]


def no_longer(survivors: Iterable[Change], known: Counter[Change], tried: Iterable[str]) -> list[Change]:
    """
    Return what is explained and survives no more: its entry may go.

    :param tried: the modules whose mutants were all tried
    """
    alive, modules = set(survivors), set(tried)
    return [change for change in known if change.function.partition(" ")[0] in modules and change not in alive]
