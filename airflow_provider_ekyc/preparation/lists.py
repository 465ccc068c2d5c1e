r"""
Open a list: a file, an object, several of these, or a query, as blocks of lines.

Whatever a source is, a row of it is a line here, so that all that follows is the same for each:

    with open_lists(ListArguments(numbers="s3://bucket/lists/")) as lists:
        for opened in lists:
            for block in opened.blocks:
                ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from airflow_provider_ekyc.exceptions import EkycNumbersError, EkycSettingsError, EkycUnreadableInputError
from airflow_provider_ekyc.numbers.address import read_address
from airflow_provider_ekyc.numbers.opened_source import WholeStream
from airflow_provider_ekyc.numbers.source import open_numbers
from airflow_provider_ekyc.preparation.sources.names import find_sources
from airflow_provider_ekyc.preparation.sources.opened_file import open_rows
from airflow_provider_ekyc.preparation.sources.options import TableOptions, read_options
from airflow_provider_ekyc.preparation.sources.query import query_blocks, query_name
from airflow_provider_ekyc.redaction import without_query


@dataclass(frozen=True, slots=True, kw_only=True)
class ListArguments:
    """
    What a list is, as an operator was given it: texts may be of templates.

    :param numbers: a path, an ``s3://`` address or another URI, a prefix of these that ends in ``/``, or a glob;
        as text, ``Path`` or ``ObjectStoragePath``, or a list of these
    :param sql: a query, in place of ``numbers``
    :param conn_id: Airflow connection of the database
    :param column: of a table: its name, or its place from 1 on; None if there is one alone
    :param delimiter: of CSV: one character; None to find it in the first row
    :param header: whether a table begins with the names of its columns; None to find out
    :param encoding: of text; None for UTF-8, or UTF-16 with its byte order mark
    :param sheet: name of a workbook's sheet; None if there is one alone
    :param aws_conn_id: Airflow connection for ``s3://``
    :param numbers_conn_id: Airflow connection for other URIs
    :param spool_dir: directory for temporary files, default the system's
    """

    numbers: object = None
    sql: object = None
    conn_id: object = None
    column: object = None
    delimiter: object = None
    header: object = None
    encoding: object = None
    sheet: object = None
    aws_conn_id: str | None = "aws_default"
    numbers_conn_id: str | None = None
    spool_dir: str | None = None


@dataclass(frozen=True, slots=True)
class OpenedList:
    r"""
    A source that was opened.

    :param name: for messages: an address without its query, and without what looks like a number
    :param first_row: which row of the source the first line is, from 1 on; 2 after a header
    :param blocks: to be read once, before the next list: lines ended by ``\n``, one for each row. Whatever is wrong
        with the source is raised here, at its end at the latest
    """

    name: str
    first_row: int
    blocks: Iterator[bytes]


@contextmanager
def open_lists(
    arguments: ListArguments, refuse: Callable[[str], None] = lambda name: None
) -> Iterator[Iterator[OpenedList]]:
    """
    Open a list's sources, one after another, each when it is asked for.

    Arguments are checked, and prefixes are listed, when the block begins.

    :param refuse: is given the name of each file, as messages show it, before the first one is opened; it raises if one
        is not to be read
    :raises EkycNumbersError: if there is no such source, or it is no list; also while it is read
    :raises EkycUnreadableInputError: if it can't be read just now, or changes meanwhile; a retry reads it again
    :raises EkycSettingsError: if an argument is wrong
    """
    options = read_options(
        column=arguments.column,
        delimiter=arguments.delimiter,
        header=arguments.header,
        encoding=arguments.encoding,
        sheet=arguments.sheet,
    )
    with ExitStack() as stack:
        if arguments.sql is None:
            addresses = find_sources(
                arguments.numbers, aws_conn_id=arguments.aws_conn_id, numbers_conn_id=arguments.numbers_conn_id
            )
            for address in addresses:
                refuse(read_address(address).shown)
            yield _files(addresses, arguments, options, stack)
        elif arguments.numbers is None:
            blocks = query_blocks(arguments.sql, arguments.conn_id, options)
            stack.callback(blocks.close)
            yield iter([OpenedList(query_name(arguments.conn_id), 1, blocks)])
        else:
            raise EkycSettingsError("numbers and sql exclude each other. No request was sent. Set one of them.")


def _files(
    addresses: Iterable[str], arguments: ListArguments, options: TableOptions, stack: ExitStack
) -> Iterator[OpenedList]:
    for address in addresses:
        with ExitStack() as opened:
            # Closed with the caller's block, should that end before this list.
            stack.push(opened)
            source = opened.enter_context(_open(address, arguments))
            # Elsewhere "?" may be a part of a name, whose end would be lost.
            path = without_query(address) if address.lower().startswith(("http://", "https://")) else address
            row, blocks = open_rows(source, path, source.shown, options, opened, arguments.spool_dir)
            yield OpenedList(source.shown, row, blocks)


@contextmanager
def _open(address: str, arguments: ListArguments) -> Iterator[WholeStream]:
    with ExitStack() as stack:
        try:
            source = stack.enter_context(
                open_numbers(address, aws_conn_id=arguments.aws_conn_id, numbers_conn_id=arguments.numbers_conn_id)
            )
        except EkycNumbersError as error:
            if _is_found(address, arguments):
                raise
            # Where it was found by a prefix or a glob, a retry finds what is there then.
            raise EkycUnreadableInputError(
                f"A file was deleted or renamed after it was found: {error} A retry looks for all files again."
            ) from None
        yield source


def _is_found(address: str, arguments: ListArguments) -> bool:
    try:
        found = find_sources(
            arguments.numbers, aws_conn_id=arguments.aws_conn_id, numbers_conn_id=arguments.numbers_conn_id
        )
    except EkycNumbersError:
        return False
    return address in found
