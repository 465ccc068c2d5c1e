"""The environment and the secrets of a local Airflow: everything that would stand in ``airflow.cfg``."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from dev.stack.processes import LOOPBACK

USER = "admin"
PASSWORD_FILE = "simple_auth_manager_passwords.json.generated"
SECRETS_FILE = "stack-secrets.json"


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on.

    :param path: the file
    :param text: its content
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)


def home_secrets(home: Path) -> dict[str, str]:
    """Read the random secrets of an AIRFLOW_HOME; make them on first use.

    They stay with the home: what its database holds was encrypted with its Fernet key.

    :param home: the AIRFLOW_HOME
    :return: ``fernet_key``, ``jwt_secret``, ``api_secret`` and ``password``
    """
    path = home / SECRETS_FILE
    if path.exists():
        return dict(json.loads(path.read_text()))
    made = {
        "fernet_key": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "jwt_secret": secrets.token_urlsafe(64),
        "api_secret": secrets.token_urlsafe(64),
        "password": secrets.token_urlsafe(12),
    }
    write_private(path, json.dumps(made))
    # The file in which SimpleAuthManager keeps the passwords it generates; what is there, it takes.
    write_private(home / PASSWORD_FILE, json.dumps({USER: made["password"]}))
    return made


def inherited_environment() -> dict[str, str]:
    """Take over this process's environment without the settings of another Airflow.

    :return: the environment
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}


def airflow_environment(home: Path, dags_folder: Path, port: int, extra: Mapping[str, str]) -> dict[str, str]:
    """Build the environment that all components share.

    :param home: the AIRFLOW_HOME
    :param dags_folder: where the DAG files are
    :param port: port of the API server
    :param extra: further variables, such as connections; they win
    :return: the whole environment
    """
    made = home_secrets(home)
    inherited = inherited_environment()
    no_proxy = ",".join(filter(None, [inherited.get("NO_PROXY") or inherited.get("no_proxy"), LOOPBACK, "localhost"]))
    settings = {
        "CORE__DAGS_FOLDER": str(dags_folder),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": "4",
        "CORE__FERNET_KEY": made["fernet_key"],
        "CORE__EXECUTION_API_SERVER_URL": f"http://{LOOPBACK}:{port}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "API__BASE_URL": f"http://{LOOPBACK}:{port}",
        "API__SECRET_KEY": made["api_secret"],
        # Off by default in 3.0, where REST gives no readable XCom without it.
        "API__ENABLE_XCOM_DESERIALIZE_SUPPORT": "True",
        "API_AUTH__JWT_SECRET": made["jwt_secret"],
        # 5 s by default, for which a write waits for another: too few for a busy machine. Many more would not do: one
        # request of the API server may wait in its event loop for another one that needs the loop to be committed, and
        # for so long the server answers nobody (seen in 3.3.2: a PATCH of a DAG beside a task's rendered fields).
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}?timeout=15",
        "LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        # 300 s by default: a new DAG file would stay unseen for minutes.
        "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        # A file that has changed is read at once; every 10 s, the example DAGs would keep a core busy.
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "120",
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
        # 30 s by default: a file that changes twice within that is not looked at again until the next interval above.
        "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "1",
        # 5 s by default, for which a task's supervisor may sleep past its end.
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
        "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
    }
    return {
        **inherited,
        "AIRFLOW_HOME": str(home),
        **{f"AIRFLOW__{name}": value for name, value in settings.items()},
        "SCARF_ANALYTICS": "false",
        "DO_NOT_TRACK": "1",
        "NO_PROXY": no_proxy,
        "no_proxy": no_proxy,
        **extra,
    }
