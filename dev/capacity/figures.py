"""
What the calculation starts from, and where each figure comes from.

``measured``: printed by a command of this repository, on the machine that ``docs/benchmarks.md`` names. ``code``: read
from the package itself. ``assumed``: known by nobody, or different in each deployment; each is an argument of
``python -m dev.capacity``.
"""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_ekyc.api.settings import DEFAULT_MAX_ROWS
from airflow_provider_ekyc.results.download import CONNECTIONS, RANGE_SIZE
from airflow_provider_ekyc.s3.file_sums import PART_SIZE
from airflow_provider_ekyc.s3.target import SINGLE_PUT

MILLION = 1_000_000
GB = 1e9


@dataclass(frozen=True, slots=True)
class Figure:
    """
    A figure and its source.

    :param value: in ``unit``
    :param unit: of the value
    :param source: a page, or a command
    """

    value: float
    unit: str
    source: str


_RUN = "[benchmarks](benchmarks.md#a-run), 10,000,000 rows to Parquet over the modelled network"
_LISTS = "[benchmarks](benchmarks.md#preparation)"
_FRESH = "[benchmarks](benchmarks.md#freshness)"
_NETWORK = "[the modelled network](benchmarks.md#the-modelled-network)"
_COUNTED = "`python -m dev.capacity.requests`"

#: Measured; by name, in the order of the page.
MEASURED: dict[str, Figure] = {
    "prepare_cpu": Figure(0.258, "s of CPU a million rows", f"{_LISTS}, `EkycPrepareNumbersOperator`'s way"),
    "prepare_wall": Figure(0.195, "s a million rows", f"{_LISTS}, the same"),
    "prepare_memory": Figure(95, "MiB with 10,000,000 rows", f"{_LISTS}, the same"),
    "prepare_memory_50m": Figure(173, "MiB with 50,000,000 rows", f"{_LISTS}, the same"),
    "submit_cpu": Figure(0.188, "s of CPU a million rows", f"{_LISTS}, `EkycSubmitOperator`'s pass"),
    "submit_wall": Figure(0.154, "s a million rows", f"{_LISTS}, the same"),
    "submit_memory": Figure(80, "MiB with 10,000,000 rows", f"{_LISTS}, the same"),
    "land_cpu": Figure(0.251, "s of CPU a million rows", _RUN),
    "land_wall": Figure(0.193, "s a million rows", _RUN),
    "land_memory": Figure(181, "MiB above an idle task", _RUN),
    "idle_memory": Figure(171, "MiB of an idle task with boto3", _RUN),
    "imports": Figure(1.71, "s, and of CPU, before a task begins", _RUN),
    "fresh_cpu": Figure(
        9.90, "s of CPU, 10,000,000 numbers against 100,000,000 rows", "[benchmarks](benchmarks.md#freshness)"
    ),
    "fresh_wall": Figure(5.63, "s, the same", _FRESH),
    "list_bytes": Figure(14.08, "bytes a number in a list", f"{_LISTS}: 140,765,734 bytes with 10,000,000 lines"),
    "archive_bytes": Figure(6.05, "bytes a number in the vendor's archive", "[benchmarks](benchmarks.md#a-run): 60 MB"),
    "parquet_bytes": Figure(5.24, "bytes a number in Parquet", f"{_FRESH}: 523,742,471 bytes"),
    "variable_reads": Figure(33, "reads of Variables a submission, with the records in Variables", _COUNTED),
    "variable_writes": Figure(5, "writes of Variables, the same", _COUNTED),
    "variable_reads_s3": Figure(27, "reads of Variables, with the records in S3", _COUNTED),
    "variable_writes_s3": Figure(3, "writes of Variables, the same", _COUNTED),
    "journal_gets": Figure(6, "GET requests for the records, the same", _COUNTED),
    "journal_puts": Figure(5, "PUT requests for the records, the same", _COUNTED),
    "earlier_reads": Figure(1, "read more for each file that the same task has submitted before", _COUNTED),
}

#: Requests to S3 beside those of the records, by what they are for; of an object above 16 MiB the put is several.
S3_REQUESTS: dict[str, dict[str, int]] = {
    "prepare, a list": {"get": 1, "head": 2, "put": 1},
    "prepare, a file": {"head": 1, "put": 1},
    "submit, a file": {"get": 1, "head": 1},
    "land, a file": {"head": 4, "list": 1, "put": 1},
}

#: Not known, or different in each deployment.
ASSUMED: dict[str, Figure] = {
    "price": Figure(0.001, "a number", "the example of [cost](cost.md); the vendor publishes no price"),
    "upload_rate": Figure(20e6, "bytes/s of one upload to the API", "not known"),
    "connection_rate": Figure(
        80e6, "bytes/s of one connection to S3", "[the modelled network](benchmarks.md#the-modelled-network)"
    ),
    "request": Figure(0.04, "s of a request to S3", _NETWORK),
    "variable": Figure(0.03, "s of a call of Variables", "[design](design.md#memory): 10 to 50 ms"),
    "start": Figure(3.0, "s from *queued* to the task's own code, beside its imports", "differs by executor"),
    "starts": Figure(2.0, "tasks that a scheduler starts in a second", "differs by executor and database"),
    "put_price": Figure(0.005, "US dollars a thousand PUT, COPY, POST or LIST requests", "S3 Standard, us-east-1"),
    "get_price": Figure(0.0004, "US dollars a thousand GET and other requests", "S3 Standard, us-east-1"),
    "storage_price": Figure(0.023, "US dollars a GB and month", "S3 Standard, us-east-1"),
    "egress_price": Figure(0.09, "US dollars a GB sent to the Internet", "EC2, us-east-1, the first 10 TB of a month"),
}

#: Read from the package.
LARGEST_FILE = DEFAULT_MAX_ROWS
PART, WHOLE, RANGE, RANGES_AT_ONCE = PART_SIZE, SINGLE_PUT, RANGE_SIZE, CONNECTIONS


def measured(name: str) -> float:
    """Return the value of a measured figure."""
    return MEASURED[name].value
