"""
Read arguments and settings that a form or a template may have turned into text.

A Jinja template gives text, and ``bool("False")`` is true: so nothing is guessed here.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from decimal import Context, Decimal

from airflow_provider_ekyc.exceptions import EkycSettingsError

#: More digits than any text has that is read as an amount.
_EXACT = Context(prec=100)
_AMOUNTS_END = 10**12


def read_bool(name: str, value: object) -> bool:
    """
    Return a boolean: ``True``, ``False``, or these words in any case.

    :param name: named in the error
    :raises EkycSettingsError: if it is anything else
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise EkycSettingsError(f"{name} must be true or false.")


def read_number(name: str, value: object, *, least: float = 0.0, most: float = float("inf")) -> float:
    """
    Return a finite number, perhaps given as text.

    :param name: named in the error
    :param least: the smallest value that is allowed
    :param most: the largest value that is allowed
    :raises EkycSettingsError: if it is no such number
    """
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = float("nan")
        if least <= number <= most and number < float("inf"):
            return number
    end = f", at most {most:,.0f}" if most < float("inf") else ""
    raise EkycSettingsError(f"{name} must be a number, at least {least:g}{end}.")


def read_count(name: str, value: object, *, least: int, most: int) -> int:
    """
    Return a whole number, perhaps given as text.

    :param name: named in the error
    :param least: the smallest value that is allowed
    :param most: the largest value that is allowed
    :raises EkycSettingsError: if it is no such number
    """
    number = read_number(name, value, least=least, most=most)
    if number != int(number):
        raise EkycSettingsError(f"{name} must be a whole number.")
    return int(number)


def read_amount(name: str, value: object) -> Decimal:
    """
    Return an amount of money, perhaps given as text, exactly as it is written.

    A float is read as it is printed: 0.001 is one thousandth. An exponent is accepted, because small floats are printed
    with one (``1e-05``). At most 18 digits and 18 decimals, below 1,000,000,000,000: so its product with a number of
    rows is exact.

    :param name: named in the error
    :raises EkycSettingsError: if it is no such amount, or is negative
    """
    text = ""
    if isinstance(value, int | float | str | Decimal) and not isinstance(value, bool):
        # Python refuses to print a whole number of thousands of digits.
        text = str(value).strip() if not isinstance(value, int) or abs(value) < _AMOUNTS_END else ""
    if re.fullmatch(r"[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?", text):
        # A zero at the end is no digit: 1.000 is 1.
        amount = Decimal(text).normalize(_EXACT)
        _, digits, exponent = amount.as_tuple()
        if amount < _AMOUNTS_END and len(digits) <= 18 and isinstance(exponent, int) and exponent >= -18:
            return amount
    raise EkycSettingsError(
        f"{name} must be an amount such as 0.001: at least 0, below {_AMOUNTS_END:,}, with a point before the decimals "
        f"and at most 18 digits."
    )


def read_seconds(name: str, value: object, *, least: float = 0.0, most: float = float("inf")) -> float:
    """
    Return a duration in seconds: a ``timedelta``, or a number of seconds, perhaps given as text.

    :param name: named in the error
    :param least: the shortest that is allowed, in seconds
    :param most: the longest that is allowed, in seconds
    :raises EkycSettingsError: if it is no such duration
    """
    try:
        return read_number(
            name, value.total_seconds() if isinstance(value, timedelta) else value, least=least, most=most
        )
    except EkycSettingsError as error:
        raise EkycSettingsError(f"{error} It is a number of seconds, or a timedelta.") from None


def read_choice(name: str, value: object, choices: tuple[str, ...]) -> str:
    """
    Return one of ``choices``.

    :param name: named in the error
    :raises EkycSettingsError: if it is none of them
    """
    if isinstance(value, str) and value.strip().lower() in choices:
        return value.strip().lower()
    raise EkycSettingsError(f"{name} must be one of: {', '.join(choices)}.")


def read_text(name: str, value: object) -> str:
    """
    Return text that is not empty; a template that found nothing renders as ``""`` or ``"None"``.

    A path may also be a ``pathlib.Path`` or an ``ObjectStoragePath``, which names its connection in its text
    (``s3://conn_id@bucket/key``).

    :param name: named in the error
    :raises EkycSettingsError: if there is none, or something else than text
    """
    path = _path_text(value)
    text = path if path is not None else value
    if isinstance(text, str) and text.strip() not in ("", "None"):
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise EkycSettingsError(f"{name} is not valid text: it has half of a surrogate pair.")
        return text if path is not None else text.strip()
    problem = "is empty" if text is None or isinstance(text, str) else f"must be text, not {type(value).__name__}"
    raise EkycSettingsError(f"{name} {problem}; check the template or the argument.")


def read_task_type(value: object) -> str:
    """
    Return the type of a task, such as ``amazon``: up to 64 ASCII letters, digits, dots, dashes and underscores.

    It is a field of the API's form, the header of a CSV and a part of a record's fingerprint.

    :raises EkycSettingsError: if it can't be one
    """
    text = read_text("task_type", value)
    if is_task_type(text):
        return text
    raise EkycSettingsError(
        "task_type must be a word such as amazon: up to 64 letters, digits, '.', '-', '_'. No request was sent."
    )


def is_task_type(value: object) -> bool:
    """Return whether a value can be the type of a task, as :func:`read_task_type` reads it."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", value) is not None


def split_s3_connection(address: str) -> tuple[str | None, str]:
    """
    Split the Airflow connection off an S3 address that names one, as ``ObjectStoragePath`` writes it.

    :param address: ``s3://conn_id@bucket/key``, or anything else
    :return: the connection, and ``s3://bucket/key``; None and the text as it is where no connection is named
    """
    named = re.match(r"((?i:s3[an]?)://)([^/@]*)@", address)
    if named is None:
        return None, address
    return named[2] or None, named[1] + address[named.end() :]


def _path_text(value: object) -> str | None:
    """Return a path object as text, or None if it is none."""
    # universal-pathlib's paths, and Airflow's over them: PathLike in some versions, where fspath() drops the scheme.
    if hasattr(value, "protocol") and hasattr(value, "storage_options"):
        return str(value)
    if isinstance(value, os.PathLike):
        path = os.fspath(value)
        return path if isinstance(path, str) else None
    return None
