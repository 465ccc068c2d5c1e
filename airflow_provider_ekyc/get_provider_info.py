"""What Airflow asks of a provider package. Light: it runs in every component and in the CLI."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from airflow_provider_ekyc import __version__
from airflow_provider_ekyc.connection_form import form_behaviour, form_fields

_NAME = "eKYC"

#: Paths in this project's repository: Airflow's schema of this metadata asks for a path that begins with ``/docs/``.
_GUIDES = [
    f"/docs/{page}.md"
    for page in ("connection", "task_group", "prepare", "submit", "sensor", "results", "iceberg", "monitoring")
]

#: Section ``[ekyc]`` of Airflow's configuration, or ``AIRFLOW__EKYC__JOURNAL_URI`` and so on.
_CONFIG: dict[str, Any] = {
    "ekyc": {
        "description": "Settings of the eKYC provider for the whole deployment.",
        "options": {
            "journal_uri": {
                "description": (
                    "Where submissions are remembered, so that none is paid twice, if neither the task nor its\n"
                    "connection names a place: an S3 address, or an absolute path that all workers share.\n"
                ),
                "version_added": "0.1.0",
                "type": "string",
                "example": "s3://my-bucket/ekyc-journal",
                "default": "",
            },
            "journal_conn_id": {
                "description": "Airflow connection to reach an S3 address in journal_uri with.\n",
                "version_added": "0.1.0",
                "type": "string",
                "example": "aws_default",
                "default": "",
            },
            "freeze_heap": {
                "description": (
                    "Whether the first wait in a triggerer, and each 500 waits at once more than ever before, leave\n"
                    "what the process has by then out of Python's garbage collections (gc.freeze), each of which\n"
                    "stops all triggers of the process until it ends.\n"
                ),
                "version_added": "0.1.0",
                "type": "boolean",
                "example": None,
                "default": "True",
            },
            "page": {
                "description": "Whether the web UI has the page eKYC (Airflow 3.1 and later).\n",
                "version_added": "0.1.0",
                "type": "boolean",
                "example": None,
                "default": "True",
            },
            "runbook_url": {
                "description": (
                    "Address of the runbook that messages name, each with the kind of its failure behind a #.\n"
                    "By default the page docs/runbook.md of this provider.\n"
                ),
                "version_added": "0.1.0",
                "type": "string",
                "example": "https://wiki.example/ekyc-runbook",
                "default": "",
            },
        },
    }
}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, for the entry point ``apache_airflow_provider``."""
    behaviour = form_behaviour()
    return {
        "package-name": "airflow-provider-ekyc",
        "name": _NAME,
        "description": "Bulk verification of phone numbers with the eKYC API.",
        "versions": [__version__],
        "integrations": [
            {
                "integration-name": _NAME,
                "external-doc-url": "https://api.ekycpro.com",
                "how-to-guide": list(_GUIDES),
                "tags": ["service"],
            }
        ],
        "hooks": [{"integration-name": _NAME, "python-modules": ["airflow_provider_ekyc.hooks.ekyc"]}],
        "operators": [
            {
                "integration-name": _NAME,
                "python-modules": ["airflow_provider_ekyc.operators.ekyc", "airflow_provider_ekyc.operators.prepare"],
            }
        ],
        "sensors": [{"integration-name": _NAME, "python-modules": ["airflow_provider_ekyc.sensors.ekyc"]}],
        "triggers": [{"integration-name": _NAME, "python-modules": ["airflow_provider_ekyc.triggers.ekyc"]}],
        "transfers": [
            {
                "source-integration-name": _NAME,
                "target-integration-name": "Amazon Simple Storage Service (S3)",
                "how-to-guide": "/docs/results.md",
                "python-module": "airflow_provider_ekyc.transfers.ekyc_to_s3",
            }
        ],
        "notifications": ["airflow_provider_ekyc.notifications.ekyc.EkycNotifier"],
        "extra-links": [
            "airflow_provider_ekyc.links.ekyc.EkycConsoleLink",
            "airflow_provider_ekyc.links.ekyc.EkycObjectLink",
            "airflow_provider_ekyc.links.ekyc.EkycPageLink",
        ],
        "config": deepcopy(_CONFIG),
        "connection-types": [
            {
                "connection-type": "ekyc",
                "hook-class-name": "airflow_provider_ekyc.hooks.ekyc.EkycHook",
                "hook-name": _NAME,
                "ui-field-behaviour": {
                    "hidden-fields": behaviour["hidden_fields"],
                    "relabeling": behaviour["relabeling"],
                    "placeholders": behaviour["placeholders"],
                },
                "conn-fields": form_fields(),
            }
        ],
    }
