"""What an error of an Iceberg catalog, or of a table's files, means. Pure, but for the block that runs a call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from airflow_provider_ekyc.airflow_sdk import AirflowException
from airflow_provider_ekyc.exceptions import EkycError
from airflow_provider_ekyc.redaction import redact

#: Classes of which the same call ends in the same way until somebody changes something.
_PERMISSION: Final = frozenset({"UnauthorizedError", "ForbiddenError", "OAuthError", "PermissionError", "SignError"})
_MISSING: Final = frozenset({"NoSuchNamespaceError", "NoSuchTableError", "NoSuchViewError"})
_INSTALLATION: Final = frozenset({"NotInstalledError", "ImportError", "NoSuchModuleError", "NotImplementedError"})
_SETTINGS: Final = frozenset(
    {"BadRequestError", "MissingSchema", "InvalidSchema", "InvalidURL", "ArgumentError", "ParamValidationError"}
)
#: Codes of AWS, as boto3 and as Arrow's own client write them.
_AWS_PERMISSION: Final = re.compile(
    r"ACCESS_DENIED|AccessDenied|INVALID_ACCESS_KEY_ID|INVALID_CLIENT_TOKEN_ID|SIGNATURE_DOES_NOT_MATCH|"
    r"UnrecognizedClient|InvalidSignature|MISSING_AUTHENTICATION|AWS Error UNKNOWN \(HTTP status 40[13]\)"
)
_AWS_MISSING: Final = re.compile(r"NO_SUCH_BUCKET|EntityNotFoundException")
_PLACE: Final = frozenset({"FileNotFoundError"})
#: What S3 answers where the bucket is in another region than the one that was asked, as Arrow writes it.
_REDIRECT: Final = re.compile(r"AWS Error UNKNOWN \(HTTP status 30[127]\)")
#: Classes whose text is an answer of the catalog's server; that of others may hold a row, or a presigned URL.
_OF_THE_SERVER: Final = frozenset({"RESTError", "ClientError", "NoSuchNamespaceError", "NoSuchTableError"})

_PERMISSIONS = (
    "Let the connection use the catalog, and read and write the table's files (docs/iceberg.md lists the permissions)."
)
_UNUSABLE = (
    "Correct the table, or name another one: the table or the file can't be used as it is (docs/iceberg.md says why)."
)


@dataclass(frozen=True, slots=True)
class CatalogProblem:
    """
    An error of a catalog or of a table's files, explained.

    :param shown: the name of the error, with what the catalog's server said
    :param advice: what to do, as a whole sentence
    :param retryable: whether the same call may succeed later without anybody changing anything; also where that is
        not known, since nothing is added twice
    """

    shown: str
    advice: str
    retryable: bool


class CatalogCallError(Exception):
    """
    A call to a catalog, or to a table's files, has failed.

    :param problem: what it means
    """

    def __init__(self, problem: CatalogProblem) -> None:
        super().__init__(problem.shown)
        self.problem = problem


@contextmanager
def explained(secrets: Sequence[str] = (), *, of_connection: bool = False) -> Iterator[None]:
    """
    Raise what the block ends with as :class:`CatalogCallError`; errors of this package and of Airflow as they are.

    :param secrets: strings that are not shown, such as the connection's password
    :param of_connection: whether the block uses nothing else than the connection's settings, as to open the catalog
    """
    try:
        yield
    except (CatalogCallError, EkycError, AirflowException):
        raise
    except Exception as error:  # noqa: BLE001  # catalogs are plug-ins: drivers of databases, clouds and HTTP clients
        raise CatalogCallError(explain(error, secrets, of_connection=of_connection)) from None


def explain(error: Exception, secrets: Sequence[str] = (), *, of_connection: bool = False) -> CatalogProblem:
    """
    Explain an error that a call through pyiceberg ended with.

    :param secrets: strings that are not shown
    :param of_connection: whether the call used nothing else than the connection's settings
    """
    names = [kind.__name__ for kind in type(error).__mro__]
    text = str(error)
    shown = names[0]
    # A ValueError itself is pyiceberg's own word on its arguments; those derived from it are not.
    is_argument = names[0] == "ValueError"
    if text and (is_argument or not _OF_THE_SERVER.isdisjoint(names)):
        shown = f"{shown}: {redact(text, secrets=secrets, limit=200)}"
    elif code := re.search(r"AWS Error ([A-Z_]{1,60}(?: \(HTTP status \d{3}\))?)", text):
        shown = f"{shown}: {code[1]}"
    if not _PERMISSION.isdisjoint(names) or _AWS_PERMISSION.search(text):
        return CatalogProblem(shown, _PERMISSIONS, retryable=False)
    if not _MISSING.isdisjoint(names) or _AWS_MISSING.search(text):
        return CatalogProblem(shown, "Create what the message names, or correct the table's name.", retryable=False)
    if "equality deletes" in text or (is_argument and not of_connection):
        return CatalogProblem(shown, _UNUSABLE, retryable=False)
    if not _INSTALLATION.isdisjoint(names):
        return CatalogProblem(shown, "Install what the catalog needs (docs/iceberg.md).", retryable=False)
    if not _PLACE.isdisjoint(names) or _REDIRECT.search(text):
        return CatalogProblem(shown, "Correct the s3.* properties in the connection's extra.", retryable=False)
    if is_argument or not _SETTINGS.isdisjoint(names):
        return CatalogProblem(shown, "Correct the connection's URI and its extra.", retryable=False)
    return CatalogProblem(shown, "Check the catalog and the store of the table's files.", retryable=True)
