"""The sandbox's faults, each with the parameters that it is tried with, by a name for tables and messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_ekyc.sandbox.faults import Call, Fault, kinds_of

#: Seconds of the connection's time-outs in a case that waits for one, and of the fault behind it.
SHORT_TIMEOUT, PAST_TIMEOUT = 1.0, 2.0

_PAST = "past the time-out"

#: Name -> kind and parameters. ``status_after 500`` is left out: the API's page says that 500 is free, so a
#: server that charges and answers 500 breaks the contract that a resend rests on.
FAULT_CASES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    **{f"status {code}": ("status", {"status": code}) for code in (400, 401, 402, 404, 413, 429, 500, 502, 503, 504)},
    # Codes that the API page does not have, before and after the submission was accepted.
    **{f"status {code}": ("status", {"status": code}) for code in (307, 308, 408, 409, 425, 499)},
    **{f"status_after {code}": ("status_after", {"status": code}) for code in (303, 307, 408, 409, 499)},
    "informational 102": ("informational", {"status": 102}),
    "informational 103": ("informational", {"status": 103}),
    "informational 101": ("informational", {"status": 101}),
    "broken_json": ("broken_json", {}),
    "html": ("html", {}),
    # Pages of a proxy.
    **{f"html {code}": ("html", {"status": code}) for code in (302, 401, 403, 404, 405, 413, 429, 500)},
    **{f"html_after {code}": ("html_after", {"status": code}) for code in (401, 429, 500, 502)},
    "echo": ("echo", {"form": "nbsp"}),
    "echo of the key": ("echo", {"form": "key_upper"}),
    "delay": ("delay", {"seconds": 0.2}),
    f"delay {_PAST}": ("delay", {"seconds": PAST_TIMEOUT}),
    "slow_body": ("slow_body", {"seconds": 0.3}),
    f"slow_body {_PAST}": ("slow_body", {"seconds": PAST_TIMEOUT * 2}),
    "cut_before": ("cut_before", {}),
    "cut_before in the upload": ("cut_before", {"at_byte": 300}),
    "cut_after": ("cut_after", {}),
    "status_after 503": ("status_after", {"status": 503}),
    "status_after 504": ("status_after", {"status": 504}),
    "early_status 413": ("early_status", {"status": 413}),
    "early_status 503": ("early_status", {"status": 503}),
    "without_task_id": ("without_task_id", {}),
    "without_counts": ("without_counts", {}),
    **{f"other_status {code}": ("other_status", {"status": code}) for code in (400, 409, 500, 502)},
    "wrapped": ("wrapped", {}),
    "camel_case_id": ("camel_case_id", {}),
    "numeric_id": ("numeric_id", {}),
    "id_in_location": ("id_in_location", {}),
    "trailing_bytes": ("trailing_bytes", {}),
    "without_last_chunk": ("without_last_chunk", {}),
    "without_last_byte": ("without_last_byte", {}),
    "short_zip": ("short_zip", {}),
    "cut_body": ("cut_body", {}),
    "wrong_crc": ("wrong_crc", {}),
    "xlsx": ("xlsx", {}),
    "extra_rows": ("extra_rows", {}),
    "missing_rows": ("missing_rows", {}),
    "expired": ("expired", {}),
    "redirect": ("redirect", {}),
    "refused by the store": ("status", {"status": 403, "body": "<Error><Code>AccessDenied</Code></Error>"}),
    "wrong_etag": ("wrong_etag", {}),
    **{kind: (kind, {}) for kind in ("whole_body", "other_range", "short_range", "long_range")},
    "stall": ("stall", {"seconds": 0.3}),
}

#: Name -> what a relay before S3 does to a call of an upload in parts, which every result of these cases is.
S3_FAULT_CASES: Mapping[str, Mapping[str, Any]] = {
    "create status 503": {"call": "create", "kind": "status"},
    "part status 403": {"call": "part", "kind": "status", "status": 403},
    "part status 503": {"call": "part", "kind": "status"},
    "part cut_before": {"call": "part", "kind": "cut_before"},
    "part cut_after": {"call": "part", "kind": "cut_after"},
    "complete status 200": {"call": "complete", "kind": "status", "status": 200, "code": "InternalError"},
    "complete status 404": {"call": "complete", "kind": "status", "status": 404, "code": "NoSuchUpload"},
    "complete status 503": {"call": "complete", "kind": "status"},
    "complete cut_before": {"call": "complete", "kind": "cut_before"},
    "complete cut_after": {"call": "complete", "kind": "cut_after"},
}


def fault_of(call: Call, fault: str, times: int | None) -> Fault:
    """
    Make the sandbox's fault.

    :param fault: a name of :data:`FAULT_CASES`
    :param times: how many calls it hits, None for all
    """
    kind, parameters = FAULT_CASES[fault]
    return Fault(call=call, kind=kind, times=times, **parameters)


def needs_short_timeouts(fault: str) -> bool:
    """Return whether a fault shows only with time-outs shorter than it."""
    return fault.endswith(_PAST)


def kinds_without_case(call: Call, names: frozenset[str]) -> frozenset[str]:
    """
    List the kinds of fault of a call that none of these cases has.

    :param names: of cases in :data:`FAULT_CASES`
    """
    return kinds_of(call) - {FAULT_CASES[name][0] for name in names}
