"""Where the runbook's entry for a failure is. Light: Airflow's configuration is read when an entry is asked for."""

from __future__ import annotations

import logging
import re

log = logging.getLogger(__name__)

#: The runbook of this project, if ``[ekyc] runbook_url`` of Airflow's configuration names no other.
DEFAULT_RUNBOOK = "docs/runbook.md"

#: Section and option of Airflow's configuration.
SECTION, OPTION = "ekyc", "runbook_url"

#: The entry for a failure whose kind has none.
UNEXPECTED = "unexpected"


def runbook_entry(kind: str) -> str:
    """
    Return the address of the entry for a kind of failure: ``<runbook_url>#<kind>``.

    :param kind: a kind of ``docs/failures.md``; what can't be one gives the entry of :data:`UNEXPECTED`
    """
    anchor = kind if re.fullmatch(r"[a-z0-9_]{1,40}", kind) else UNEXPECTED
    return f"{runbook_url()}#{anchor}"


def runbook_url() -> str:
    """Return ``[ekyc] runbook_url`` of Airflow's configuration without a fragment, or :data:`DEFAULT_RUNBOOK`."""
    from airflow_provider_ekyc.airflow_sdk import conf

    try:
        url = conf.get(SECTION, OPTION, fallback=DEFAULT_RUNBOOK)
    except Exception as error:  # noqa: BLE001  # a command or a secrets backend that is to give the option fails
        log.warning("Option %s of section %s can't be read (%s).", OPTION, SECTION, type(error).__name__)
        return DEFAULT_RUNBOOK
    # On one line, so that a message stays one.
    return "".join(str(url or "").split()).partition("#")[0] or DEFAULT_RUNBOOK
