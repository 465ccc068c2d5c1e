"""What Airflow's UI shows of a landed result."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.links.addresses import object_address
from airflow_provider_ekyc.links.ekyc import EkycObjectLink, show
from airflow_provider_ekyc.reported import report
from airflow_provider_ekyc.summaries import transfer_summary
from airflow_provider_ekyc.xcom_keys import SUMMARY

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import BaseOperator
    from airflow_provider_ekyc.s3.object import S3Object


def show_landed(
    operator: BaseOperator, context: Mapping[str, Any], target: S3Object, landed: Mapping[str, Any]
) -> None:
    """
    Push the XCom ``summary`` and the link to the object; a failure is logged.

    :param operator: the transfer
    :param context: of its task
    :param target: where the result has landed
    :param landed: the XCom ``result``
    """
    report(context, SUMMARY, partial(transfer_summary, landed))
    client = target.client.meta
    address = object_address(target.bucket, target.key, endpoint=client.endpoint_url, region=client.region_name)
    show(operator, context, EkycObjectLink, address)
