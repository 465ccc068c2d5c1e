"""What Airflow's database has of the task whose submission a person settles; and the audit entry of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.models.log import Log
from airflow.models.renderedtifields import RenderedTaskInstanceFields
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import select

from airflow_provider_ekyc.submission.identity import TaskIdentity

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from airflow_provider_ekyc.plugins.settle_request import SettleRequest

#: What a rendered field is when Airflow masks it.
_MASKED = "***"

#: Attribute of ``EkycSubmitOperator``: its argument, and the default of that.
_FIELDS = {
    "ekyc_conn_id": ("ekyc_conn_id", "ekyc_default"),
    "ekyc_task_type": ("task_type", "amazon"),
    "journal_uri": ("journal_uri", None),
    "journal_conn_id": ("journal_conn_id", "aws_default"),
}


@dataclass(frozen=True, slots=True)
class TaskInstanceState:
    """
    One task instance of the task, of any map index.

    :param state: a word of Airflow's, or None if it is not scheduled yet
    :param ended_at: when its latest try ended
    """

    map_index: int
    state: str | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SettledTask:
    """
    A task instance that exists, and the arguments of its operator.

    :param identities: of the task; several in a looped task group (Airflow 3.4), where each iteration has records
    :param ids: Airflow's ids of these task instances
    :param instances: all task instances of the task in the run
    :param fields: templated fields of the operator as its run rendered them, or as the DAG has them where Airflow keeps
        them no longer; None if they are not to be known
    """

    request: SettleRequest
    identities: tuple[TaskIdentity, ...]
    ids: tuple[str, ...]
    instances: tuple[TaskInstanceState, ...]
    fields: Mapping[str, Any] | None

    @property
    def try_number(self) -> int:
        """The latest try."""
        return self.identities[0].try_number

    def instances_of(self, *map_indexes: int) -> list[TaskInstanceState]:
        """Return the task instances of map indexes."""
        return [each for each in self.instances if each.map_index in map_indexes]

    def field(self, name: str) -> str | None:
        """Return a templated field of the operator as text; None if it is empty, or not to be known."""
        value = (self.fields or {}).get(name)
        return value if isinstance(value, str) and value and value not in (_MASKED, "None") else None


def read_task(request: SettleRequest) -> SettledTask | None:
    """Return what Airflow has of a task instance, or None if there is no such one."""
    with create_session() as session:
        rows: Sequence[TaskInstance] = session.scalars(
            select(TaskInstance).where(
                TaskInstance.dag_id == request.dag_id,
                TaskInstance.run_id == request.run_id,
                TaskInstance.task_id == request.task_id,
            )
        ).all()
        own = [row for row in rows if row.map_index == request.map_index]
        if not own:
            return None
        return SettledTask(
            request=request,
            identities=_identities(request, own),
            ids=tuple(str(row.id) for row in own),
            instances=tuple(TaskInstanceState(row.map_index, _word(row.state), row.end_date) for row in rows),
            fields=_rendered(own, session) or _written(request, session),
        )


def add_audit_entry(event: str, user_name: str, task: SettledTask, **extra: object) -> None:
    """
    Add a row to Airflow's audit log, and commit it.

    :param event: ``ekyc_adopt`` or ``ekyc_send_again``
    :param user_name: who asked for it
    :param extra: what else is to be known of it, without a number and a key
    """
    request = task.request
    with create_session() as session:
        session.add(
            Log(
                event=event,
                owner=user_name,
                owner_display_name=user_name,
                extra=json.dumps(extra),
                dag_id=request.dag_id,
                task_id=request.task_id,
                run_id=request.run_id,
                map_index=request.map_index,
                try_number=task.try_number,
            )
        )


def _identities(request: SettleRequest, rows: Sequence[TaskInstance]) -> tuple[TaskIdentity, ...]:
    """Return the identities that records may have: of the task itself, and of each iteration of a loop around it."""
    row = max(rows, key=lambda each: each.try_number)
    # A mapped task outside of a loop has such an index as well, with records under the task's own identity.
    indexes = {getattr(each, "region_index", None) for each in rows}
    iterations = [None, *sorted(index for index in indexes if index is not None and index >= 0)]
    return tuple(
        TaskIdentity(
            dag_id=request.dag_id,
            task_id=request.task_id,
            run_id=request.run_id,
            iteration=iteration,
            map_index=request.map_index,
            try_number=row.try_number,
            max_tries=row.max_tries,
        )
        for iteration in iterations
    )


def _rendered(rows: Sequence[TaskInstance], session: Session) -> Mapping[str, Any] | None:
    found = [RenderedTaskInstanceFields.get_templated_fields(row, session=session) for row in rows]
    rendered = [each for each in found if each]
    # Iterations of a loop may have rendered other connections, and which of them is meant is not known.
    return rendered[0] if rendered and all(each == rendered[0] for each in rendered) else None


def _written(request: SettleRequest, session: Session) -> Mapping[str, Any] | None:
    """
    Return the fields as the DAG has them today; None if one of them is a template, or expanded, or may be a default
    argument of a task group.

    A connection of another account has other names of submissions, and another place has no record of this one: so a
    DAG that was changed since is noticed.
    """
    dag = SerializedDagModel.get_dag(request.dag_id, session=session)
    task = None if dag is None else dag.task_dict.get(request.task_id)
    if dag is None or task is None:
        return None
    given = getattr(task, "partial_kwargs", None)  # of a mapped task
    if given is None:
        fields = {name: getattr(task, name, None) for name in _FIELDS}
    else:
        expanded = getattr(getattr(task, "expand_input", None), "value", None)
        if isinstance(expanded, Mapping) and any(argument in expanded for argument, _ in _FIELDS.values()):
            return None
        # Airflow gives default arguments to a mapped task only when it runs, and stores only those of the DAG.
        if _is_in_group(task) and any(argument not in given for argument, _ in _FIELDS.values()):
            return None
        given = {**(dag.default_args or {}), **given}
        fields = {name: given.get(argument, default) for name, (argument, default) in _FIELDS.items()}
    return None if any("{{" in str(value) or "{%" in str(value) for value in fields.values()) else fields


def _is_in_group(task: Any) -> bool:
    group = getattr(task, "task_group", None)
    return group is not None and group.group_id is not None


def _word(state: object) -> str | None:
    value = getattr(state, "value", state)
    return None if value is None else str(value)
