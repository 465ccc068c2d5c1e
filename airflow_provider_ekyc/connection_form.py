"""
The connection form, from one source for every version of Airflow.

Airflow 3.2 and later reads ``conn-fields`` and ``ui-field-behaviour`` from the provider's info; older ones
call two methods of the hook. Both are built here.
"""

from __future__ import annotations

from typing import Any

#: name -> (label, description, JSON schema type). Order is the form's.
_FIELDS: dict[str, tuple[str, str, str]] = {
    "account": (
        "Account",
        "Label of the paying account; the connection's id if empty. Keep it when you rotate the key.",
        "string",
    ),
    "connect_timeout": ("Connect time-out", "Seconds to wait for a connection (10).", "number"),
    "read_timeout": (
        "Read time-out",
        "Seconds to wait for a whole answer, and for the next bytes of a result (60).",
        "number",
    ),
    "submit_timeout": (
        "Submit time-out",
        "Seconds to wait for the answer once an upload is complete (600).",
        "number",
    ),
    "result_hosts": (
        "Result hosts",
        "Where results may come from: hosts or origins with commas; Amazon S3 if empty.",
        "string",
    ),
    "row_limits": ("Row limits", "Rows per task type, such as amazon=100-10000000.", "string"),
    "prices": ("Prices", "Price of one number per task type, such as amazon=0.001.", "string"),
    "journal_uri": (
        "Journal URI",
        "Where submissions are remembered: s3://bucket/prefix, or a directory that all workers share.",
        "string",
    ),
    "console_url": (
        "Console URL",
        "Link to a remote task in the vendor's console, such as https://console.example/tasks/{ekyc_task_id}.",
        "string",
    ),
    "ca_file": ("CA file", "PEM file of the authorities to trust instead of the usual ones.", "string"),
    "verify": ("Verify TLS", "true (default) or false: whether to check certificates.", "string"),
    "proxy": ("Proxy", "URL of an HTTP proxy; the environment's if empty.", "string"),
}


def form_fields() -> dict[str, Any]:
    """Return the form's extra fields as ``conn-fields`` of the provider's info."""
    return {
        name: {"label": label, "description": description, "schema": {"type": [kind, "null"]}}
        for name, (label, description, kind) in _FIELDS.items()
    }


def form_behaviour() -> dict[str, Any]:
    """Return which standard fields are hidden, renamed and explained (``ui-field-behaviour``)."""
    return {
        "hidden_fields": ["schema", "login"],
        "relabeling": {"host": "Base URL", "password": "API key"},
        "placeholders": {
            "host": "https://api.ekycpro.com",
            # Shown, although few need it: 3.3's page sends an empty port as 0, and refuses to test another than that
            # which is stored.
            "port": "443 (needed for Test)",
            "password": "the X-API-Key of your account",
        },
    }


def form_widgets() -> dict[str, Any]:
    """
    Return the form's extra fields as WTForms fields, for Airflow below 3.2.

    Text fields all, numbers too: of another class than text, integer, boolean and password Airflow drops the
    whole connection type. The settings read numbers from text.
    """
    from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
    from flask_babel import lazy_gettext
    from wtforms import StringField
    from wtforms.validators import Optional

    return {
        name: StringField(
            lazy_gettext(label), widget=BS3TextFieldWidget(), description=description, validators=[Optional()]
        )
        for name, (label, description, _) in _FIELDS.items()
    }
