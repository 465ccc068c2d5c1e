"""A notifier for failed tasks of this package, which leaves the sending to any other notifier."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.airflow_sdk import BaseNotifier

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import Context
    from airflow_provider_ekyc.notifications.message import Message


class EkycNotifier(BaseNotifier):
    """
    Say in one message what failed, what was charged and what to do, with links to the log, the page and the runbook.

    For ``on_failure_callback`` and ``on_retry_callback`` of a task, and ``on_failure_callback`` of a DAG:

    .. code-block:: python

        from airflow.providers.smtp.notifications.smtp import SmtpNotifier
        from airflow_provider_ekyc.notifications.ekyc import EkycNotifier


        def by_mail(message):
            return SmtpNotifier(to="on-call@example.com", subject=message.subject, html_content=message.html)


        notify = EkycNotifier(send=by_mail)
        with DAG(..., default_args={"on_failure_callback": notify}):
            ...

    The message holds ids, counts and amounts, and the failure's own sentences: never a phone number or a key.

    :param send: is given the :class:`~airflow_provider_ekyc.notifications.message.Message` (``subject``, ``text``,
        ``html``, ``failures``), and returns the notifier that sends it, or any other callable that takes a context; or
        sends it itself and returns None. It is called for each failure, so it is not templated
    """

    def __init__(self, send: Callable[[Message], Callable[[Any], object] | None]) -> None:
        super().__init__()
        self.send = send

    def notify(self, context: Context) -> None:
        """
        Send the message. Airflow logs an error of it, and the task's own outcome stays as it is.

        :param context: what Airflow gives to a callback
        """
        from airflow_provider_ekyc.notifications.failures import read_failures
        from airflow_provider_ekyc.notifications.message import failure_message

        notifier = self.send(failure_message(read_failures(context)))
        if notifier is not None:
            notifier(context)
