"""Whether a bucket certainly does not exist. Anything else than S3's own word for that is not known."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.s3 import S3Hook

log = logging.getLogger(__name__)

#: Seconds to connect, and for the answer; one attempt. A check must not delay what it is made for.
CONNECT_TIMEOUT, READ_TIMEOUT = 3.0, 5.0


def missing_buckets(hook: S3Hook, buckets: Iterable[str]) -> list[str]:
    """
    Return which of these buckets do not exist.

    :param hook: with the connection
    :param buckets: names
    :return: those of which S3 says ``NoSuchBucket``; none if the connection can't be used
    """
    from botocore.config import Config

    quick = Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, retries={"total_max_attempts": 1})
    try:
        # On top of what the connection has: addressing_style decides under which name the bucket is looked for.
        own = hook.conn_config.botocore_config
        client = hook.get_client_type(config=own.merge(quick) if own else quick)
        return [bucket for bucket in buckets if is_missing(client, bucket)]
    except Exception as error:  # noqa: BLE001  # the transfer itself reports what is wrong with the connection
        log.debug("Whether the buckets exist is not known (%s).", type(error).__name__)
        return []


def is_missing(client: Any, bucket: str) -> bool:
    """
    Return whether S3 says that there is no such bucket.

    ``HeadBucket`` answers with a code alone, which a proxy may give too; so a 404 is looked at once more, with a call
    whose answer names the reason. 403 may be a bucket that exists.

    :param client: boto3's S3 client
    :param bucket: its name
    """
    from botocore.exceptions import ClientError

    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
            return False
    else:
        return False
    try:
        client.list_objects_v2(Bucket=bucket, MaxKeys=1)
    except ClientError as error:
        return str(error.response.get("Error", {}).get("Code")) == "NoSuchBucket"
    return False
