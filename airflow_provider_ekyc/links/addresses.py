"""
Addresses for extra links: of the page, of the vendor's console, of an object in S3. Pure.

A link is shown to each reader of the task: it holds ids and places, never a credential, a signature or a number.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

#: What a ``console_url`` of a connection has where the id of a remote task belongs.
REMOTE_ID = "{ekyc_task_id}"

#: Names of the operators of which the page has rows. Airflow stores the class's own name: a subclass has none.
OPERATORS_WITH_ROW = ("EkycSubmitOperator", "EkycTaskSensor", "EkycResultsToS3Operator")


def page_address(base_url: str, *, dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    """
    Return the address of a task's row in the page, as a path on Airflow's own server.

    A path works under whatever name a browser reaches the server; a worker may not know that name.

    :param base_url: ``[api] base_url`` of Airflow's configuration, of which the path is used; may be empty
    :param map_index: -1 for a task that is not mapped
    """
    row = urlencode({"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index})
    return f"{urlsplit(base_url).path.rstrip('/')}/plugin/ekyc?{row}"


def console_address(console_url: str, ekyc_task_id: str) -> str:
    """
    Return the address of a remote task in the vendor's console.

    :param console_url: of the connection, with :data:`REMOTE_ID` where the id belongs, or without for an address that
        is the same for all
    """
    return console_url.replace(REMOTE_ID, quote(ekyc_task_id, safe=""))


def object_address(bucket: str, key: str, *, endpoint: str | None, region: str | None) -> str:
    """
    Return where a person finds an object: in the AWS console, or at the address of another store.

    The form of the console's address is what the console itself shows; China and GovCloud have consoles of their own.

    :param endpoint: base URL of the store, as the client uses it
    :param region: of the client, or None
    :return: an empty text if the endpoint is no http or https address
    """
    try:
        parts = urlsplit(endpoint or "https://s3.amazonaws.com")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return _aws_console(bucket, key, host, region)
    if not host or parts.scheme not in ("http", "https"):
        return ""
    shown = f"[{host}]" if ":" in host else host
    path = f"{parts.path.rstrip('/')}/{quote(bucket)}/{quote(key)}"
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{path}"


def _aws_console(bucket: str, key: str, host: str, region: str | None) -> str:
    named = region if region and region != "aws-global" else None
    domain = "console.aws.amazon.com"
    if host.endswith(".cn"):
        domain = "console.amazonaws.cn"
    elif named and named.startswith("us-gov-"):
        domain = "console.amazonaws-us-gov.com"
    where = {"region": named, "prefix": key} if named else {"prefix": key}
    return (
        f"https://{f'{named}.' if named else ''}{domain}/s3/object/{quote(bucket)}?{urlencode(where, quote_via=quote)}"
    )
