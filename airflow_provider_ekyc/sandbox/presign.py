"""Result URLs signed like those of S3: AWS Signature Version 4 in the query, checked as S3 checks it.

The rule is Amazon's "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)".
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit
from xml.sax.saxutils import escape

ACCESS_KEY_ID = "SANDBOXNOTAKEYEXAMPLE"
SECRET_KEY = "this-is-the-sandbox-and-not-a-secret"
REGION = "ap-southeast-1"

_ALGORITHM = "AWS4-HMAC-SHA256"
_LONGEST_LIFE_SECONDS = 604_800
_PARAMETERS = frozenset(
    {
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    }
)


@dataclass(frozen=True)
class Refusal:
    """Why S3 would not serve a request.

    :param status: HTTP status.
    :param code: S3's error code.
    :param message: S3's words.
    """

    status: int
    code: str
    message: str

    def xml(self) -> str:
        """The error document that S3 sends."""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{escape(self.code)}</Code><Message>{escape(self.message)}</Message>"
            "<RequestId>SANDBOX000000000</RequestId><HostId>sandbox</HostId></Error>"
        )


EXPIRED = Refusal(403, "AccessDenied", "Request has expired")
WRONG_SIGNATURE = Refusal(
    403,
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
)
TWO_MECHANISMS = Refusal(
    400,
    "InvalidArgument",
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
    "parameter or the Authorization header should be specified",
)
KEY_SENT = Refusal(403, "AccessDenied", "The API key must not be sent here: the result is on another server")
NO_SUCH_KEY = Refusal(404, "NoSuchKey", "The specified key does not exist.")
_UNSIGNED = Refusal(403, "AccessDenied", "Access Denied")
_MALFORMED = Refusal(400, "AuthorizationQueryParametersError", "Error parsing the query parameters")


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")


def _canonical_query(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{name}={value}" for name, value in sorted((_encode(n), _encode(v)) for n, v in pairs))


def _signature(method: str, host: str, path: str, pairs: list[tuple[str, str]], date: str) -> str:
    scope = f"{date[:8]}/{REGION}/s3/aws4_request"
    request = "\n".join(
        [
            method,
            quote(path, safe="/-_.~"),
            _canonical_query(pairs),
            f"host:{host}",
            "",
            "host",
            "UNSIGNED-PAYLOAD",
        ]
    )
    to_sign = "\n".join([_ALGORITHM, date, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{SECRET_KEY}".encode()
    for part in (date[:8], REGION, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def presigned_url(origin: str, path: str, *, now: float, ttl_seconds: int) -> str:
    """A URL that is good for GET until it expires.

    :param origin: scheme, host and port under which the caller reached the sandbox.
    :param path: path of the object, unencoded, beginning with a slash.
    :param now: Unix time in seconds; S3 signs to the second.
    :param ttl_seconds: life of the URL.
    """
    date = datetime.fromtimestamp(int(now), UTC).strftime("%Y%m%dT%H%M%SZ")
    pairs = [
        ("X-Amz-Algorithm", _ALGORITHM),
        ("X-Amz-Credential", f"{ACCESS_KEY_ID}/{date[:8]}/{REGION}/s3/aws4_request"),
        ("X-Amz-Date", date),
        ("X-Amz-Expires", str(ttl_seconds)),
        ("X-Amz-SignedHeaders", "host"),
    ]
    signature = _signature("GET", urlsplit(origin).netloc, path, pairs, date)
    query = "&".join(f"{_encode(name)}={_encode(value)}" for name, value in pairs)
    return f"{origin}{quote(path)}?{query}&X-Amz-Signature={signature}"


def refusal(method: str, host: str, path: str, query: str, *, now: float) -> Refusal | None:
    """Why this request may not have the object, or ``None`` if it may.

    :param method: HTTP method; a URL signed for GET refuses every other one by its signature.
    :param host: the ``Host`` header as it was sent.
    :param path: decoded path.
    :param query: raw query, without the question mark.
    :param now: Unix time in seconds.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    if not given.keys() & _PARAMETERS:
        return _UNSIGNED
    if len(given) != len(pairs) or not given.keys() >= _PARAMETERS or given["X-Amz-Algorithm"] != _ALGORITHM:
        return _MALFORMED
    try:
        signed_at = datetime.strptime(given["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        life = int(given["X-Amz-Expires"])
    except ValueError:
        return _MALFORMED
    if not 0 < life <= _LONGEST_LIFE_SECONDS or given["X-Amz-SignedHeaders"] != "host":
        return _MALFORMED
    if now > signed_at + life:
        return EXPIRED
    signed = [pair for pair in pairs if pair[0] != "X-Amz-Signature"]
    expected = _signature(method, host, path, signed, given["X-Amz-Date"])
    scope_fits = given["X-Amz-Credential"].startswith(f"{ACCESS_KEY_ID}/{given['X-Amz-Date'][:8]}/{REGION}/s3/")
    if not scope_fits or not hmac.compare_digest(expected.encode(), given["X-Amz-Signature"].encode()):
        return WRONG_SIGNATURE
    return None
