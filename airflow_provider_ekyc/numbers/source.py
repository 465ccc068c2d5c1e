"""Open the input file wherever it is: on the worker, in S3, or in another object store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from airflow_provider_ekyc.numbers.address import LocalPath, S3Address, read_address, read_numbers
from airflow_provider_ekyc.numbers.local_file import open_local_file
from airflow_provider_ekyc.numbers.opened_source import WholeStream
from airflow_provider_ekyc.numbers.paced_stream import Pace, PacedStream
from airflow_provider_ekyc.numbers.s3_object import open_s3_object
from airflow_provider_ekyc.numbers.stored_object import open_stored_object

PACE: Final = Pace()


@contextmanager
def open_numbers(
    numbers: object, *, aws_conn_id: str | None, numbers_conn_id: str | None, pace: Pace = PACE
) -> Iterator[WholeStream]:
    """
    Open the input for reading, and close it when the block ends.

    ``s3://`` goes through Airflow's S3 hook, so that every setting of an AWS connection (role, endpoint, CA file)
    applies, and without ``s3fs``, which requires an old botocore. Other schemes go through Airflow's
    ``ObjectStoragePath``, which knows those of the installed providers.

    What is read is what was opened: a connection that breaks, a source that changes before its last byte was read,
    and one that is too slow are errors raised by ``read``, never an early end of file or a mixture. A change shows in
    the size, the times and the inode of a file; in the size, the time, the ETag and the version of an object in S3; in
    what ``info()`` of another store has of those.

    :param numbers: a path on the worker, ``file:///path``, ``s3://bucket/key`` (``s3a://`` and ``s3n://`` are the
        same; in ``s3://conn_id@bucket/key`` the connection wins over ``aws_conn_id``), a URI that
        ``ObjectStoragePath`` knows, or one of these as a ``Path`` or an ``ObjectStoragePath``; a relative path counts
        from wherever the worker was started
    :param aws_conn_id: AWS connection for ``s3://``; None uses boto3's own search for credentials
    :param numbers_conn_id: connection for other schemes
    :param pace: how fast the input must arrive
    :raises EkycNumbersError: if it does not exist, can't be read without another permission, or is no file; a
        retry can't help
    :raises EkycUnreadableInputError: if it can't be read just now; also out of ``read``
    :raises EkycSignInError: if the AWS connection can't be used, or not now
    :raises EkycSettingsError: if ``numbers`` is empty
    """
    address = read_address(read_numbers(numbers))
    if isinstance(address, LocalPath):
        source = open_local_file(address.path)
    elif isinstance(address, S3Address):
        source = open_s3_object(address, aws_conn_id)
    else:
        source = open_stored_object(address, numbers_conn_id)
    with closing(WholeStream(source, PacedStream(source, pace))) as opened:
        yield opened
