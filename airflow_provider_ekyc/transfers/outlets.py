"""The asset events of a transfer."""

from __future__ import annotations

import logging
import string
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import Context


log = logging.getLogger(__name__)


def describe_outlets(outlets: Iterable[Any], context: Context, s3_uri: str, extra: Mapping[str, Any]) -> None:
    """
    Give the asset events of the user's outlets what the transfer reports; no outlet is added.

    :param s3_uri: of the landed object: the asset of an alias's event
    :param extra: ids and counts
    """
    from airflow_provider_ekyc.airflow_sdk import AssetAlias

    for outlet in outlets:
        if is_asset(outlet):
            context["outlet_events"][outlet].extra.update(extra)
        elif isinstance(outlet, AssetAlias):
            try:
                asset = _asset_of(s3_uri)
            except ValueError as error:  # longer than Airflow stores: 1,500 characters
                log.warning("The asset alias %s gets no event: %s.", outlet.name, error)
                continue
            context["outlet_events"][outlet].add(asset, extra=dict(extra))


def is_asset(outlet: object) -> bool:
    """Return whether an outlet is an asset, or what refers to one: ``Asset.ref(...)`` of Airflow 3."""
    from airflow_provider_ekyc.airflow_sdk import Asset

    return isinstance(outlet, Asset) or type(outlet).__name__ in ("AssetNameRef", "AssetUriRef")


def without_url_parts(text: str) -> str:
    """Return a key, or an address with one, in which no ? or # begins what Airflow would take for another part."""
    return text.replace("?", "%3F").replace("#", "%23")


def _asset_of(s3_uri: str) -> Any:
    """Return the asset of an object. Airflow 2.11 and 3.0, and any with MySQL, accept no text beyond ASCII."""
    from airflow_provider_ekyc.airflow_sdk import Asset

    uri = without_url_parts(s3_uri)
    try:
        return Asset(uri)
    except ValueError:
        return Asset(quote(uri, safe=string.printable))
