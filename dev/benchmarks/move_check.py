"""
Whether what lands is what was sent: into a real S3 server over TLS, read back, compared by SHA-256.

The sink of the measurements keeps nothing, so it can't show that. This server (SeaweedFS) checks signatures and
checksums, but its own work would be most of a figure, so no time is measured here.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from dev.benchmarks.move_child import MoveChild
from dev.benchmarks.move_data import Archive
from dev.benchmarks.move_methods import Job
from dev.benchmarks.move_rounds import BUCKET, Method, child_environment, job
from dev.benchmarks.move_rows import HEADER
from dev.benchmarks.move_servers import Servers
from dev.stack.s3_server import S3Server

BLOCK = 1024 * 1024


@contextmanager
def real_s3(servers: Servers) -> Iterator[tuple[Any, Mapping[str, str]]]:
    """Start a real S3 server; give a client of it, and the environment of children that write to it."""
    before = os.environ.get("AWS_CA_BUNDLE")
    os.environ["AWS_CA_BUNDLE"] = str(servers.ca_file)
    try:
        with (
            S3Server(certificate=servers.certificate) as server,
            child_environment(servers, server.endpoint_url, (server.access_key, server.secret_key)) as environment,
        ):
            server.create_bucket(BUCKET)
            yield server.client(), environment
    finally:
        del os.environ["AWS_CA_BUNDLE"]
        if before is not None:
            os.environ["AWS_CA_BUNDLE"] = before


def land_for_real(method: Method, one: Job, environment: Mapping[str, str]) -> None:
    """Do one move in a process of its own, without a warm-up before it."""
    MoveChild(method.function, one, environment).stop()


def landed_blocks(client: Any, key: str) -> Iterator[bytes]:
    """Yield an object, read back in blocks."""
    with closing(client.get_object(Bucket=BUCKET, Key=key)["Body"]) as body:
        yield from body.iter_chunks(BLOCK)


def unpacked_digest(client: Any, key: str, spool_dir: Path) -> tuple[int, str]:
    """
    Read a Parquet object back as the table that it was made from.

    :return: bytes and SHA-256 of the CSV that its rows make
    """
    import pyarrow
    import pyarrow.compute
    import pyarrow.parquet

    digest, size = hashlib.sha256(HEADER), len(HEADER)
    with tempfile.NamedTemporaryFile(dir=spool_dir) as file:
        file.writelines(landed_blocks(client, key))
        file.flush()
        with pyarrow.parquet.ParquetFile(file.name) as table:
            for batch in table.iter_batches(columns=["number", "answer"]):
                columns = (column.cast(pyarrow.string()) for column in batch.columns)
                lines = pyarrow.compute.binary_join_element_wise(*columns, ",")
                block = "".join(f"{line}\n" for line in lines.to_pylist()).encode()
                digest.update(block)
                size += len(block)
    return size, digest.hexdigest()


def packed_digest(client: Any, key: str) -> tuple[int, str]:
    """Return bytes and SHA-256 of an object, read back."""
    digest, size = hashlib.sha256(), 0
    for block in landed_blocks(client, key):
        digest.update(block)
        size += len(block)
    return size, digest.hexdigest()


def check_moves(moves: Sequence[tuple[Method, Archive]], servers: Servers, spool_dir: Path) -> bool:
    """
    Land each archive by its method, and print whether the object is the same.

    :return: whether all are
    """
    same = True
    print("\nRead back from a real S3 server, over TLS:", flush=True)
    with real_s3(servers) as (client, environment):
        for method, made in moves:
            one = job(made, spool_dir, key=f"{method.figure}-{made.name}")
            land_for_real(method, one, environment)
            if method.carries == "archive":
                found, sent = packed_digest(client, one.key), (made.size, made.sha256)
            else:
                found, sent = unpacked_digest(client, one.key, spool_dir), (made.csv_size, made.csv_sha256)
            client.delete_object(Bucket=BUCKET, Key=one.key)
            same = same and found == sent
            words = "the same" if found == sent else f"NOT the {sent[0]:,} bytes that were sent"
            what = "zip" if method.carries == "archive" else "rows as CSV"
            print(f"- {made.name}, {method.name}: {what}, {found[0]:,} bytes, SHA-256 {found[1]}: {words}", flush=True)
    return same
