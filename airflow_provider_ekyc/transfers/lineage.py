"""
The source of a landed result and its object, for Airflow's hook lineage and for OpenLineage.

Reported are the API's host, the remote id, the object, its columns, rows, bytes and checksum: never a number, never
the URL of the download. Names follow OpenLineage's naming (https://openlineage.io/docs/spec/naming): a namespace
is ``scheme://authority``, so the source is ``ekyc://<host>`` and the remote id, the object ``s3://<bucket>`` and
its key.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_ekyc.results.output.formats import FORMATS
from airflow_provider_ekyc.s3.object import Place
from airflow_provider_ekyc.transfers.outlets import without_url_parts

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.event_v2 import Dataset, OutputDataset
    from openlineage.client.facet_v2 import DatasetFacet

    from airflow_provider_ekyc.hooks.ekyc import EkycHook
    from airflow_provider_ekyc.iceberg.commit import Committed
    from airflow_provider_ekyc.s3.result_object import Landed

log = logging.getLogger(__name__)


def api_host(hook: EkycHook) -> str | None:
    """
    Return the API's host, with its port unless that is the scheme's own.

    :return: None if the connection can't be read: a result that an earlier try has landed is found without it
    """
    host: str | None = None
    with _errors_logged():
        host = urlsplit(hook.settings.base_url).netloc
    return host or None


def report_to_hook_lineage(
    landed: Landed, host: str | None, ekyc: EkycHook, s3: S3Hook, committed: Committed | None = None
) -> None:
    """
    Report input and outputs to Airflow's collector of hook lineage, as the methods of ``S3Hook`` do.

    Its ``put_object`` is boto3's own and reports nothing. Without a reader of hook lineage (the OpenLineage
    provider has one) the collector keeps nothing.

    :param host: of :func:`api_host`; without it no input is reported
    :param ekyc: the hook of the source
    :param s3: the hook of the object
    :param committed: the Iceberg table that has it, if there is one
    """
    with _errors_logged():
        from airflow_provider_ekyc.airflow_sdk import get_hook_lineage_collector

        collector = get_hook_lineage_collector()
        # Assets are named datasets in Airflow 2.11.
        kind = "asset" if hasattr(collector, "add_input_asset") else "dataset"
        if host:
            getattr(collector, f"add_input_{kind}")(context=ekyc, uri=f"ekyc://{host}/{landed.ekyc_task_id}")
        for place in filter(None, map(Place.from_uri, filter(None, (landed.s3_uri, landed.unmatched_uri)))):
            arguments = {f"{kind}_kwargs": {"bucket": place.bucket, "key": without_url_parts(place.key)}}
            getattr(collector, f"add_output_{kind}")(context=s3, scheme="s3", **arguments)
        if committed is not None:
            extra = {f"{kind}_extra": committed.as_dict()}
            getattr(collector, f"add_output_{kind}")(context=s3, uri=committed.location, **extra)


def openlineage_of(
    landed: Landed | None, host: str | None, task_type: str, committed: Committed | None = None
) -> OperatorLineage[Any, Any]:
    """
    Return input and outputs for OpenLineage; its provider asks for them, and must be installed.

    :param landed: None if nothing has landed: there is no lineage then
    :param host: of :func:`api_host`; without it there is no input
    :param task_type: names the second column of a CSV
    :param committed: the Iceberg table that has it, if there is one
    """
    from airflow.providers.openlineage.extractors import OperatorLineage

    if landed is None:
        return OperatorLineage()
    outputs = _outputs(landed, task_type)
    if committed is not None:
        outputs.append(_table(committed, landed, outputs[0].facets or {}))
    return OperatorLineage(inputs=_inputs(landed, host), outputs=outputs)


def _inputs(landed: Landed, host: str | None) -> list[Dataset]:
    from openlineage.client.event_v2 import Dataset

    return [Dataset(namespace=f"ekyc://{host}", name=landed.ekyc_task_id)] if host else []


def _outputs(landed: Landed, task_type: str) -> list[OutputDataset]:
    from openlineage.client.facet_v2 import dataset_version_dataset, documentation_dataset, schema_dataset

    output_format = FORMATS[landed.output_format]
    facets: dict[str, DatasetFacet] = {
        "version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=landed.sha256),
        "documentation": documentation_dataset.DocumentationDatasetFacet(
            description=f"Results of eKYC, {output_format.description}"
        ),
    }
    if columns := output_format.columns(task_type):
        facets["schema"] = schema_dataset.SchemaDatasetFacet(
            fields=[
                schema_dataset.SchemaDatasetFacetFields(name=name, type=kind, description=what)
                for name, kind, what in columns
            ]
        )
    outputs = _output(landed.s3_uri, facets, landed.rows, landed.size)
    if landed.unmatched_uri:
        documentation: dict[str, DatasetFacet] = {
            "documentation": documentation_dataset.DocumentationDatasetFacet(
                description="Numbers that were sent and are not in the result, one per line"
            )
        }
        outputs += _output(landed.unmatched_uri, documentation, landed.unmatched)
    return outputs


def _table(committed: Committed, landed: Landed, of_object: Mapping[str, DatasetFacet]) -> OutputDataset:
    """Name a table as OpenLineage does: by its location, with the catalog's name for it beside that."""
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import (
        dataset_version_dataset,
        documentation_dataset,
        output_statistics_output_dataset,
        symlinks_dataset,
    )

    scheme, _, rest = committed.location.partition("://")
    authority, _, path = rest.partition("/")
    facets: dict[str, DatasetFacet] = {
        "version": dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=str(committed.snapshot_id)),
        "documentation": documentation_dataset.DocumentationDatasetFacet(description="Results of eKYC, all runs"),
        "symlinks": symlinks_dataset.SymlinksDatasetFacet(
            identifiers=[symlinks_dataset.Identifier(namespace=committed.catalog, name=committed.table, type="TABLE")]
        ),
        **{name: facet for name, facet in of_object.items() if name == "schema"},
    }
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=landed.rows)
    return OutputDataset(
        namespace=f"{scheme}://{authority}",
        name=path.rstrip("/"),
        facets=facets,
        outputFacets={"outputStatistics": statistics},
    )


def _output(
    uri: str, facets: dict[str, DatasetFacet], rows: int | None, size: int | None = None
) -> list[OutputDataset]:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import output_statistics_output_dataset

    place = Place.from_uri(uri)
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(rowCount=rows, size=size)
    if place is None:
        return []
    return [
        OutputDataset(
            namespace=f"s3://{place.bucket}",
            name=place.key,
            facets=facets,
            outputFacets={"outputStatistics": statistics},
        )
    ]


@contextmanager
def _errors_logged() -> Iterator[None]:
    """Log an error of lineage: a result that was paid for and has landed must not fail for it."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # collector and connection are others' code, and may raise anything
        # The class alone: the text may contain what must not be logged.
        log.warning("The lineage of this result was not reported, or not completely (%s).", type(error).__name__)
