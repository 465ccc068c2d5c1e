"""Make users of the FAB auth manager, with rights of their own. Run by the interpreter whose Airflow is meant.

Reads a JSON object from standard input: per user name ``password`` and ``rights``, pairs of an action and a resource
such as ``["can_read", "DAG:ekyc_basic"]``, or ``role``, one of FAB's own.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder


def make_users(users: dict[str, dict[str, Any]]) -> None:
    """Make the users and the roles that they need.

    :param users: as the module's docstring says
    """
    with get_application_builder() as application:
        security = application.sm
        security.sync_roles()
        for name, wanted in users.items():
            if "role" in wanted:
                role = security.find_role(wanted["role"])
            else:
                role = security.add_role(f"role of {name}")
                for action, resource in wanted["rights"]:
                    permission = security.create_permission(action, resource)
                    security.add_permission_to_role(role, permission)
            made = security.add_user(name, name, "Example", f"{name}@example.com", role, password=wanted["password"])
            if not made:
                raise SystemExit(f"the user {name} could not be made")


if __name__ == "__main__":
    make_users(json.load(sys.stdin))
