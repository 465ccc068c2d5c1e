"""No code block is left out: each is of a language that is run, or is listed with the test that runs it."""

from __future__ import annotations

import configparser
import json

import pytest
import sqlglot

from airflow_provider_ekyc.get_provider_info import get_provider_info
from tests.documentation.blocks import BLOCKS, NOT_RUN, ROOT, RUN_ELSEWHERE, Block, elsewhere, of_language

#: Language: what does with it.
RUN_BY = {
    "python": "test_python_blocks.py",
    "bash": "test_commands.py",
    "console": "test_commands.py",
    "json": "this file",
    "ini": "this file",
    "sql": "this file: parsed; run where tests/warehouse and tests/iceberg run them",
    "dockerfile": "tests/deployment/test_deployment_page.py",
    "yaml": "tests/deployment/test_deployment_page.py",
    "": "plain text: trees, logs",
}


def test_each_block_is_of_a_language_that_is_run() -> None:
    unknown = [str(block) for block in BLOCKS if block.language not in RUN_BY and not block.info.startswith("{")]
    assert unknown == []
    assert len(BLOCKS) > 80


def test_each_entry_of_the_lists_is_about_a_block_that_is_there() -> None:
    for (page, beginning), test in RUN_ELSEWHERE.items():
        assert any(block.page == page and block.code.startswith(beginning) for block in BLOCKS), (page, beginning)
        assert page.partition("/")[2] in (ROOT / test).read_text(), f"{test} does not read {page}"
    for page, beginning in NOT_RUN:
        assert any(block.page == page and f"\n{beginning}" in f"\n{block.code}" for block in BLOCKS), (page, beginning)


def test_plain_text_is_no_code() -> None:
    code = ("import ", "from ", "$ ", "export ", "SELECT ", "curl ", "pip ")
    assert [str(block) for block in BLOCKS if not block.info and block.code.startswith(code)] == []


def test_json_can_be_read() -> None:
    for block in BLOCKS:
        assert block.language != "json" or json.loads(block.code)


@pytest.mark.parametrize("block", of_language("ini"), ids=str)
def test_options_of_airflow_are_those_of_the_provider(block: Block) -> None:
    read = configparser.ConfigParser()
    read.read_string(block.code)
    assert read.sections() == ["ekyc"]
    assert set(read["ekyc"]) <= set(get_provider_info()["config"]["ekyc"]["options"])


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "sql"], ids=str)
def test_sql_is_parsed_in_each_of_its_dialects(block: Block) -> None:
    for dialect in block.info.split()[1:] or ["trino"]:
        assert all(sqlglot.parse(block.code, dialect=dialect))


def test_what_is_run_elsewhere_is_not_run_here() -> None:
    assert {elsewhere(block) for block in of_language(*RUN_BY)} == {None}
