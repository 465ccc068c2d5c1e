"""Users of the FAB auth manager, with rights of their own."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from dev.stack.airflow_rest import AirflowRest
from dev.stack.airflow_stack import AirflowStack
from dev.stack.processes import ProcessError

#: Environment variables of an Airflow whose users these are.
FAB_SETTINGS = {
    "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    # Five logins in 40 s by default: the tests sign more users in.
    "AIRFLOW__FAB__AUTH_RATE_LIMITED": "False",
}
ADMIN = "admin"
MAKE_USERS = Path(__file__).with_name("make_fab_users.py")

#: Pairs of an action and a resource, such as ``("can_read", "DAG:ekyc_basic")``.
Rights = Sequence[tuple[str, str]]


class FabUsers:
    """Users of one Airflow that runs with :data:`FAB_SETTINGS`.

    :param airflow: the Airflow, not started yet
    :param python: interpreter of the virtual environment whose Airflow it runs; this one by default
    """

    def __init__(self, airflow: AirflowStack, python: Path | None = None) -> None:
        self._airflow = airflow
        self._python = str(python or sys.executable)
        self._passwords: dict[str, str] = {}

    def make(self, users: Mapping[str, Rights | str]) -> None:
        """Make the database, an administrator and users.

        :param users: per user name their rights, or the name of a role of FAB
        :raises ProcessError: if it can't be done
        """
        self._airflow.migrate()
        everybody: dict[str, Rights | str] = {ADMIN: "Admin", **users}
        self._passwords = {name: secrets.token_urlsafe(12) for name in everybody}
        wanted = {
            name: {"password": self._passwords[name]}
            | ({"role": rights} if isinstance(rights, str) else {"rights": [list(right) for right in rights]})
            for name, rights in everybody.items()
        }
        done = subprocess.run(
            [self._python, str(MAKE_USERS)],
            input=json.dumps(wanted),
            capture_output=True,
            text=True,
            check=False,
            env=self._airflow.env,
            cwd=self._airflow.home,
        )
        if done.returncode:
            raise ProcessError(f"the users could not be made.\n{done.stderr[-2000:]}")

    def login(self, name: str) -> tuple[str, str]:
        """Return user name and password.

        :param name: the user
        """
        return name, self._passwords[name]

    def rest(self, name: str) -> AirflowRest:
        """Return a client of the REST API.

        :param name: the user
        """
        return AirflowRest(self._airflow.url, *self.login(name))
