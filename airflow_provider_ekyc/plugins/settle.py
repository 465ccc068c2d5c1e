"""Settle a submission whose outcome is unknown, for a person in Airflow's user interface."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import String, cast, select

from airflow_provider_ekyc.exceptions import (
    EkycApiError,
    EkycAuthenticationError,
    EkycNotFoundError,
    EkycRateLimitError,
    EkycRequestError,
)
from airflow_provider_ekyc.plugins.metadata_variables import MetadataVariables
from airflow_provider_ekyc.plugins.settle_case import OpenCase, Person, open_case, refusals
from airflow_provider_ekyc.plugins.settle_decisions import (
    doubts_of,
    receipt_of,
    repeat_cost,
    require_confirmed_repeat,
    require_no_doubts,
    require_seen_send,
)
from airflow_provider_ekyc.plugins.settle_request import SettleRefused
from airflow_provider_ekyc.plugins.settle_task import add_audit_entry
from airflow_provider_ekyc.submission.settlement import Change
from airflow_provider_ekyc.submission.spending import Estimate

if TYPE_CHECKING:
    from airflow_provider_ekyc.api.models import Task
    from airflow_provider_ekyc.plugins.settle_request import SettleRequest

log = logging.getLogger(__name__)


def adopt(request: SettleRequest, person: Person) -> dict[str, Any]:
    """
    Make a remote task that of the submission; one status query, which may be charged.

    :param request: with ``ekyc_task_id``
    :return: the answer of the route
    :raises SettleRefused: if it is not done; nothing was changed then
    """
    case = open_case(request, sends_again=False)
    ekyc_task_id = str(request.ekyc_task_id)
    case.require_right_to_write(person)
    with refusals("The records of this task can't be compared"):
        other = case.settlement.other_list_of(ekyc_task_id)
    if other is not None:
        raise SettleRefused(
            409, f"This remote task is already that of another list of this task ({other}). Nothing was changed."
        )
    remote = _remote_task(case, ekyc_task_id)
    doubts = doubts_of(case.intent, remote)
    if _is_used_elsewhere(request, ekyc_task_id):
        doubts.append("Another task of this Airflow has returned the same remote id.")
    require_no_doubts(request, doubts)
    # The query may have lasted a minute, in which another person, or a retry, was faster.
    case = open_case(request, sends_again=False)
    receipt = receipt_of(
        case.intent,
        remote,
        ekyc_task_id,
        task_type=case.task_type,
        price=case.hook.settings.price(case.task_type or ""),
    )
    change = case.settlement.adoption(receipt)
    add_audit_entry(
        "ekyc_adopt",
        person.name,
        case.task,
        ekyc_task_id=ekyc_task_id,
        confirmed_doubts=doubts,
        **case.audited(change),
    )
    numbers = "its total is not known yet" if not remote.total else f"{remote.total:,} numbers"
    return {
        "status": remote.status.value,
        "total": remote.total or None,
        "message": f"The remote task is {remote.status.value}, {numbers}; the query may be charged. After the clear "
        f"the task returns its id and sends nothing, unless its list has changed.",
        "write": _write(case, change),
        "clear": case.clear,
    }


def send_again(request: SettleRequest, person: Person) -> dict[str, Any]:
    """
    Have the next try send the list again, which may be charged a second time.

    :param request: with ``confirmed``
    :return: the answer of the route
    :raises SettleRefused: if it is not done; nothing was changed then
    """
    case = open_case(request, sends_again=True)
    require_seen_send(request, case.intent)
    case.require_right_to_write(person)
    estimate = Estimate(
        case.task_type or "", case.intent.rows, case.hook.settings.price(case.task_type) if case.task_type else None
    )
    require_confirmed_repeat(request, case.intent, estimate)
    change = case.settlement.sending_again(case.intent, datetime.now(UTC).isoformat(timespec="milliseconds"))
    add_audit_entry("ekyc_send_again", person.name, case.task, **case.audited(change))
    return {
        "status": None,
        "total": None,
        "message": f"{repeat_cost(case.intent, estimate)} The task sends it after the clear.",
        "write": _write(case, change),
        "clear": case.clear,
    }


def _remote_task(case: OpenCase, ekyc_task_id: str) -> Task:
    conn_id = case.hook.ekyc_conn_id
    if ekyc_task_id == case.hook.settings.api_key:
        raise SettleRefused(422, "That is the API key, not a remote id. No request was sent, and nothing was changed.")
    charged = "The query may be charged. Nothing was changed."
    try:
        return case.hook.get_task(ekyc_task_id)
    except (EkycNotFoundError, EkycRequestError) as error:
        if error.status not in (400, 404):
            raise SettleRefused(
                424,
                f"The API refused the status query ({error.status}). That says nothing about the remote task: do not "
                f"send the list again because of it. {charged}",
            ) from None
        raise SettleRefused(
            404,
            f"The API knows no remote task of this id in the account of connection {conn_id!r}. Check that the id is "
            f"complete and of this account. {charged}",
        ) from None
    except EkycAuthenticationError:
        raise SettleRefused(424, f"The API refuses the key of connection {conn_id!r}. Nothing was changed.") from None
    except EkycRateLimitError:
        raise SettleRefused(429, "The API answers that there are too many calls. Nothing was changed.") from None
    except EkycApiError as error:
        log.warning("The status query of a remote task to adopt failed: %s", error.message)
        answer = "" if error.status is None else f" {error.status}"
        again = "Try again. " if error.retryable else ""
        raise SettleRefused(
            424, f"The API did not answer the status query ({error.kind}{answer}). {again}{charged}"
        ) from None


def _is_used_elsewhere(request: SettleRequest, ekyc_task_id: str) -> bool:
    """Whether another task instance has returned this id: its result would be landed twice, and this list's never."""
    texts = [json.dumps(ekyc_task_id), json.dumps(json.dumps(ekyc_task_id))]  # Airflow writes JSON into a JSON column
    with create_session() as session:
        rows = session.execute(
            select(XComModel.dag_id, XComModel.run_id, XComModel.task_id, XComModel.map_index)
            .where(XComModel.key == "return_value", cast(XComModel.value, String).in_(texts))
            .limit(10)
        ).all()
    own = (request.dag_id, request.run_id, request.task_id, request.map_index)
    return any(tuple(row) != own for row in rows)


def _write(case: OpenCase, change: Change) -> dict[str, str] | None:
    """
    Write the record, or return how the page writes it with the user's own rights.

    :return: for Airflow's public REST API, where the record is a Variable; ``POST`` fails there if another person or a
        try was faster
    """
    if isinstance(change.store, MetadataVariables):
        return {
            "method": "POST" if change.replacing is None else "PATCH",
            "variable": change.store.key(change.name),
            "value": change.body.decode(),
            "description": change.store.description,
        }
    with refusals(f"The record {change.address} can't be written from the API server"):
        is_written = change.write()
    if not is_written:
        raise SettleRefused(
            409,
            f"Another person, or a try of the task, was faster: {change.address} was changed meanwhile. Nothing was "
            f"changed now.",
        )
    return None
