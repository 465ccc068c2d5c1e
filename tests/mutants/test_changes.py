"""What a mutant changes, and which survivors are explained (``dev/mutants``)."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from dev.mutants.changes import Change, changes_of
from dev.mutants.explained import explained, no_longer, unexplained
from dev.mutants.modules import DONE, LEFT_OUT, PACKAGE, TESTS, WITH_S3, all_modules, files_for, picked_modules

ROOT = Path(__file__).parents[2]

#: As mutmut writes a file: each function once for each change, beside the original.
SOURCE = """
def x_wait__mutmut_orig(seconds):
    if seconds > 0:
        return seconds
    raise ValueError("The wait must be above 0.")

def x_wait__mutmut_1(seconds):
    if seconds >= 0:
        return seconds
    raise ValueError("The wait must be above 0.")

def x_wait__mutmut_2(seconds):
    if seconds > 0:
        return seconds
    raise ValueError("XXThe wait must be above 0.XX")

class Poller:
    async def xǁPollerǁask__mutmut_orig(self):
        return await self.client.ask(self.id,
                                     self.key)

    async def xǁPollerǁask__mutmut_1(self):
        return await self.client.ask(None,
                                     self.key)
"""
CHANGE = Change("polling/wait.py wait", "if seconds > 0:", "if seconds >= 0:")


def changes(*names: str) -> list[Change]:
    return list(changes_of("polling/wait.py", SOURCE, [f"{PACKAGE}.polling.wait.{name}" for name in names]))


def test_a_change_is_named_by_its_function_and_its_lines() -> None:
    assert changes("x_wait__mutmut_1") == [CHANGE]
    method = Change(
        "polling/wait.py Poller.ask", "return await self.client.ask(self.id,", "return await self.client.ask(None,"
    )
    assert changes("xǁPollerǁask__mutmut_1") == [method]
    assert str(CHANGE) == "polling/wait.py wait\n  - if seconds > 0:\n  + if seconds >= 0:"


def test_what_is_no_name_of_a_mutant_is_an_error() -> None:
    with pytest.raises(ValueError, match="is no name of a mutant"):
        changes("wait")


def test_the_words_of_a_message_are_no_behaviour() -> None:
    (words,) = changes("x_wait__mutmut_2")
    assert words.is_wording
    assert not CHANGE.is_wording
    word = Change("api/models.py read", 'return found["status"]', 'return found["STATUS"]')
    assert not word.is_wording, "one word is a key or a value"


@pytest.mark.parametrize(
    "before",
    [
        'scheme = "http" if is_tls else "https"',
        'text = "It\'s said." if is_tls else "no"',
        'a = "\\" one" if is_tls else "b"',
    ],
)
def test_what_is_between_two_literals_is_behaviour(before: str) -> None:
    assert not Change("api/models.py read", before, before.replace("is_tls", "(is_tls) or True")).is_wording


def test_a_survivor_that_is_not_explained_is_named() -> None:
    (words,) = changes("x_wait__mutmut_2")
    other = Change("polling/wait.py wait", "return seconds", "return None")
    assert unexplained([CHANGE, words, other], {CHANGE}) == [other]


def test_an_explanation_that_is_not_needed_is_named_once_all_was_tried() -> None:
    known = {CHANGE}
    assert no_longer([], known, ["polling/wait.py"]) == [CHANGE]
    assert no_longer([CHANGE], known, ["polling/wait.py"]) == []
    assert no_longer([], known, ["polling/other.py"]) == []


def test_each_explanation_has_a_reason(tmp_path: Path) -> None:
    assert explained()
    (tmp_path / "a.toml").write_text('[[survivor]]\nfunction = "a.py f"\nbefore = "x"\nafter = "y"\nreason = " "\n')
    with pytest.raises(ValueError, match="has no reason"):
        explained(tmp_path)


def test_one_reason_may_explain_several_changes_of_a_line(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(
        '[[survivor]]\nfunction = "a.py f"\nbefore = "x"\nafter = ["y", "z"]\nreason = "The same."\n'
    )
    assert explained(tmp_path) == {Change("a.py f", "x", "y"), Change("a.py f", "x", "z")}


def test_each_explained_line_is_in_its_module() -> None:
    for change in explained():
        module = change.function.partition(" ")[0]
        lines = {line.strip() for line in (ROOT / PACKAGE / module).read_text().splitlines()}
        assert set(change.before.splitlines()) <= lines, f"no such line any more:\n{change}"


def test_what_the_tables_name_exists() -> None:
    for module in (*TESTS, *DONE, *LEFT_OUT, *WITH_S3):
        assert (ROOT / PACKAGE / module).exists(), module
    assert not set(TESTS) & set(LEFT_OUT)
    assert all(LEFT_OUT.values())


def test_each_module_has_tests() -> None:
    missing = {
        test for module in all_modules(ROOT) for test in files_for(module) if not (ROOT / "tests" / test).exists()
    }
    assert missing == set(), "name the tests in TESTS of dev/mutants/modules.py"


def test_modules_are_picked_by_folder_name_or_pattern() -> None:
    picked = functools.partial(picked_modules, ROOT)
    assert {module.partition("/")[0] for module in picked(["polling"])} == {"polling"}
    assert picked(["api/prices"]) == picked(["api/prices.py"]) == ["api/prices.py"]
    assert picked(["results/archive/*"]) == picked(["results/archive/"]) != []
    assert picked(["results/transfer"]) == picked(["nothing"]) == []
    assert picked([]) == list(DONE)
