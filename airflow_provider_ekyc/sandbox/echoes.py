"""A refusal that quotes what was sent: a number in one of many spellings, an e-mail address, the key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from aiohttp import web

from airflow_provider_ekyc.sandbox.app_keys import error

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def _grouped(separator: str) -> Callable[[str], str]:
    def spell(number: str) -> str:
        digits = number.removeprefix("+")
        groups = [digits[:3], *(digits[start : start + 3] for start in range(3, len(digits), 3))]
        return "+" + separator.join(groups)

    return spell


_SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "number": lambda number: number,
    "digits": lambda number: number.removeprefix("+"),
    "nbsp": _grouped("\N{NO-BREAK SPACE}"),
    "hyphen": _grouped("\N{NON-BREAKING HYPHEN}"),
    "slashes": _grouped("/"),
    "percent": lambda number: "%2B" + "%20".join(_grouped(" ")(number).removeprefix("+").split(" ")),
}

_KEYS: Mapping[str, Callable[[str], str]] = {
    "key": lambda key: key,
    "key_part": lambda key: key[: max(8, len(key) * 2 // 3)],
    "key_upper": lambda key: key.upper(),
}


def quoted(form: str, key: str, body: bytes) -> str:
    """What a refusal quotes of a request; empty if there is nothing of that kind in it.

    :param form: one of ``faults.FORMS``.
    :param key: of the request.
    :param body: of the request; its first number or address may be quoted.
    """
    if form in _KEYS:
        return _KEYS[form](key)
    found = (_EMAIL if form == "email" else _NUMBER).search(body.decode("utf-8", "replace"))
    return _SPELLINGS.get(form, str)(found[0]) if found else ""


def echo(request: web.Request, body: bytes, form: str, status: int) -> web.Response:
    """A refusal that quotes something of the request.

    :param request: that is refused.
    :param body: of the request.
    :param form: one of ``faults.FORMS``.
    :param status: HTTP status of the refusal.
    """
    words = quoted(form, request.headers.get("X-API-Key", ""), body)
    return error(status, "invalid_parameters", f"line 1 is not valid: {words}")
