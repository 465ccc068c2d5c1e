"""
What an error of S3, of AWS's sign-in or of their client means: what to do, and whether a retry may help. Pure.

The codes are those of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, with those of STS and KMS
that reach a caller of S3, and what S3-compatible stores add (MinIO: ``XMinioStorageFull``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_ekyc.redaction import redact

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
        return self.status == 403 and self.code in _DENIED and not self.operation.startswith(_SIGN_IN)

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
    return S3CallError(S3Problem("the answer is not one of S3", _ENDPOINT, retryable=True, operation=operation))


#: A condition that does not hold, or a key that is being written by another right now.
_TAKEN: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})

#: Calls of STS: what is missing there is the permission to make them.
_SIGN_IN: Final = ("AssumeRole", "GetFederationToken", "GetSessionToken")

#: Codes of a permission that is missing; a HEAD has no body, so there the status stands for the code.
_DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "Forbidden", "UnauthorizedAccess", "UnauthorizedOperation", "403", ""}
)

_ACCOUNT: Final = "The AWS account can't use the service: look at the account's billing page, or ask AWS Support."
_REGION: Final = "Set region_name of the AWS connection to the region of the bucket, or correct its endpoint_url."
_ARCHIVED: Final = "Restore the object first: it is archived (storage class S3 Glacier or Deep Archive)."
_ADDRESS: Final = "Correct the bucket and the key."
_LACKS: Final = "This store does not support what was requested: correct endpoint_url, or use another store."
_FULL: Final = "Free some space, or raise the quota: the store is full."
_KMS: Final = "Make the KMS key of the bucket usable: it is disabled, deleted or of the wrong kind."
_CLOCK: Final = "Set the clock of the worker (NTP): it differs from that of S3 by more than 15 minutes."
_EXPIRED: Final = (
    "The session token has expired. A retry asks for a new one where the AWS connection has a role; replace an "
    "aws_session_token that the connection holds."
)
_ACCESS_KEY: Final = "Correct the access key id of the AWS connection (its login): it is not known there."
_SECRET_KEY: Final = (
    "Correct the secret access key of the AWS connection (its password): it does not belong to the access key id."
)
_TOKEN: Final = "Correct or remove the aws_session_token of the AWS connection: it is not valid."

#: What somebody has to change. No retry helps before.
_PERMANENT: Final[dict[str, str]] = {
    "InvalidAccessKeyId": _ACCESS_KEY,
    "InvalidClientTokenId": _ACCESS_KEY,
    "SignatureDoesNotMatch": _SECRET_KEY,
    "InvalidToken": _TOKEN,
    "InvalidIdentityToken": "Correct the web identity of the AWS connection: its token is not valid.",
    "InvalidSecurity": "Correct the credentials of the AWS connection: they are not valid.",
    "AccountProblem": _ACCOUNT,
    "AllAccessDisabled": _ACCOUNT,
    "InvalidPayer": _ACCOUNT,
    "NotSignedUp": _ACCOUNT,
    "OptInRequired": _ACCOUNT,
    "InvalidObjectState": _ARCHIVED,
    "ObjectNotInActiveTierError": _ARCHIVED,
    "KMS.DisabledException": _KMS,
    "KMS.InvalidKeyUsageException": _KMS,
    "KMS.KMSInvalidStateException": _KMS,
    "KMS.NotFoundException": _KMS,
    "KMS.AccessDeniedException": "Grant the AWS connection the use of the KMS key (kms:Decrypt, kms:GenerateDataKey).",
    "NoSuchBucket": "Check the bucket: there is none of this name.",
    "NoSuchKey": "Check the key, and that the step that writes the object has run.",
    "NoSuchVersion": "Check the version id.",
    "NotFound": "Check the bucket and the key, and that the step that writes the object has run.",
    "404": "Check the bucket and the key, and that the step that writes the object has run.",
    "301": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "IncorrectEndpoint": _REGION,
    "PermanentRedirect": _REGION,
    "RegionDisabledException": "Enable the region in the AWS account, or set another region_name.",
    "InvalidBucketName": _ADDRESS,
    "InvalidURI": _ADDRESS,
    "KeyTooLongError": "Use a shorter key: S3 accepts 1,024 bytes.",
    "MethodNotAllowed": _LACKS,
    "NotImplemented": _LACKS,
    "EntityTooLarge": "The object is larger than this store accepts: split the input.",
    "InsufficientStorage": _FULL,
    "QuotaExceeded": _FULL,
    "XMinioStorageFull": _FULL,
    "InvalidTag": "Correct the tags.",
    "InvalidStorageClass": "Correct the storage class.",
}

_LATER: Final = "If it stays so, check the status of the service and the endpoint_url of the AWS connection."
_ABORTED: Final = "If it stays so, check the bucket's lifecycle rules: the upload was aborted while it was in progress."
_IN_TRANSIT: Final = "The bytes changed on their way; if it stays so, check the network and proxies in between."

#: Refusals (4xx) that may pass by themselves.
_TRANSIENT: Final[dict[str, str]] = {
    **dict.fromkeys(
        (
            "409",
            "412",
            "429",
            "BandwidthLimitExceeded",
            "ConditionalRequestConflict",
            "IncompleteBody",
            "OperationAborted",
            "PreconditionFailed",
            "RequestLimitExceeded",
            "RequestTimeout",
            "RequestTimeoutException",
            "RequestThrottled",
            "RequestThrottledException",
            "SlowDown",
            "TemporaryRedirect",
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "TooManyRequests",
            "TooManyRequestsException",
        ),
        _LATER,
    ),
    **dict.fromkeys(("InvalidPart", "NoSuchUpload"), _ABORTED),
    **dict.fromkeys(("BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"), _IN_TRANSIT),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"), _EXPIRED),
    **dict.fromkeys(("RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"), _CLOCK),
}

#: The IAM permission that a call needs; the others need s3:PutObject.
_PERMISSIONS: Final = {
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "ListObjectsV2": "s3:ListBucket",
}

#: What a permission on objects needs as well where the bucket is encrypted with KMS.
_WITH_KMS: Final = {"s3:GetObject": "kms:Decrypt", "s3:PutObject": "kms:GenerateDataKey"}

_CREDENTIALS: Final = (
    "Check that the AWS connection has credentials: a login and a password, a role, or what the machine offers."
)
_NETWORK: Final = "If it stays so, check endpoint_url and region_name of the AWS connection, the network and its proxy."
_CERTIFICATE: Final = (
    "Check the certificate of endpoint_url, and the CA file of the AWS connection (verify, or AWS_CA_BUNDLE)."
)
_BROKEN: Final = "If it stays so, check the network between the worker and S3."
_ENDPOINT: Final = "Check the endpoint_url of the AWS connection."
_UNLISTED: Final = "If it stays so, check the AWS connection and its endpoint_url."
_SETTINGS: Final = "Correct region_name, endpoint_url, profile_name or config_kwargs of the AWS connection."

#: What botocore quotes of an argument that it does not accept, up to what it says of it.
_VALUE: Final = re.compile(r", value: .*(?=, (?:type: <class|valid (?:types|min|max|range)))")

#: How it writes a type, which redact() would remove as HTML.
_CLASS: Final = re.compile(r"<class '([\w.]+)'>")

#: Errors of the client (botocore), by the name of the class or of a class that it derives from.
_CLIENT: Final[dict[str, tuple[str, bool]]] = {
    "ParamValidationError": (_ADDRESS, False),
    "InvalidDNSNameError": (_ADDRESS, False),
    "InvalidHostLabelError": (_ADDRESS, False),
    "UnsupportedS3ArnError": (_ADDRESS, False),
    "UnsupportedS3AccesspointConfigurationError": (_ADDRESS, False),
    "UnsupportedS3ConfigurationError": (_SETTINGS, False),
    "InvalidS3AddressingStyleError": (_SETTINGS, False),
    "BaseEndpointResolverError": (_SETTINGS, False),
    "EndpointProviderError": (_SETTINGS, False),
    "InvalidRegionError": (_SETTINGS, False),
    "InvalidRetryConfigurationError": (_SETTINGS, False),
    "InvalidProxiesConfigError": (_SETTINGS, False),
    "InvalidEndpointConfigurationError": (_SETTINGS, False),
    "InvalidConfigError": (_SETTINGS, False),
    "InvalidDefaultsMode": (_SETTINGS, False),
    "UnknownSignatureVersionError": (_SETTINGS, False),
    "UnsupportedSignatureVersionError": (_SETTINGS, False),
    "MissingDependencyException": (_SETTINGS, False),
    "ConfigNotFound": (_SETTINGS, False),
    "ConfigParseError": (_SETTINGS, False),
    "ProfileNotFound": (_SETTINGS, False),
    "PartialCredentialsError": (_CREDENTIALS, False),
    # What the machine offers may be away for a moment: its metadata service answers over the network.
    "NoCredentialsError": (_CREDENTIALS, True),
    "CredentialRetrievalError": (_CREDENTIALS, True),
    "NoAuthTokenError": (_CREDENTIALS, True),
    "TokenRetrievalError": (_CREDENTIALS, True),
    "SSOError": ("Sign in with AWS SSO again.", False),
    "SSLError": (_CERTIFICATE, True),
    "FlexibleChecksumError": (_IN_TRANSIT, True),
    "ChecksumError": (_IN_TRANSIT, True),
    "IncompleteReadError": (_BROKEN, True),
    "ResponseStreamingError": (_BROKEN, True),
    "ConnectionError": (_NETWORK, True),  # EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError
    "HTTPClientError": (_NETWORK, True),  # ReadTimeoutError, ConnectionClosedError
}


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
    advice, retryable = next((_CLIENT[name] for name in names if name in _CLIENT), (_UNLISTED, True))
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
    if operation.startswith(_SIGN_IN):
        permission = f"sts:{operation}"
    permission = permission or _PERMISSIONS.get(operation, "s3:PutObject")
    advice, retryable = _advise(code, status, permission)
    shown = f"{operation}: {redact(code) or 'no code'}, {status}"
    return S3Problem(shown, advice, retryable, operation=operation, code=code, status=status)


def _advise(code: str, status: int, permission: str) -> tuple[str, bool]:
    if code in _PERMANENT:
        return _PERMANENT[code], False
    if code in _TRANSIENT:
        return _TRANSIENT[code], True
    if status == 501:
        return _LACKS, False
    if status == 507:
        return _FULL, False
    if status >= 500 or status in (408, 429):
        return _LATER, True
    if status == 403 and code in _DENIED:
        kms = _WITH_KMS.get(permission)
        also = f" (and {kms} if the bucket is encrypted with KMS)" if kms else ""
        return f"Grant the AWS connection {permission}{also}.", False
    return f"Check the bucket, and the AWS connection and its permission {permission}.", False


def _without_values(text: str) -> str:
    """Return what botocore says of arguments that it does not accept; a value may be a secret, and is left out."""
    return redact(_CLASS.sub(r"\1", _VALUE.sub("", text).partition(", value: ")[0]))
