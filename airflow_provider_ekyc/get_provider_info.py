"""What Airflow asks of a provider package. Light: it runs in every component and in the CLI."""

from __future__ import annotations

from typing import Any

from airflow_provider_ekyc import __version__
from airflow_provider_ekyc.connection_form import form_behaviour, form_fields

_NAME = "eKYC"


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata, for the entry point ``apache_airflow_provider``."""
    behaviour = form_behaviour()
    return {
        "package-name": "airflow-provider-ekyc",
        "name": _NAME,
        "description": "Bulk verification of phone numbers with the eKYC API.",
        "versions": [__version__],
        "integrations": [
            {"integration-name": _NAME, "external-doc-url": "https://api.ekycpro.com", "tags": ["service"]}
        ],
        "hooks": [{"integration-name": _NAME, "python-modules": ["airflow_provider_ekyc.hooks.ekyc"]}],
        "operators": [{"integration-name": _NAME, "python-modules": ["airflow_provider_ekyc.operators.ekyc"]}],
        "sensors": [{"integration-name": _NAME, "python-modules": ["airflow_provider_ekyc.sensors.ekyc"]}],
        "triggers": [{"integration-name": _NAME, "python-modules": ["airflow_provider_ekyc.triggers.ekyc"]}],
        "transfers": [
            {
                "source-integration-name": _NAME,
                "target-integration-name": "Amazon Simple Storage Service (S3)",
                "python-module": "airflow_provider_ekyc.transfers.ekyc_to_s3",
            }
        ],
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
