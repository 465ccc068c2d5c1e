"""An API server with the FAB auth manager over a database of its own, without a scheduler."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dev.browser.fab_users import FAB_SETTINGS, FabUsers, Rights
from dev.stack.airflow_rest import AirflowRest
from dev.stack.airflow_stack import AirflowStack
from dev.stack.processes import Stoppable


class FabServer(Stoppable):
    """Airflow's API server alone, with users of FAB.

    :param folder: for Airflow's home and the logs
    :param env: further environment variables
    :param python: interpreter of another virtual environment, to run its Airflow
    """

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None, python: Path | None = None) -> None:
        (folder / "dags").mkdir(parents=True, exist_ok=True)
        self.folder = folder
        settings = {**FAB_SETTINGS, **(env or {})}
        self.airflow = AirflowStack(folder / "home", folder / "dags", settings, folder / "processes", python)
        self._users = FabUsers(self.airflow, python)

    @property
    def url(self) -> str:
        """Address of the web UI and of the REST API."""
        return self.airflow.url

    def prepare(self, users: Mapping[str, Rights | str]) -> None:
        """Make the database, an administrator and users; before the start.

        :param users: per user name their rights, as pairs of action and resource, or the name of a role of FAB
        :raises ProcessError: if it can't be done
        """
        self._users.make(users)

    def login(self, name: str) -> tuple[str, str]:
        """Return user name and password.

        :param name: the user
        """
        return self._users.login(name)

    def rest(self, name: str) -> AirflowRest:
        """Return a client of the REST API.

        :param name: the user
        """
        return self._users.rest(name)

    def start(self) -> None:
        """Start the API server and wait until it answers."""
        self.airflow.serve()

    def stop(self) -> None:
        """End it."""
        self.airflow.stop()
