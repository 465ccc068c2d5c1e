"""
What the signed-in user may see and change.

A row of the page shows a DAG, its task instances and their XComs, so a user needs the right to read all three: one of
them alone would show what Airflow's own API hides. ``get_authorized_dag_ids`` answers for DAGs only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import HTTPException, Request

#: What the read route needs beside DAGs.
SHOWN = (DagAccessEntity.TASK_INSTANCE, DagAccessEntity.XCOM)


def readable_dags(request: Request, user: Any, dag_ids: Iterable[str]) -> set[str]:
    """
    Return those of the DAGs whose task instances and XComs the user may read.

    :param request: of the user
    :param user: as Airflow's ``GetUserDep`` gives it
    :param dag_ids: of DAGs that have tasks of this package
    """
    found = set(dag_ids)
    if not found:
        return found
    readable = found & get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
    return {dag_id for dag_id in readable if all(_may(request, user, "GET", dag_id, entity) for entity in SHOWN)}


def may_edit(request: Request, user: Any, dag_id: str) -> bool:
    """Return whether the user may change task instances of a DAG, as for Airflow's own clear."""
    return _may(request, user, "PUT", dag_id, DagAccessEntity.TASK_INSTANCE)


def _may(request: Request, user: Any, method: Any, dag_id: str, entity: DagAccessEntity) -> bool:
    """Ask as Airflow's own routes do: its function knows about teams, which differ from version to version."""
    try:
        requires_access_dag(method, entity, dag_id)(request, user)
    except HTTPException:
        return False
    return True
