"""
Buckets that the tasks after a submission need, looked for before the submission is paid for.

Only what is certain stops it: S3's own word that a bucket does not exist, of a bucket that no task in between could
make, named by what is known now.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Set
from functools import partial
from typing import Any

from airflow_provider_ekyc.exceptions import EkycSettingsError
from airflow_provider_ekyc.operators.requirements import tasks_after, worker_kind

log = logging.getLogger(__name__)

#: What a template may use that means the same in a later task of the run; ``ti``, ``task`` and ``map_index`` do not,
#: nor do ``params`` if a task has its own.
SAME_IN_ALL_TASKS = frozenset(
    {
        *("dag", "dag_run", "run_id", "params", "conf", "macros", "var", "conn"),
        *("logical_date", "execution_date", "ds", "ds_nodash", "ts", "ts_nodash", "ts_nodash_with_tz"),
        *("data_interval_start", "data_interval_end", "prev_data_interval_start_success"),
        *("prev_data_interval_end_success", "prev_start_date_success", "triggering_asset_events"),
    }
)

#: What to do first, as the sentences of ``missing_bucket`` end.
CREATE_THE_BUCKET = "Create the bucket, or correct its name or the connection, then clear this task."

_PACKAGE = __name__.partition(".")[0]


def check_buckets(submit: Any, context: Mapping[str, Any]) -> None:
    """
    Look for the buckets of the tasks downstream: those whose class has a method ``missing_bucket``.

    :param submit: the running task; nothing is looked for if it belongs to no DAG
    :param context: of the running task, with which templates are rendered
    :raises EkycSettingsError: if a bucket certainly does not exist
    """
    for task in tasks_after(submit):
        missing_bucket = getattr(getattr(task, "operator_class", type(task)), "missing_bucket", None)
        if missing_bucket is None or worker_kind(task) != worker_kind(submit) or _may_be_made_before(task, submit):
            continue
        try:
            same = SAME_IN_ALL_TASKS if _params_of(task) == _params_of(submit) else SAME_IN_ALL_TASKS - {"params"}
            problem = missing_bucket(task, partial(_rendered, submit, context, same))
        except Exception as error:  # noqa: BLE001  # what can't be known now is no reason against the submission
            log.debug("Whether the bucket of %s exists is not known (%s).", task.task_id, type(error).__name__)
            continue
        if problem:
            raise EkycSettingsError(problem).with_steps(CREATE_THE_BUCKET)


def _may_be_made_before(task: Any, submit: Any) -> bool:
    """Return whether a task of others runs before a transfer and has not run yet: it may make the bucket."""
    done = {submit.task_id, *_upstream(submit)}
    return any(
        _module_of(other).partition(".")[0] != _PACKAGE for name, other in _upstream(task).items() if name not in done
    )


def _upstream(task: Any) -> dict[str, Any]:
    tasks = getattr(task.get_dag(), "task_dict", {})
    found: dict[str, Any] = {}
    waiting = [task.task_id]
    while waiting:
        one = tasks.get(waiting.pop())
        for task_id in getattr(one, "upstream_task_ids", ()):
            if task_id not in found and task_id in tasks:
                found[task_id] = tasks[task_id]
                waiting.append(task_id)
    return found


def _module_of(task: Any) -> str:
    return str(getattr(getattr(task, "operator_class", type(task)), "__module__", ""))


def _params_of(task: Any) -> dict[str, Any]:
    """Return the params of a task, the DAG's and its own, before those of the run."""
    values = {name: getattr(param, "value", param) for name, param in task.params.items()}
    # One that only the run gives has a mark of Airflow's, of which each task has a copy.
    return {name: type(value) if type(value).__name__ == "ArgNotSet" else value for name, value in values.items()}


def _rendered(submit: Any, context: Mapping[str, Any], same: Set[str], value: object) -> str | None:
    """
    Return an argument of a later task as it will be, or None if that is not known.

    :param same: the names that mean the same in that task
    """
    if not isinstance(value, str) or not value:
        return None
    if "{" not in value:
        return value
    from jinja2 import meta

    environment = submit.get_template_env()
    if not set(_names(environment, value, meta)) <= same:
        return None
    text = submit.render_template(value, context, environment)
    return text if isinstance(text, str) and text not in ("", "None") else None


def _names(environment: Any, template: str, meta: Any) -> Iterator[str]:
    yield from meta.find_undeclared_variables(environment.parse(template))
