"""
The routes with which a person settles a submission whose outcome is unknown: adopt its remote task, or send it again.

Both check, in this order: a login, a page of this Airflow, JSON, and the right to edit that very task instance, which
is the right to clear it. Answers are made of sentences of our own: no text of the vendor, no number, no key.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Annotated, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import VariableDetails
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.configuration import conf
from fastapi import APIRouter, Depends, HTTPException, Request

from airflow_provider_ekyc.plugins.access import may_edit
from airflow_provider_ekyc.plugins.plain_json import PlainJson
from airflow_provider_ekyc.plugins.settle import adopt, send_again
from airflow_provider_ekyc.plugins.settle_case import Person
from airflow_provider_ekyc.plugins.settle_request import (
    LONGEST_BODY,
    SettleRefused,
    SettleRequest,
    read_adopt,
    read_send_again,
    require_own_page,
)

log = logging.getLogger(__name__)

#: Included by the page's application, which is mounted at ``/ekyc``.
router = APIRouter()


async def own_json(request: Request, user: GetUserDep) -> bytes:
    """
    Return the body of a request that a page of this Airflow has sent; who has no login is refused first.

    :raises HTTPException: 403 for another site, 413 for too long a body, 415 for another type than JSON
    """
    try:
        require_own_page(request.headers, _own_origins(request))
    except SettleRefused as refused:
        raise HTTPException(refused.status, refused.detail) from None
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_BODY:
            raise HTTPException(413, "The request is too long. Nothing was changed.")
    return body


OwnJson = Annotated[bytes, Depends(own_json)]


@router.post("/adopt")
def adopt_route(request: Request, user: GetUserDep, body: OwnJson) -> PlainJson:
    """Make a remote task that of a submission whose outcome is unknown."""
    return _answer(request, user, body, read_adopt, adopt)


@router.post("/send-again")
def send_again_route(request: Request, user: GetUserDep, body: OwnJson) -> PlainJson:
    """Have the next try of a task send a list again whose outcome is unknown."""
    return _answer(request, user, body, read_send_again, send_again)


def _answer(
    request: Request,
    user: Any,
    body: bytes,
    read: Callable[[bytes], SettleRequest],
    settle: Callable[[SettleRequest, Person], dict[str, Any]],
) -> PlainJson:
    try:
        asked = read(body)
        if not may_edit(request, user, asked.dag_id):
            raise SettleRefused(403, "You may not edit this task instance. Nothing was changed.")
        content = settle(asked, Person(user.get_name(), lambda method, key: _may_write_variable(user, method, key)))
        return PlainJson(content)
    except SettleRefused as refused:
        content = {"detail": refused.detail}
        if refused.confirm:
            content["confirm"] = True
        if refused.clear_body is not None:
            content["clear"] = refused.clear_body
        return PlainJson(content, refused.status)
    except Exception as error:  # noqa: BLE001  # a message of the database or of a library may quote what it was given
        frames = traceback.extract_tb(error.__traceback__)
        where = " < ".join(f"{frame.name} ({frame.filename}:{frame.lineno})" for frame in reversed(frames[-6:]))
        log.error("A submission could not be settled: %s in %s", type(error).__name__, where)
        detail = (
            f"The server failed ({type(error).__name__}), and its log says where. It is not known whether anything "
            f"was changed: reload the page."
        )
        return PlainJson({"detail": detail}, 424)


def _may_write_variable(user: Any, method: Any, key: str) -> bool:
    return bool(get_auth_manager().is_authorized_variable(method=method, details=VariableDetails(key=key), user=user))


def _own_origins(request: Request) -> list[str]:
    """Return the origins of this server: as the request names it, and as ``[api] base_url`` does."""
    base_url = conf.get("api", "base_url", fallback="") or ""
    return [f"{request.url.scheme}://{request.headers.get('host', '')}", base_url]
