"""A plain client and a clock for the sandbox's tests."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import requests

from airflow_provider_ekyc.sandbox import Sandbox

API_KEY = "made-up-key"


class Clock:
    """A clock that moves only when it is set."""

    def __init__(self) -> None:
        self.now = 1_763_740_688.916446594

    def __call__(self) -> float:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += seconds


class Caller:
    """A plain client: it knows nothing of the sandbox but its address, and does not retry."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.key = {"X-API-Key": API_KEY}
        self.session = requests.Session()
        # The environment may name a CA bundle and proxies.
        self.session.trust_env = False
        if sandbox.ca_file:
            self.session.verify = str(sandbox.ca_file)

    def submit(self, text: str | bytes, task_type: str = "amazon", **options: Any) -> requests.Response:
        options = {"headers": self.key, "timeout": 20, **options}
        files = {"file": ("numbers.txt", text)}
        return self.session.post(f"{self.sandbox.url}/v1/tasks", files=files, data={"task_type": task_type}, **options)

    def status(self, task_id: str, **options: Any) -> requests.Response:
        options = {"headers": self.key, "data": {"task_id": task_id}, "timeout": 20, **options}
        return self.session.post(f"{self.sandbox.url}/v1/gettasks", **options)

    def balance(self, **options: Any) -> requests.Response:
        options = {"headers": self.key, "timeout": 20, **options}
        return self.session.get(f"{self.sandbox.url}/v1/balance", **options)

    def result_url(self, count: int = 100) -> str:
        task_id = self.submit(numbers(count)).json()["task_id"]
        return self.status(task_id).json()["result_url"]

    def get(self, url: str, **options: Any) -> requests.Response:
        return self.session.get(url, **{"timeout": 20, **options})


def numbers(count: int, first: int = 0) -> str:
    return "".join(f"+999{first + index:08d}\n" for index in range(count))


def table(archive: bytes) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as reader:
        (name,) = reader.namelist()
        return [line.split(",") for line in reader.read(name).decode().splitlines()]
