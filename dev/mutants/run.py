"""The command: picks modules, has their mutants tried, and names the survivors that nothing explains."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev.mutants.explained import explained, no_longer, unexplained
from dev.mutants.modules import picked_modules
from dev.mutants.mutmut_run import LOG, Found, try_mutants

ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Try the mutants, print, and return 0 if all were tried and each survivor is explained.

    1 names a survivor that nothing explains, 2 that there was no time for all, or that mutmut failed.
    """
    options = _options(arguments)
    started = time.monotonic()
    modules = picked_modules(ROOT, options.module)
    if not modules:
        print(f"No module is named {' or '.join(options.module)}.")
        return 2
    found = {}
    for module in modules:
        left = options.minutes * 60 - (time.monotonic() - started)
        if left <= 0:
            break
        found[module] = _try(module, left)
    return _report(found, modules, time.monotonic() - started)


def _try(module: str, seconds: float) -> Found:
    home = ROOT / "build" / "mutants" / module.removesuffix(".py").replace("/", ".")
    found = try_mutants(module, ROOT, home, seconds)
    print(
        f"{module}: {found.made} mutants, {found.killed} killed ({found.timed_out} by time), "
        f"{len(found.survivors)} survived, "
        f"{found.not_tried} not tried",
        flush=True,
    )
    if found.is_broken:
        print(f"mutmut failed; the end of {home / LOG}:\n{(home / LOG).read_text(errors='replace')[-2000:]}")
    return found


def _report(found: Mapping[str, Found], modules: Sequence[str], seconds: float) -> int:
    known = explained()
    whole = [module for module, one in found.items() if one.made and not one.not_tried]
    survivors = [change for one in found.values() for change in one.survivors]
    new = unexplained(survivors, known)
    for change in new:
        print(f"\nNo test notices this:\n{change}")
    for change in no_longer(survivors, known, whole):
        print(f"\nA test notices this by now, so its entry in dev/mutants/survivors may go:\n{change}")
    for module in modules:
        if module not in whole:
            print(f"\nNot all mutants of {module} were tried.")
    wording = sum(change not in known and change.is_wording for change in survivors)
    print(
        f"mutants: modules={len(whole)} of {len(modules)} made={sum(one.made for one in found.values())} "
        f"killed={sum(one.killed for one in found.values())} "
        f"timed_out={sum(one.timed_out for one in found.values())} explained={len(survivors) - len(new) - wording} "
        f"wording={wording} unexplained={len(new)} seconds={seconds:.0f}"
    )
    if new:
        return 1
    return 0 if len(whole) == len(modules) else 2


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dev.mutants", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="stop after so many; the next run goes on from there (60)"
    )
    parser.add_argument(
        "module", nargs="*", help="such as polling, polling/interval or 'results/archive/*'; those gone through"
    )
    return parser.parse_args(arguments)
