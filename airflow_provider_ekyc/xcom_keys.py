"""
The keys of the XComs of this package's tasks: what a page, a callback or another task reads them by.

No value holds a phone number, an API key or the query of a URL. Airflow clears a task's XComs when its next try begins.
"""

from __future__ import annotations

#: Of ``EkycSubmitOperator``: what was submitted, in ids and counts.
SUBMISSION = "submission"
#: Of ``EkycResultsToS3Operator``: what has landed, in ids and counts.
RESULT = "result"
#: Of ``EkycPrepareNumbersOperator``: files, counts and money.
PREPARATION = "preparation"
#: Of submit, sensor and transfer when they have succeeded: one line of text.
SUMMARY = "summary"
#: Of ``EkycTaskSensor`` while it waits: how far the remote task is; overwritten at each query.
PROGRESS = "progress"
#: Of ``EkycSubmitOperator``: a submission that is about to be sent, or was sent with an unknown outcome. It stays when
#: the task succeeds: look at the task's state and at :data:`SUBMISSION`.
UNSETTLED = "unsettled"
#: Of each task of this package that has failed with an error of this package: what is known of it.
FAILURE = "failure"

#: Airflow keeps the link of an operator under such a key. Of submit and sensor: the vendor's console, if the connection
#: has a ``console_url``.
CONSOLE_LINK = "_link_EkycConsoleLink"
#: Of submit and sensor: the task's row of the page.
PAGE_LINK = "_link_EkycPageLink"
#: Of ``EkycResultsToS3Operator``: the object, in the AWS console or at the store's own address.
OBJECT_LINK = "_link_EkycObjectLink"
