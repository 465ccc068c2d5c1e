"""EkycNotifier and the notifier that it hands its message to: ``notifications/ekyc.py``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from airflow.sdk import BaseNotifier

from airflow_provider_ekyc.airflow_errors import EkycFailException
from airflow_provider_ekyc.get_provider_info import get_provider_info
from airflow_provider_ekyc.notifications.ekyc import EkycNotifier
from airflow_provider_ekyc.notifications.message import Failure, Message, failure_message
from dev.testing.task_context import TaskInstance, context_of


class Chat(BaseNotifier):
    """A notifier of somebody else, with templated fields."""

    template_fields = ("text", "channel")

    def __init__(self, text: str, channel: str = "#ops-{{ ti.task_id }}") -> None:
        super().__init__()
        self.text, self.channel = text, channel
        self.sent: list[tuple[str, str]] = []

    def notify(self, context: Any) -> None:
        self.sent.append((self.channel, self.text))


def failed_with(text: str) -> Any:
    details = {"kind": "balance", "status": 402, "retryable": False, "charge": "none"}
    return context_of(TaskInstance(task_id="submit"), exception=EkycFailException.of(text, details), dag=None)


def test_the_message_is_handed_to_another_notifier() -> None:
    made: list[Chat] = []

    def to_chat(message: Message) -> Chat:
        made.append(Chat(message.text))
        return made[-1]

    EkycNotifier(send=to_chat)(failed_with("Top up. {{ 7 * 7 }}"))
    ((channel, text),) = made[0].sent
    assert channel == "#ops-submit"
    assert text.startswith("eKYC: submit of a_dag failed (balance); nothing was charged")
    assert "49" not in text


def test_a_function_may_send_it_itself() -> None:
    sent: list[Message] = []
    EkycNotifier(send=sent.append)(failed_with("Top up."))
    assert sent[0].failures[0].kind == "balance"


def test_airflow_knows_the_notifier() -> None:
    (name,) = get_provider_info()["notifications"]
    assert name == f"{EkycNotifier.__module__}.{EkycNotifier.__qualname__}"


def test_the_example_of_the_page_runs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()
    example = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    names: dict[str, Any] = {}
    exec(f"from airflow.sdk import DAG\n{example}", names)
    made = names["by_mail"](failure_message([Failure(dag_id="d", run_id="r", task_id="t", runbook="b")]))
    assert made.subject == "eKYC: t of d failed (not known); may have been charged"
