"""The asset events of a transfer."""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import Context


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
            context["outlet_events"][outlet].add(_asset_of(s3_uri), extra=dict(extra))


def is_asset(outlet: object) -> bool:
    """Return whether an outlet is an asset, or what refers to one: ``Asset.ref(...)`` of Airflow 3."""
    from airflow_provider_ekyc.airflow_sdk import Asset

    return isinstance(outlet, Asset) or type(outlet).__name__ in ("AssetNameRef", "AssetUriRef")


def _asset_of(s3_uri: str) -> Any:
    """Return the asset of an object. Airflow 2.11 and 3.0, and any with MySQL, accept no text beyond ASCII."""
    from airflow_provider_ekyc.airflow_sdk import Asset

    try:
        return Asset(s3_uri)
    except ValueError:
        return Asset(quote(s3_uri, safe=string.printable))
