"""
Where a result may be downloaded from.

The API answers with a URL, and a URL from outside can point anywhere: at a cloud's metadata service, at an
internal host. So only known origins are asked. A presigned URL needs no key, and never gets one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from airflow_provider_ekyc.exceptions import EkycResultError, EkycSettingsError

# Amazon's S3 endpoints: virtual-hosted and path style, dual-stack, the old dash form, China. Not the whole
# of amazonaws.com: load balancers and API gateways of anybody live there too.
_REGION = r"[a-z]{2}(?:-[a-z]+)+-\d"
_AWS_S3 = rf"(?:[a-z0-9][a-z0-9.-]*\.)?s3(?:\.dualstack\.{_REGION}|[.-]{_REGION})?\.amazonaws\.com(?:\.cn)?"

_NO_URL = "something that is not a plain URL"

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ResultHost:
    """
    One place that results may be downloaded from.

    :param text: as the user wrote it
    :param host: regular expression of the whole host name
    :param scheme: ``https``, or ``http`` for an origin that says so
    :param port: the port, the scheme's default unless an origin names another
    :param is_origin: a full origin: the user trusts exactly this one, so ``verify=false`` holds for it too
    """

    text: str
    host: str
    scheme: str = "https"
    port: int = 443
    is_origin: bool = False

    def allows(self, url: SplitResult) -> bool:
        """Return whether the URL is of this host."""
        return (
            url.scheme == self.scheme
            and (_DEFAULT_PORTS.get(url.scheme) if url.port is None else url.port) == self.port
            and re.fullmatch(self.host, (url.hostname or "").rstrip(".")) is not None
        )


DEFAULT_RESULT_HOSTS = (ResultHost("Amazon S3", _AWS_S3),)


def read_result_host(text: str) -> ResultHost:
    """
    Read a host pattern (``*.results.example``: https) or an origin (``http://127.0.0.1:9000``: just that).

    :raises EkycSettingsError: if it is neither
    """
    text = text.strip()
    if "://" in text:
        try:
            parts = urlsplit(text)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        bare = not (parts.path.strip("/") or parts.query or parts.username or parts.password)
        if parts.scheme in _DEFAULT_PORTS and parts.hostname and bare:
            return ResultHost(text, re.escape(parts.hostname), parts.scheme, port or _DEFAULT_PORTS[parts.scheme], True)
    elif re.fullmatch(r"(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", text):
        pattern = re.escape(text.lower().removeprefix("*."))
        return ResultHost(text, rf"(?:[a-z0-9-]+\.)+{pattern}" if text.startswith("*.") else pattern)
    raise EkycSettingsError(
        "result_hosts takes host names (results.example, *.results.example) and origins (http://127.0.0.1:9000)."
    )


def find_result_host(url: str, hosts: tuple[ResultHost, ...]) -> ResultHost:
    """
    Return the entry of ``hosts`` that allows this result URL.

    :raises EkycResultError: if none does; it names the URL's origin, never its path or query
    """
    try:
        parts = urlsplit(url)
        # What two parsers of URLs may read in two ways is asked of neither: urlsplit's check must hold for
        # the host that urllib3 connects to.
        if "@" in parts.netloc or not parts.hostname or not re.fullmatch(r"[!-\[\]-~]+", url):
            raise ValueError
        for host in hosts:
            if host.allows(parts):
                return host
        port = f":{parts.port}" if parts.port else ""
        origin = f"{parts.scheme}://{parts.hostname}{port}"
    except ValueError:
        origin = _NO_URL
    advice = (
        "Ask the vendor, then clear this task."
        if origin == _NO_URL
        else "If you trust this place, add it to result_hosts in the connection's extra, then clear this task."
    )
    raise EkycResultError(
        f"The API named {origin} as the place of the result, which the connection does not allow "
        f"(result_hosts: {', '.join(host.text for host in hosts)}). Nothing was downloaded or landed. {advice} The "
        f"submission is already paid for and will not be charged again."
    ).with_steps(advice)
