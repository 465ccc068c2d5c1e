"""What a failure of S3 means for a result: whether a retry may help, and what to do."""

from __future__ import annotations

from airflow_provider_ekyc.exceptions import EkycError, EkycLandingError, EkycSettingsError
from airflow_provider_ekyc.s3.errors import S3Problem

_KEPT = "The result was not landed. The submission is already paid for and will not be charged again."
_AGAIN = "Then clear this task, which requests the result again."

#: Calls that show no object, so that one that has failed, or whose answer was lost, leaves nothing open.
_SHOWS_NOTHING = frozenset({"CreateMultipartUpload", "UploadPart"})


def is_settled(problem: S3Problem) -> bool:
    """Return whether it is certain that the call has shown no object at the key."""
    if problem.operation in _SHOWS_NOTHING or problem.arguments:
        return True
    if problem.status:
        # NoSuchUpload may be the answer to a second completion, after the first one's answer was lost.
        return problem.is_refused and not problem.is_taken and problem.code != "NoSuchUpload"
    return not problem.retryable


def landing_error(doing: str, problem: S3Problem) -> EkycError:
    """
    Return the error that says what a failed call means.

    :param doing: what was requested, such as ``accept s3://bucket/key``
    """
    if problem.arguments:
        return EkycSettingsError(
            f"The S3 client does not accept its arguments: {problem.arguments} {_KEPT} A retry can't help. Correct "
            f"s3_bucket, s3_key or s3_extra_args, then clear this task."
        )
    if not problem.status and not problem.retryable:
        return EkycSettingsError(
            f"S3 was not asked to {doing} ({problem.shown}). {_KEPT} A retry can't help. {problem.advice} {_AGAIN}"
        )
    if not problem.status and not is_settled(problem):
        return unsettled(doing, problem.shown, problem.advice)
    shown = problem.shown if problem.status else f"{problem.operation}: {problem.shown}"
    answer = f"S3 did not {doing} ({shown})."
    is_write = problem.operation in ("PutObject", "CreateMultipartUpload", "CompleteMultipartUpload")
    if problem.status == 501 and is_write and problem.operation != "CreateMultipartUpload":  # which has no condition
        return EkycSettingsError(
            f"{answer} {_KEPT} A retry can't help: this store lacks something. Without replace an upload asks for "
            f"If-None-Match, which not every store knows: set replace=True, or correct s3_extra_args; then clear this "
            f"task, which requests the result again."
        )
    if problem.retryable:
        return EkycLandingError(f"{answer} {_KEPT} A retry may help; it requests the result again. {problem.advice}")
    arguments = " Check s3_extra_args too." if is_write else ""
    return EkycSettingsError(f"{answer} {_KEPT} A retry can't help. {problem.advice}{arguments} {_AGAIN}")


def unsettled(doing: str, why: str, advice: str = "Check the endpoint_url of the AWS connection.") -> EkycLandingError:
    """Return the error that says that it is not known whether S3 did what was requested."""
    return EkycLandingError(
        f"S3 did not {doing}, or its answer was lost ({why}). The submission is already paid for and will not be "
        f"charged again. A retry first checks the key, and does not land it twice. {advice}"
    )
