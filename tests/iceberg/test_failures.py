"""What an error of a catalog means: whether a retry may help, what to do, and nothing that must not be shown."""

from __future__ import annotations

import pytest
import requests
from botocore.exceptions import ClientError
from pyarrow import ArrowInvalid
from pyiceberg.exceptions import (
    CommitStateUnknownException,
    ForbiddenError,
    NoSuchNamespaceError,
    NotInstalledError,
    ServerError,
    ServiceUnavailableError,
    UnauthorizedError,
)
from sqlalchemy.exc import ArgumentError, OperationalError

from airflow_provider_ekyc.airflow_sdk import AirflowException
from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.iceberg.failures import CatalogCallError, explain, explained

DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not authorized"}}, "UpdateTable")


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (UnauthorizedError("no"), "permissions"),
        (ForbiddenError("no"), "permissions"),
        (DENIED, "permissions"),
        (OSError("When reading information for key 'a': AWS Error ACCESS_DENIED during HeadObject"), "permissions"),
        (NoSuchNamespaceError("Namespace does not exist: ekyc"), "Create what"),
        (OSError("AWS Error UNKNOWN (HTTP status 403) during HeadObject operation: No response body."), "permissions"),
        (OSError("AWS Error UNKNOWN (HTTP status 301) during HeadObject operation: No response body."), "s3.* prop"),
        (OSError("AWS Error NO_SUCH_BUCKET during PutObject"), "Create what"),
        (NotInstalledError("pip install"), "Install what"),
        (ModuleNotFoundError("No module named 'psycopg2'"), "Install what"),
        (ArgumentError("Could not parse SQLAlchemy URL"), "Correct the connection's URI"),
        (requests.exceptions.InvalidURL("http://"), "Correct the connection's URI"),
        (ValueError("PyIceberg does not yet support equality deletes: https://x/y"), "the table or the file"),
        (NotImplementedError("PyIceberg does not yet support equality deletes: a"), "the table or the file"),
        (NotImplementedError("another"), "Install what"),
        (FileNotFoundError("s3://bucket/file"), "s3.* properties"),
    ],
)
def test_what_a_retry_can_not_help(error: Exception, advice: str) -> None:
    problem = explain(error)

    assert not problem.retryable
    assert advice in problem.advice
    assert problem.shown.startswith(type(error).__name__)


def test_an_argument_is_the_connection_s_only_where_nothing_else_is_used() -> None:
    error = ValueError("Invalid catalog type: rust")
    for of_connection, advice in (
        (True, "Correct the connection's URI and its extra."),
        (False, "Correct the table, or"),
    ):
        problem = explain(error, of_connection=of_connection)
        assert problem.advice.startswith(advice)
        assert problem.shown == "ValueError: Invalid catalog type: rust"
        assert not problem.retryable


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.ConnectionError("reset"),
        requests.exceptions.ReadTimeout("read"),
        requests.exceptions.JSONDecodeError("no json", "<html>", 0),
        ServerError("500"),
        ServiceUnavailableError("503"),
        CommitStateUnknownException("504"),
        OperationalError("UPDATE", {}, Exception("database is locked")),
        OSError("AWS Error NETWORK_CONNECTION during GetObject"),
        OSError("AWS Error UNKNOWN (HTTP status 503) during GetObject operation: No response body."),
        ArrowInvalid("broken"),
        ZeroDivisionError("nobody foresaw it"),
    ],
)
def test_what_a_retry_may_help_or_nobody_knows(error: Exception) -> None:
    assert explain(error).retryable


def test_the_text_of_a_server_is_shown_without_secrets_and_numbers() -> None:
    text = "ForbiddenException: not with made-up-client-secret, +999 0000 000 001, https://x/y?X-Amz-Signature=made-up"
    shown = explain(ForbiddenError(text), ["made-up-client-secret"]).shown

    assert shown.startswith("ForbiddenError: ForbiddenException: not with ***")
    assert "000" not in shown
    assert "Signature=made" not in shown


def test_the_text_of_a_driver_is_not_shown() -> None:
    assert explain(ArrowInvalid("Could not convert '+9990000000001'")).shown == "ArrowInvalid"
    assert explain(OSError("AWS Error SLOW_DOWN (+9990000000001)")).shown == "OSError: SLOW_DOWN"
    unnamed = OSError("AWS Error UNKNOWN (HTTP status 301) during HeadObject operation: +9990000000001")
    assert explain(unnamed).shown == "OSError: UNKNOWN (HTTP status 301)"


@pytest.mark.parametrize("error", [EkycSettingsError("ours"), AirflowException("Airflow's own")])
def test_errors_that_say_by_themselves_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)), explained():
        raise error


def test_any_other_error_is_explained() -> None:
    with pytest.raises(CatalogCallError, match="ZeroDivisionError"), explained():
        raise ZeroDivisionError
