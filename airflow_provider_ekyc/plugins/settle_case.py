"""A submission that a person is about to settle: its task, connection and records, and whether it is still open."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.api.retries import Retries
from airflow_provider_ekyc.arguments import read_task_type
from airflow_provider_ekyc.exceptions import EkycError, EkycNoConnectionError, EkycSettingsError
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.plugins.metadata_variables import MetadataVariables
from airflow_provider_ekyc.plugins.settle_decisions import BY_HAND, clear_body, open_intent, require_ended
from airflow_provider_ekyc.plugins.settle_request import SettleRefused
from airflow_provider_ekyc.plugins.settle_task import SettledTask, read_task
from airflow_provider_ekyc.submission.record import Intent, Receipt, Scope
from airflow_provider_ekyc.submission.settlement import Change, Settlement
from airflow_provider_ekyc.submission.stores import open_stores

if TYPE_CHECKING:
    from airflow_provider_ekyc.plugins.settle_request import SettleRequest
    from airflow_provider_ekyc.submission.identity import TaskIdentity

log = logging.getLogger(__name__)

#: One query: a second one may be charged too, and the person can ask again.
_ONE_QUERY = Retries(attempts=1)

#: The page waits 30 seconds for an answer.
_SECONDS_TO_CONNECT, _SECONDS_TO_ANSWER = 5.0, 15.0


@dataclass(frozen=True, slots=True)
class Person:
    """
    Who settles it.

    :param name: for the audit log
    :param may_write_variable: whether Airflow lets them create (``POST``) or change (``PUT``) a Variable
    """

    name: str
    may_write_variable: Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class OpenCase:
    """A submission whose outcome is unknown, with all that is needed to settle it."""

    task: SettledTask
    hook: EkycHook
    settlement: Settlement
    intent: Intent
    clear: dict[str, Any]

    @property
    def task_type(self) -> str | None:
        """The type of the submission; None if it is not known any more."""
        try:
            return read_task_type(self.task.field("ekyc_task_type"))
        except EkycSettingsError:
            return None

    def require_right_to_write(self, person: Person) -> None:
        """Refuse where the records are Variables and the person may not write them, before anything is charged."""
        adopted = self.task.request.ekyc_task_id
        change = (
            self.settlement.sending_again(self.intent, "")
            if adopted is None
            else self.settlement.adoption(Receipt(adopted))
        )
        if not isinstance(change.store, MetadataVariables):
            return
        method = "POST" if change.replacing is None else "PUT"
        if not person.may_write_variable(method, change.store.key(change.name)):
            raise SettleRefused(
                403,
                "The records are Airflow Variables, and you may not write those. Nothing was changed. Someone who may "
                "has to settle this submission.",
            )

    def audited(self, change: Change) -> dict[str, object]:
        """What the audit log has of it."""
        return {"submission": self.settlement.name, "record": change.address, "rows": self.intent.rows}


def open_case(request: SettleRequest, *, sends_again: bool) -> OpenCase:
    """
    Return a submission that can be settled now.

    :param sends_again: whether its list is to be sent again
    :raises SettleRefused: if there is no such task, or its submission is not open, or may be settled by the task itself
    """
    task = read_task(request)
    if task is None:
        raise SettleRefused(404, "Airflow has no such task instance. Nothing was changed.")
    hook = _hook(task)
    settlement, identity = _settlement(task, hook)
    is_iteration = identity.iteration is not None and len(task.ids) == 1
    clear = clear_body(request, task.ids[0] if is_iteration else None)
    try:
        with refusals("The record of this submission can't be used from the API server"):
            intent = open_intent(settlement.find(), settlement.address)
    except SettleRefused as refused:
        refused.clear_body = clear if refused.clear else None
        raise
    if Scope(hook.settings.scope_url, hook.settings.account, intent.fingerprint, "").name != request.name:
        raise SettleRefused(
            409,
            f"Connection {hook.ekyc_conn_id!r} now names another API or account than that of this submission, so the "
            f"task would not find what is recorded for it, and would send the list there. Nothing was changed. Set "
            f"the connection back first.",
        )
    instances = task.instances_of(request.map_index, intent.map_index)
    require_ended(instances, intent, sends_again=sends_again, now=datetime.now(UTC))
    return OpenCase(task, hook, settlement, intent, clear)


def _hook(task: SettledTask) -> EkycHook:
    """Return the hook of the connection that the task itself has used."""
    conn_id = task.field("ekyc_conn_id")
    if conn_id is None:
        raise SettleRefused(
            409,
            f"Airflow no longer has what the templates of this task were rendered to, so it is not known which "
            f"connection it has used. Nothing was changed. {BY_HAND}.",
        )
    hook = EkycHook(conn_id, retries=_ONE_QUERY)
    with refusals(f"Connection {conn_id!r} can't be used"):
        settings = hook.settings
        hook.settings = replace(
            settings,
            connect_timeout=min(settings.connect_timeout, _SECONDS_TO_CONNECT),
            read_timeout=min(settings.read_timeout, _SECONDS_TO_ANSWER),
        )
        # What is sent along as the key is the password of the connection, whatever its type is.
        if hook.get_connection(conn_id).conn_type != EkycHook.conn_type:
            raise EkycSettingsError("It is not of type ekyc.")
    return hook


def _settlement(task: SettledTask, hook: EkycHook) -> tuple[Settlement, TaskIdentity]:
    """Return the records of the submission, and the identity that has them: of the task, or of an iteration of it."""
    found = []
    with refusals("The journal can't be used from the API server"):
        for identity in task.identities:
            stores = open_stores(
                identity,
                uri=task.field("journal_uri"),
                aws_conn_id=task.field("journal_conn_id"),
                connection_uri=hook.settings.journal_uri,
                state_store=None,
                variables=MetadataVariables(identity),
            )
            settlement = Settlement(identity, stores, task.request.name)
            if len(task.identities) == 1 or settlement.find() is not None:
                found.append((settlement, identity))
    if len(found) > 1:
        raise SettleRefused(
            409, f"Several iterations of a loop have submitted this list. Nothing was changed. {BY_HAND}."
        )
    if not found:
        raise SettleRefused(409, f"The API server finds no record of this submission. Nothing was changed. {BY_HAND}.")
    return found[0]


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Turn an error of the provider into a refusal; its own text is for a task, and for the server's log."""
    try:
        yield
    except EkycNoConnectionError:
        raise SettleRefused(
            424, f"{what}: the API server can't read it, if it exists. Nothing was changed. {BY_HAND}."
        ) from None
    except EkycSettingsError as error:
        raise SettleRefused(424, f"{what}: {error.message} Nothing was changed.") from None
    except EkycError as error:
        log.warning("%s: %s", what, error.message)
        raise SettleRefused(
            424, f"{what} ({error.kind}); the server's log says why. Nothing was changed. {BY_HAND}."
        ) from None
