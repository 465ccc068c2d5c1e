"""Make the administrator of an Airflow 2. Run by the interpreter whose Airflow is meant.

Reads a JSON object with ``name`` and ``password`` from standard input: as an argument of ``airflow users create`` the
password could be read by every user of the machine.
"""

from __future__ import annotations

import json
import sys

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder


def make_admin(name: str, password: str) -> None:
    """Make the user.

    :param name: user name
    :param password: password
    """
    with get_application_builder() as application:
        security = application.sm
        security.sync_roles()
        role = security.find_role("Admin")
        if not security.add_user(name, name, "Example", f"{name}@example.com", role, password=password):
            raise SystemExit(f"the user {name} could not be made")


if __name__ == "__main__":
    make_admin(**json.load(sys.stdin))
