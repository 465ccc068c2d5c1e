"""DuckDB with its Iceberg extension, which packages bring: nothing is downloaded, and S3 is read through Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb
import duckdb_extension_avro
import duckdb_extension_iceberg
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import S3FileSystem


class _S3(ArrowFSWrapper):  # type: ignore[misc]  # it has no types
    """Arrow's S3 file system for DuckDB, whose own (httpfs) is no package."""

    protocol = ("s3",)


def connect(properties: Mapping[str, str]) -> duckdb.DuckDBPyConnection:
    """
    Open a database in memory that can read Iceberg tables: ``iceberg_scan('s3://.../....metadata.json')``.

    :param properties: of the catalog, as pyiceberg knows them, for S3
    """
    connection = duckdb.connect()
    connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
    for package in (duckdb_extension_avro, duckdb_extension_iceberg):
        (extension,) = Path(package.__path__[0]).rglob("*.duckdb_extension")
        connection.execute(f"LOAD '{extension}'")
    connection.register_filesystem(
        _S3(
            S3FileSystem(
                access_key=properties["s3.access-key-id"],
                secret_key=properties["s3.secret-access-key"],
                endpoint_override=properties["s3.endpoint"],
                region=properties["s3.region"],
            )
        )
    )
    return connection
