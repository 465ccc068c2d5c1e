"""
What to do about an error of S3, of AWS's sign-in or of their client, by its code, and whether a retry may help. Pure.

The codes are those of https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, with those of STS and KMS
that reach a caller of S3, and what S3-compatible stores add (MinIO: ``XMinioStorageFull``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

#: Calls of STS, and that for a session with a directory bucket (S3 Express One Zone): what is missing there is the
#: permission to make them.
SIGN_IN: Final = ("AssumeRole", "GetFederationToken", "GetSessionToken", "CreateSession")

#: Codes of a permission that is missing; a HEAD has no body, so there the status stands for the code.
DENIED: Final = frozenset(
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
    "The session token has expired. A retry requests a new one if the AWS connection has a role; replace an "
    "aws_session_token that is set in the connection."
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
    "AccessControlListNotSupported": (
        "Leave out acl_policy, and ACL and grants in s3_extra_args: the bucket has ACLs disabled, as new buckets have."
    ),
    "MetadataTooLarge": (
        "Use less Metadata in s3_extra_args, or a shorter unmatched_key: S3 accepts 2 KB, with what this task writes."
    ),
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

_LATER: Final = "If the error persists, check the status of the service and the endpoint_url of the AWS connection."
_ABORTED: Final = (
    "If the error persists, check the bucket's lifecycle rules: the upload was aborted while it was in progress."
)
_IN_TRANSIT: Final = "The bytes changed on their way; if the error persists, check the network and proxies in between."

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
_NETWORK: Final = (
    "If the error persists, check endpoint_url and region_name of the AWS connection, the network and its proxy."
)
_CERTIFICATE: Final = (
    "Check the certificate of endpoint_url, and the CA file of the AWS connection (verify, or AWS_CA_BUNDLE)."
)
_BROKEN: Final = "If the error persists, check the network between the worker and S3."
ENDPOINT: Final = "Check the endpoint_url of the AWS connection."
_UNLISTED: Final = "If the error persists, check the AWS connection and its endpoint_url."
_SETTINGS: Final = "Correct region_name, endpoint_url, profile_name or config_kwargs of the AWS connection."

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


def advice_on_client_error(names: Iterable[str]) -> tuple[str, bool]:
    """
    Return what to do about an error that the client itself raised, and whether a retry may help.

    :param names: the error's class and the classes that it derives from, nearest first
    """
    return next((_CLIENT[name] for name in names if name in _CLIENT), (_UNLISTED, True))


def advice_on_answer(operation: str, code: str, status: int, permission: str = "") -> tuple[str, bool]:
    """
    Return what to do about an error answer, and whether a retry may help.

    :param operation: the call: ``GetObject``
    :param code: S3's code, or the HTTP status where there is none
    :param status: HTTP status, or 0
    :param permission: the IAM permission that is named if one is missing; by default that of the call
    """
    if operation.startswith(SIGN_IN):
        permission = f"{'s3express' if operation == 'CreateSession' else 'sts'}:{operation}"
    permission = permission or _PERMISSIONS.get(operation, "s3:PutObject")
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
    if status == 403 and code in DENIED:
        kms = _WITH_KMS.get(permission)
        also = f" (and {kms} if the bucket is encrypted with KMS)" if kms else ""
        return f"Grant the AWS connection {permission}{also}.", False
    return f"Check the bucket, and the AWS connection and its permission {permission}.", False
