"""What is public, by name: the list that ``docs/public_api.md`` shows and that its test holds the code against."""

from __future__ import annotations

#: Class or function -> the module that it is imported from.
OPERATORS = {
    "EkycPrepareNumbersOperator": "airflow_provider_ekyc.operators.prepare",
    "EkycSubmitOperator": "airflow_provider_ekyc.operators.ekyc",
    "EkycTaskSensor": "airflow_provider_ekyc.sensors.ekyc",
    "EkycResultsToS3Operator": "airflow_provider_ekyc.transfers.ekyc_to_s3",
}
#: With public parameters alone.
CALLABLES = {
    "verify_numbers": "airflow_provider_ekyc.task_groups.verify",
    "EkycTaskTrigger": "airflow_provider_ekyc.triggers.ekyc",
    "EkycNotifier": "airflow_provider_ekyc.notifications.ekyc",
}
#: With public parameters, methods and properties.
CLASSES = {
    "EkycHook": "airflow_provider_ekyc.hooks.ekyc",
    "Sandbox": "airflow_provider_ekyc.sandbox",
}
#: What the methods above return or take, and what a callback is given: with public fields.
RECORDS = {
    "Balance": "airflow_provider_ekyc.api.models",
    "Task": "airflow_provider_ekyc.api.models",
    "Message": "airflow_provider_ekyc.notifications.message",
    "Settings": "airflow_provider_ekyc.sandbox",
    "Fault": "airflow_provider_ekyc.sandbox",
}
#: Classes whose name is what is public: Airflow stores it, or a callback catches it.
NAMED = {
    "EKYC_RETRY_POLICY": "airflow_provider_ekyc.retry_policy",
    "VerifyNumbersGroup": "airflow_provider_ekyc.task_groups.verify",
    "EkycConsoleLink": "airflow_provider_ekyc.links.ekyc",
    "EkycObjectLink": "airflow_provider_ekyc.links.ekyc",
    "EkycPageLink": "airflow_provider_ekyc.links.ekyc",
    "expected_answer": "airflow_provider_ekyc.sandbox",
    "EkycFailException": "airflow_provider_ekyc.airflow_errors",
    "EkycRetryException": "airflow_provider_ekyc.airflow_errors",
    "EkycSensorTimeout": "airflow_provider_ekyc.airflow_errors",
    "EkycTaskTimeout": "airflow_provider_ekyc.airflow_errors",
}
EXCEPTIONS = "airflow_provider_ekyc.exceptions"

#: What is in the modules of the provider's metadata, and not public.
NOT_PUBLIC = {
    "address_of_row": "makes the address behind EkycPageLink",
    "digest_of": "is shared by the modules of the preparation",
    "show": "stores the address behind a link",
    "show_console": "stores the address behind EkycConsoleLink",
    "show_row": "stores the address behind EkycPageLink",
}
