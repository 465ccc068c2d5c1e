"""
Whatever goes wrong: no object, one clear error of the right kind, and nothing secret in any log line.

Each case runs at DEBUG, with urllib3's own lines, and its error is printed with the whole chain.

Modules: ``results/errors.py``, ``results/exported.py``.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from airflow_provider_ekyc.airflow_errors import EkycFailException, EkycRetryException
from airflow_provider_ekyc.sandbox import Sandbox
from airflow_provider_ekyc.transfers.ekyc_to_s3 import EkycResultsToS3Operator
from dev.stack.s3_server import S3Server
from tests.conftest import API_KEY, BUCKET, aws_connection, keys_of

pytestmark = pytest.mark.usefixtures("connections")

LOST = "Nothing was landed. The submission is already paid for and will not be charged again."
REFUSED = "The result was not landed. The submission is already paid for and will not be charged again."
SECRET = re.compile(
    r"X-Amz-|(?<![0-9a-f])\+?999\d{7}(?![0-9a-f])|" + re.escape(API_KEY) + "|made-up-secret|made-up-wrong"
)


@dataclass(frozen=True)
class Case:
    """
    One fault.

    :param words: all of them are in the error
    :param fault: of the sandbox, switched on for good
    :param connection: what differs in the eKYC connection
    :param aws: what differs in the AWS connection
    """

    words: tuple[str, ...]
    retry: bool = False
    fault: tuple[str, str] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    connection: dict[str, Any] = field(default_factory=dict)
    aws: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)


def result(kind: str, *words: str, retry: bool = False, **parameters: Any) -> Case:
    return Case((LOST, *words), retry, ("result", kind), parameters)


def status(kind: str, *words: str, retry: bool = False, **parameters: Any) -> Case:
    return Case(words, retry, ("status", kind), parameters)


AGAIN = "A retry requests the result again."
CLEAR = "Clear this task"
ECHO = json.dumps({"error": "invalid number +9990000000001", "url": "https://s3.example/z?X-Amz-Signature=made-up"})
S3_ECHO = f"<Error><Code>AccessDenied</Code><Message>{ECHO}</Message></Error>"
NO_URL = json.dumps({"task_id": "{}", "status": "exported", "total": 200, "success": 200, "failure": 0})

CASES = {
    "the result is HTML": result("html", "an HTML page, not a zip archive", CLEAR),
    "the result is half a zip": result("short_zip", "a damaged zip archive", CLEAR),
    "the result is empty": result("short_zip", "is empty", CLEAR, at_byte=0),
    "a sum is wrong": result("wrong_crc", "Bad CRC-32", CLEAR),
    "the result is a spreadsheet": result("xlsx", "an Excel file", "Ask the vendor"),
    "rows are missing": result("missing_rows", "has 197 rows", "reports 200 (", CLEAR, rows=3),
    "there are unexpected rows": result("extra_rows", "has 203 rows", "reports 200 (", CLEAR, rows=3),
    "somebody leads elsewhere": result("redirect", "not by the result's store (307)", AGAIN, retry=True),
    "the store refuses": result("status", "refused the download (403, AccessDenied)", CLEAR, status=403, body=S3_ECHO),
    "somebody else refuses": result(
        "status", "not by the result's store (403)", AGAIN, retry=True, status=403, body=ECHO
    ),
    "the store is not ready": result("status", "not ready (503", AGAIN, retry=True, status=503),
    "the store's answer is cut each time": result("cut_body", "got no answer", AGAIN, retry=True, at_byte=0),
    "the store hangs up": result("cut_before", "got no answer", AGAIN, retry=True),
    "the URL expires twice": Case(
        ("has expired too.", "Nothing was landed", "will not be charged again"), fault=("result", "expired")
    ),
    "the API knows no such task": Case(
        ("404", "Check ekyc_task_id", "Nothing was landed", "A submission that was accepted is paid for"),
        arguments={"ekyc_task_id": "made-up-id"},
    ),
    "the remote task has failed": Case(("has failed", "Nothing was landed", "clear"), settings={"ending": "failed"}),
    "the remote task waits": Case(
        ("not exported yet (pending)", "EkycTaskSensor", "a retry queries the status again"),
        True,
        settings={"queue_seconds": 3600},
    ),
    "the key is wrong": Case(("401", "password field", LOST), connection={"password": "made-up-wrong"}),
    "the API fails": status("status", "(500)", LOST, AGAIN, retry=True, status=500),
    "the API refuses and echoes": status("status", "[number removed]", LOST, status=400, body=ECHO),
    "the API speaks HTML": status("html", "not a JSON object", LOST, AGAIN, retry=True),
    "the API breaks off": status("broken_json", "not a JSON object", LOST, AGAIN, retry=True),
    "the API hangs up": status("cut_after", "got no answer", LOST, AGAIN, retry=True),
    "the result is at a host that is not allowed": Case(
        ("result_hosts", "Nothing was downloaded or landed", "will not be charged again"),
        connection={"result_hosts": "results.example"},
    ),
    "there is no such directory": Case(("spool_dir", "A retry is safe"), True, arguments={"spool_dir": "/made/up"}),
    "there is no such connection": Case(
        ("no connection 'made_up'", "create"), True, arguments={"ekyc_conn_id": "made_up"}
    ),
    "S3 fails": Case(
        (REFUSED, "PutObject: InternalError, 500", "A retry may help"),
        True,
        aws={"config_kwargs": {"retries": {"total_max_attempts": 1}}},
        arguments={"encrypt": True},  # our S3 server has no key for it, and answers 500
    ),
    "S3 does not know us": Case(
        (REFUSED, "SignatureDoesNotMatch", "A retry can't help", "clear this task"), aws={"password": "made-up-wrong"}
    ),
    "S3 is gone": Case(
        ("EndpointConnectionError", "does not land it twice"),
        True,
        aws={"endpoint_url": "http://127.0.0.1:9", "config_kwargs": {"retries": {"total_max_attempts": 1}}},
    ),
    "the AWS connection has no such region": Case(
        ("cannot be used (InvalidRegionError)", "region_name"), aws={"region_name": "no region"}
    ),
    "the AWS connection has no address": Case(
        ("No S3 client can be made", "'aws_default' (ValueError)", "No request was sent"),
        aws={"endpoint_url": "nowhere"},
    ),
    "the AWS connection names a profile that is not there": Case(
        ("cannot be used (ProfileNotFound)", "profile_name"), aws={"profile_name": "made-up"}
    ),
    "nobody hands out the role": Case(
        ("cannot be used (EndpointConnectionError)", "A retry may help"),
        retry=True,
        aws={
            "role_arn": "arn:aws:iam::000000000000:role/made-up",
            "service_config": {"sts": {"endpoint_url": "http://127.0.0.1:9"}},
            "assume_role_kwargs": {},
        },
    ),
    "the AWS connection has a wrong setting": Case(
        ("No S3 client can be made", "(TypeError)"), aws={"config_kwargs": {"made_up": 1}}
    ),
    "the bucket is missing": Case(
        (REFUSED, "NoSuchBucket", "A retry can't help"), arguments={"s3_bucket": "no-such-one"}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_nothing_lands_and_one_clear_error_says_why_without_a_secret(
    name: str,
    sandbox: Sandbox,
    s3_server: S3Server,
    s3: Any,
    connect: Callable[..., None],
    submit: Callable[[], str],
    context: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    case = CASES[name]
    sandbox.change(**case.settings)
    if case.fault:
        sandbox.fault(*case.fault, times=None, **case.parameters)
    if case.connection:
        connect(sandbox, **case.connection)
    aws = json.loads(aws_connection(s3_server))
    aws["password"] = case.aws.get("password", aws["password"])
    aws["extra"] |= {given: value for given, value in case.aws.items() if given != "password"}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(aws))
    arguments = {"ekyc_task_id": submit(), "s3_bucket": BUCKET, "s3_key": "a.zip", **case.arguments}
    kind = EkycRetryException if case.retry else EkycFailException
    with (
        caplog.at_level(logging.DEBUG, "airflow_provider_ekyc"),
        caplog.at_level(logging.DEBUG, "urllib3"),
        caplog.at_level(logging.DEBUG, "airflow"),
        pytest.raises(kind) as caught,
    ):
        EkycResultsToS3Operator(task_id="land", **arguments).execute(context)
    assert type(caught.value) is kind
    assert not [words for words in case.words if words.lower() not in str(caught.value).lower()], str(caught.value)
    assert keys_of(s3) == []
    assert set(context["ti"].xcoms) == {"failure"}
    failure = context["ti"].xcoms["failure"]
    assert (failure["message"], failure["kind"]) == (str(caught.value)[:2000], caught.value.kind)
    assert (failure["ekyc_task_id"], failure["retryable"]) == (arguments["ekyc_task_id"], case.retry)
    assert not SECRET.search(json.dumps(failure))
    assert sandbox.key_leaks == 0
    printed = "".join(traceback.format_exception(caught.value))
    assert not SECRET.search(printed)
    assert not SECRET.search(_whole_chain(caught.value))
    assert not SECRET.search(caplog.text)
    assert not SECRET.search("".join(capfd.readouterr()))


def _whole_chain(error: BaseException | None) -> str:
    """The texts of the error and of all that is behind it, even of what ``from None`` keeps from being printed."""
    texts = []
    while error is not None:
        texts.append(str(error))
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


@pytest.mark.parametrize(
    ("kind", "connection", "words"),
    [
        ("html", {}, "Clear this task to download it again;"),
        ("wrong_crc", {}, "Clear this task to download it again;"),
        ("redirect", {}, "Check the proxies between the workers and the result's store"),
        ("", {"result_hosts": "results.example"}, "If you trust this place, add it to result_hosts"),
    ],
)
def test_the_log_begins_with_the_way_out_of_this_very_failure(
    kind: str,
    connection: dict[str, str],
    words: str,
    sandbox: Sandbox,
    s3: Any,
    connect: Callable[..., None],
    submit: Callable[[], str],
    context: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    if kind:
        sandbox.fault("result", kind, times=None)
    connect(sandbox, **connection)
    with pytest.raises((EkycFailException, EkycRetryException)):
        EkycResultsToS3Operator(task_id="land", ekyc_task_id=submit(), s3_bucket=BUCKET, s3_key="a.zip").execute(
            context
        )
    first, *others = [record.message for record in caplog.records if record.name.endswith(".airflow_errors")]
    assert first.startswith(words)
    assert not [line for line in others if line.startswith(words) or "the arguments that read it" in line]


def test_a_url_that_expires_twice_has_a_kind_of_its_own(
    sandbox: Sandbox, s3: Any, exported: str, context: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fault("result", "expired", times=None)
    with pytest.raises(EkycFailException) as caught:
        EkycResultsToS3Operator(task_id="land", ekyc_task_id=exported, s3_bucket=BUCKET, s3_key="a.zip").execute(
            context
        )
    assert (caught.value.kind, caught.value.status, caught.value.charge) == ("expired_url", 403, "possible")
    assert "Ask the vendor for the result of this remote task, then clear this task." in caplog.messages


def test_an_exported_task_without_a_url_is_worth_a_retry(
    sandbox: Sandbox, s3: Any, exported: str, context: dict[str, Any]
) -> None:
    sandbox.fault("status", "status", status=200, body=NO_URL.replace("{}", exported), times=None)
    with pytest.raises(EkycRetryException, match="the API returned no URL of its result"):
        EkycResultsToS3Operator(task_id="land", ekyc_task_id=exported, s3_bucket=BUCKET, s3_key="a.zip").execute(
            context
        )
    assert keys_of(s3) == []


def test_what_breaks_and_heals_is_not_noticed(
    sandbox: Sandbox, s3: Any, exported: str, context: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    for call, kind in (("status", "status"), ("result", "cut_body"), ("result", "expired"), ("status", "cut_after")):
        sandbox.fault(call, kind)  # type: ignore[arg-type]
    with caplog.at_level(logging.DEBUG, "airflow_provider_ekyc"), caplog.at_level(logging.DEBUG, "urllib3"):
        EkycResultsToS3Operator(task_id="land", ekyc_task_id=exported, s3_bucket=BUCKET, s3_key="a.zip").execute(
            context
        )
    assert keys_of(s3) == ["a.zip"]
    assert not SECRET.search(caplog.text)
