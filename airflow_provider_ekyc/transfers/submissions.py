"""The second XCom of a submit task: as an argument, or found among the tasks upstream."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.arguments import is_task_type
from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.operators.ekyc import EkycSubmitOperator
from airflow_provider_ekyc.submission.record import Submission

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import BaseOperator

log = logging.getLogger(__name__)


def read_submission(value: object, ekyc_task_id: str) -> Submission:
    """
    Read the second XCom of ``EkycSubmitOperator``, as a mapping or as JSON.

    :param ekyc_task_id: the remote task that it must be of
    :raises EkycSettingsError: if it is none, or another task's
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = None
    given = value if isinstance(value, Mapping) else {}
    try:
        submission = Submission(
            **{field.name: given[field.name] for field in fields(Submission) if field.name in given}
        )
        counts = (submission.rows, submission.invalid, submission.total or 0)
        if any(type(count) is not int for count in counts) or not is_task_type(submission.task_type):
            raise TypeError
    except TypeError:
        raise EkycSettingsError(
            "submission is not what EkycSubmitOperator pushes: give it submit.output['submission'], or in a template "
            "ti.xcom_pull(task_ids='submit', key='submission') | tojson. No request was sent."
        ) from None
    if submission.ekyc_task_id != ekyc_task_id:
        raise EkycSettingsError(
            f"submission is of remote task {submission.ekyc_task_id}, not of {ekyc_task_id}. No request was sent."
        )
    return submission


def find_submission(operator: BaseOperator, context: Mapping[str, Any], ekyc_task_id: str) -> Submission | None:
    """
    Look for the second XCom of an ``EkycSubmitOperator`` upstream, whatever its map index.

    First for that of this map index, and of a task that is not mapped. Among the outputs of mapped tasks Airflow leaves
    out what was skipped or has failed, so the tasks after them may have other map indexes.

    :param operator: whose upstream tasks are looked at
    :param ekyc_task_id: the remote task that it must be of
    :return: None if there is none: the remote id may come from elsewhere
    """
    try:
        submitting = _submitting(operator)
    except Exception as error:  # noqa: BLE001  # what is only looked for does not keep a result from landing
        why = type(error).__name__
        log.warning("No submission was looked for among the tasks upstream: they can't be listed (%s).", why)
        return None
    if not submitting:
        return None
    ti = context["ti"]
    likely = [{"map_indexes": index} for index in dict.fromkeys((getattr(ti, "map_index", -1), -1))]
    for which in (*likely, {}):
        for task_id in submitting:
            for value in _pulled(ti, task_id, which):
                try:
                    return read_submission(value, ekyc_task_id)
                except EkycSettingsError:
                    continue
    log.warning(
        "Remote task %s was submitted by none of the tasks upstream, as far as their XComs say (%s). The type of its "
        "rows is the argument task_type, amazon by default.",
        ekyc_task_id,
        ", ".join(submitting),
    )
    return None


def _pulled(ti: Any, task_id: str, which: Mapping[str, int]) -> list[Any]:
    """
    Return the second XComs of a task that submits: of one map index, or of all; none if they can't be read.

    A custom XCom backend is the user's code, and the API server may be away: either may raise anything.
    """
    try:
        value = ti.xcom_pull(task_ids=task_id, key="submission", **which)
        return [value] if value is None or isinstance(value, (Mapping, str)) else list(value)
    except Exception as error:  # noqa: BLE001  # what was only looked for does not keep a result from landing
        log.info("The XCom 'submission' of task %s can't be read (%s).", task_id, type(error).__name__)
        return []


def type_of(submission: Submission | None, given: str | None) -> str:
    """
    Return what was verified: what the submission says, otherwise the argument ``task_type``, otherwise ``amazon``.

    :param submission: of the remote task; None if it is not known
    :param given: the argument; None if it was left out
    :raises EkycSettingsError: if they differ: each row would name what was not verified
    """
    if submission is None:
        return given or "amazon"
    verified = submission.task_type
    if given not in (None, verified):
        raise EkycSettingsError(
            f"task_type is {given!r}, but the submission of this remote task is of {verified!r}: each row would name "
            f"what was not verified. No request was sent, and nothing was landed. A retry can't help. Leave task_type "
            f"out or set it to {verified!r}, then clear this task. The submission is already paid for and will not be "
            f"charged again."
        )
    return verified


def _submitting(operator: BaseOperator) -> list[str]:
    """Return the ids of the tasks upstream that submit, in alphabetical order."""
    if not operator.has_dag():
        return []
    return sorted(
        task.task_id
        for task in operator.get_flat_relatives(upstream=True)
        if issubclass(getattr(task, "operator_class", type(task)), EkycSubmitOperator)
    )
