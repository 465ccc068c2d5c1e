"""
The ways to send a file of numbers as a multipart form that are compared. Nothing is checked or recorded: the upload.

Each function returns the bytes of the file, once the server has said that it received as many. All imports are inside
(``dev.benchmarks.alone``).
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

_KEY = "made-up-key-0123456789abcdef"
_HEADERS = {"X-API-Key": _KEY}


def ours(url: str, ca_file: str, path: str) -> int:
    """The client of the operator."""
    from airflow_provider_ekyc.api.client import EkycClient
    from airflow_provider_ekyc.api.settings import EkycSettings

    size = os.path.getsize(path)
    with open(path, "rb") as file, EkycClient(EkycSettings(url, _KEY, ca_file=ca_file)) as client:
        return _whole(size, client.submit(file, size, "amazon").ekyc_task_id)


def requests_files(url: str, ca_file: str, path: str) -> int:
    """``requests`` with ``files=``, as its documentation shows it: the body is made in memory."""
    import requests

    with open(path, "rb") as file:
        answer = requests.post(
            f"{url}/v1/tasks",
            headers=_HEADERS,
            data={"task_type": "amazon"},
            files={"file": ("numbers.txt", file, "text/plain")},
            verify=ca_file,
            timeout=60,
        )
    return _received(path, answer.json())


def toolbelt(url: str, ca_file: str, path: str) -> int:
    """The streamed form of requests-toolbelt, as its documentation shows it."""
    import requests
    from requests_toolbelt import MultipartEncoder

    with open(path, "rb") as file:
        form = MultipartEncoder({"task_type": "amazon", "file": ("numbers.txt", file, "text/plain")})
        answer = requests.post(
            f"{url}/v1/tasks",
            headers={**_HEADERS, "Content-Type": form.content_type},
            data=form,
            verify=ca_file,
            timeout=60,
        )
    return _received(path, answer.json())


def curl(url: str, ca_file: str, path: str) -> int:
    """``curl -F``: a process of C, whose start is part of the time."""
    command = ["curl", "--silent", "--show-error", "--fail", "--cacert", ca_file, "-H", f"X-API-Key: {_KEY}"]
    form = ["-F", "task_type=amazon", "-F", f"file=@{path};filename=numbers.txt;type=text/plain"]
    done = subprocess.run([*command, *form, f"{url}/v1/tasks"], check=True, stdout=subprocess.PIPE)
    return _received(path, json.loads(done.stdout))


def _received(path: str, answer: dict[str, Any]) -> int:
    return _whole(os.path.getsize(path), answer["task_id"])


def _whole(size: int, ekyc_task_id: str) -> int:
    if int(ekyc_task_id.removeprefix("bytes-")) < size:
        raise ValueError(f"{ekyc_task_id} of {size:,} bytes arrived")
    return size
