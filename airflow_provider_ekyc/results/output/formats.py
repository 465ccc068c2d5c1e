"""The output formats, by name. Importing this loads none of the modules that write them."""

from __future__ import annotations

from airflow_provider_ekyc.results.output.csv_rows import CSV, CSV_GZ
from airflow_provider_ekyc.results.output.output_format import OutputFormat
from airflow_provider_ekyc.results.output.parquet import PARQUET

ZIP = OutputFormat("zip", "application/zip", "the vendor's archive as delivered (zip)")

FORMATS = {output_format.name: output_format for output_format in (ZIP, CSV, CSV_GZ, PARQUET)}
