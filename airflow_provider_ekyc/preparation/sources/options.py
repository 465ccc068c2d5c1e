"""How a table is read: what an operator was given, checked."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

from airflow_provider_ekyc.arguments import read_bool, read_text
from airflow_provider_ekyc.exceptions import EkycSettingsError

#: Text encodings of Python that no list is written in: escapes of a programming language, host names, whatever has no
#: table of its own; and those in which a byte means something else after a shift sequence, such as ``+`` in UTF-7, so
#: that a line can't be read by itself.
_NO_LIST: Final = re.compile(
    r"idna|punycode|(?:raw-)?unicode-escape|undefined|charmap|mbcs|oem|utf-7|hz|iso2022-.*", re.ASCII
)


@dataclass(frozen=True, slots=True)
class TableOptions:
    """
    How a table is read.

    :param column: name of the numbers' column, or its place from 1 on; None if there is one alone
    :param delimiter: one character; None to find it in the first row
    :param header: whether the first row has the names of the columns; None to find out
    :param encoding: Python's name of the encoding of text; None for UTF-8, or UTF-16 with its byte order mark
    :param sheet: name of a workbook's sheet; None if there is one alone
    """

    column: str | int | None = None
    delimiter: str | None = None
    header: bool | None = None
    encoding: str | None = None
    sheet: str | None = None

    @property
    def is_table(self) -> bool:
        """Whether text is read as a table, whatever its name is."""
        return any(each is not None for each in (self.column, self.delimiter, self.header))


def read_options(*, column: object, delimiter: object, header: object, encoding: object, sheet: object) -> TableOptions:
    r"""
    Check what an operator was given, perhaps as text of a template.

    :param column: text of digits alone is a place
    :param delimiter: one character; ``\t`` and ``tab`` are the tab
    :raises EkycSettingsError: if it can't be used
    """
    return TableOptions(
        _column(column),
        _delimiter(delimiter),
        None if header is None else read_bool("header", header),
        _encoding(encoding),
        None if sheet is None else read_text("sheet", sheet),
    )


def _column(value: object) -> str | int | None:
    if value is None:
        return None
    if isinstance(value, str) and not value.strip().isdecimal():
        return read_text("column", value)
    if isinstance(value, str | int) and not isinstance(value, bool) and int(value) >= 1:
        return int(value)
    raise EkycSettingsError("column must be a name, or a place from 1 on. No request was sent.")


def _delimiter(value: object) -> str | None:
    if value is None:
        return None
    text = {"\\t": "\t", "tab": "\t"}.get(value, value) if isinstance(value, str) else ""
    # A quote, a line end or a part of a number would leave no cell to read.
    if len(text) != 1 or text in '"\r\n+\0' or text.isdecimal():
        raise EkycSettingsError(
            "delimiter must be one character, such as ';', and no digit, plus, quote or line end. No request was sent."
        )
    return text


def _encoding(value: object) -> str | None:
    if value is None:
        return None
    name = read_text("encoding", value)
    codec = _text_codec(name)
    if codec is None:
        raise EkycSettingsError(
            "encoding is not one that a list can be read in. No request was sent. Set it to the name of a text "
            "encoding of Python whose lines can be read one by one, such as cp1252 or utf-16-le; others, such as "
            "utf-7, iso2022_jp and idna, are refused."
        )
    return codec


def _text_codec(name: str) -> str | None:
    """Return Python's own name of a text encoding whose lines can be read one by one, None for any other codec."""
    try:
        found = codecs.lookup(name)
        "".encode(name)  # refuses codecs that are none of text, such as base64
    except (LookupError, ValueError):
        return None
    # Codecs that another package has registered are not known to be of text either.
    is_python = getattr(found.incrementaldecoder, "__module__", "").startswith("encodings.")
    return found.name if is_python and not _NO_LIST.fullmatch(found.name.replace("_", "-")) else None
