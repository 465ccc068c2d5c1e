"""What an error of S3, of AWS's sign-in or of their client means. Pure, but for the block that runs a call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ekyc.redaction import redact
from airflow_provider_ekyc.s3.advice import DENIED, ENDPOINT, SIGN_IN, advice_on_answer, advice_on_client_error

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError


@dataclass(frozen=True, slots=True)
class S3Problem:
    """
    An error of S3, explained.

    :param shown: the call, S3's code and the HTTP status, or the name of the client's error
    :param advice: what to do, as whole sentences
    :param retryable: whether the same call may succeed later without anybody changing anything
    :param operation: the call: ``PutObject``; one of STS if the credentials could not be had
    :param code: S3's code, such as ``NoSuchBucket``; a HEAD has no body, so there it is the HTTP status
    :param status: HTTP status; 0 if there was no answer of S3
    :param arguments: what the client says of arguments that it does not accept, without their values
    """

    shown: str
    advice: str
    retryable: bool
    operation: str = ""
    code: str = ""
    status: int = 0
    arguments: str = ""

    @property
    def is_absent(self) -> bool:
        """Whether S3 says that there is no such object; of a missing bucket, and of a proxy's 404, it does not."""
        return self.code == "NoSuchKey" or (self.operation == "HeadObject" and self.code in ("404", "NotFound"))

    @property
    def is_taken(self) -> bool:
        """Whether a condition did not hold, or another write to the key is in progress."""
        return self.code in _TAKEN

    @property
    def is_denied(self) -> bool:
        """Whether the connection lacks the permission for the call, rather than for its own sign-in."""
        return self.status == 403 and self.code in DENIED and not self.operation.startswith(SIGN_IN)

    @property
    def may_lack_checksums(self) -> bool:
        """Whether the store may not know the checksums of a call, as some that speak S3; a HEAD has no body."""
        return self.code in ("InvalidArgument", "NotImplemented", "501") or (
            self.operation == "HeadObject" and self.code == "400"
        )

    @property
    def is_refused(self) -> bool:
        """Whether S3 has answered that it has not done what was requested."""
        return 400 <= self.status < 500


class S3CallError(Exception):
    """
    A call to S3 has failed.

    :param problem: what it means
    """

    def __init__(self, problem: S3Problem) -> None:
        super().__init__(problem.shown)
        self.problem = problem


@contextmanager
def explained(operation: str, permission: str = "") -> Iterator[None]:
    """
    Raise what a call through the AWS client ends with as :class:`S3CallError`.

    :param operation: the call: ``GetObject``
    :param permission: as in :func:`explain`
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise S3CallError(explain(error, operation, permission)) from None


def no_s3_answer(operation: str) -> S3CallError:
    """Return the error for a success that S3 did not send: a proxy's page."""
    return S3CallError(S3Problem("the answer is not one of S3", ENDPOINT, retryable=True, operation=operation))


#: A condition that does not hold, or a key that is being written by another right now.
_TAKEN: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})

#: What botocore quotes of an argument that it does not accept, up to what it says of it.
_VALUE: Final = re.compile(r", value: .*(?=, (?:type: <class|valid (?:types|min|max|range)))")

#: How it writes a type, which redact() would remove as HTML.
_CLASS: Final = re.compile(r"<class '([\w.]+)'>")


def explain(error: ClientError | BotoCoreError, operation: str, permission: str = "") -> S3Problem:
    """
    Explain an error that a call through the AWS client ended with.

    :param error: of the client
    :param operation: the call: ``GetObject``; empty if the client is being made
    :param permission: the IAM permission that is named if one is missing; by default that of the call
    """
    from botocore.exceptions import ClientError

    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        metadata: Mapping[str, Any] = error.response.get("ResponseMetadata", {})
        return explain_refusal(error.operation_name, code, int(metadata.get("HTTPStatusCode", 0)), permission)
    names = [kind.__name__ for kind in type(error).__mro__]
    advice, retryable = advice_on_client_error(names)
    arguments = _without_values(str(error)) if "ParamValidationError" in names else ""
    return S3Problem(names[0], advice, retryable, operation=operation, arguments=arguments)


def explain_refusal(operation: str, code: str, status: int, permission: str = "") -> S3Problem:
    """
    Explain an error answer.

    :param operation: the call: ``GetObject``
    :param code: S3's code, or the HTTP status where there is none
    :param status: HTTP status, or 0
    :param permission: as in :func:`explain`
    """
    advice, retryable = advice_on_answer(operation, code, status, permission)
    shown = f"{operation}: {redact(code) or 'no code'}, {status}"
    return S3Problem(shown, advice, retryable, operation=operation, code=code, status=status)


def _without_values(text: str) -> str:
    """Return what botocore says of arguments that it does not accept; a value may be a secret, and is left out."""
    return redact(_CLASS.sub(r"\1", _VALUE.sub("", text).partition(", value: ")[0]))
