"""The asset events of a transfer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import Context


def describe_outlets(outlets: Iterable[Any], context: Context, s3_uri: str, extra: Mapping[str, Any]) -> None:
    """
    Give the asset events of the user's outlets what the transfer reports; no outlet is added.

    :param s3_uri: of the landed object: the asset of an alias's event
    :param extra: ids and counts
    """
    from airflow_provider_ekyc.airflow_sdk import Asset, AssetAlias

    for outlet in outlets:
        if isinstance(outlet, Asset):
            context["outlet_events"][outlet].extra.update(extra)
        elif isinstance(outlet, AssetAlias):
            context["outlet_events"][outlet].add(Asset(s3_uri), extra=dict(extra))
