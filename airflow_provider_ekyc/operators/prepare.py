"""Operator that makes files that can be submitted out of lists as people have them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

from airflow_provider_ekyc.airflow_errors import airflow_errors
from airflow_provider_ekyc.airflow_sdk import BaseOperator
from airflow_provider_ekyc.arguments import read_bool, read_choice, read_count, read_task_type, read_text
from airflow_provider_ekyc.hooks.ekyc import EkycHook
from airflow_provider_ekyc.xcom_keys import PREPARATION

if TYPE_CHECKING:
    from airflow_provider_ekyc.airflow_sdk import Context, ObjectStoragePath, XComArg
    from airflow_provider_ekyc.history.freshness import Freshness
    from airflow_provider_ekyc.numbers.distinct_numbers import DistinctNumbers
    from airflow_provider_ekyc.preparation.destinations import Connections
    from airflow_provider_ekyc.preparation.job import PreparationJob

#: Values of an argument that stand for none: a template that found nothing returns text.
_NOTHING = (None, "", "None")

#: Arguments that decide what is prepared, beside those that are read first.
_WHAT_IS_PREPARED = (
    "sql",
    "conn_id",
    "column",
    "delimiter",
    "header",
    "encoding",
    "sheet",
    "ekyc_task_type",
    "ekyc_conn_id",
    "max_rows",
    "skip_verified_within",
    "history_uri",
    "history_table",
    "iceberg_conn_id",
)


class EkycPrepareNumbersOperator(BaseOperator):
    """
    Make files that can be submitted out of lists of phone numbers; nothing is sent or charged.

    Reads text, CSV, Parquet or Excel files, or the rows of an SQL query; tidies the numbers, leaves out duplicates and
    invalid rows and, with ``skip_verified_within``, numbers that were verified recently; divides the rest into files
    of even size, none above ``max_rows`` and none below the API's minimum. Numbers keep the order of the lists. The
    lists are never loaded into memory as a whole; spool files on disk have no name.

    Returns the URIs of the files, for ``EkycSubmitOperator.partial(...).expand(numbers=...)``; an empty list if there
    is nothing to verify, which skips the mapped tasks. A second XCom, ``preparation``, holds counts, files, the URI of
    the manifest, and money. Neither holds a number.

    Files are named by their content. The manifest is written last. A retry or a clear that finds the manifest of its
    own task instance returns the same files without reading the lists again, because they may have been submitted; it
    fails if they exceed ``max_total_rows`` or ``max_cost`` as these are now.

    :param numbers: what to read: a local path, an ``s3://`` address, or any URI that Airflow's object storage opens,
        as text, a ``Path`` or an ``ObjectStoragePath``; a glob, or a prefix that ends with ``/``; or a list of these
        (templated)
    :param sql: query to read instead, one number a row (templated)
    :param conn_id: Airflow connection of the database for ``sql`` (templated)
    :param destination_uri: where the files and the manifest are written: a directory that all workers share,
        ``s3://bucket/prefix``, or any URI that Airflow's object storage opens (templated)
    :param column: column with the numbers, by name, or by position from 1 on; needed if there are several (templated)
    :param delimiter: of CSV, one character; by default found in the first row (templated)
    :param header: whether the first row has the names of the columns; by default found out (templated)
    :param encoding: of text and CSV, default UTF-8, or UTF-16 with its byte order mark (templated)
    :param sheet: of a workbook, by name; needed if there are several (templated)
    :param normalise: whether numbers in other forms are tidied (templated)
    :param default_region: region of numbers without a country code, such as ``US``; needs the extra ``phonenumbers``
        (templated)
    :param invalid: ``drop`` (default) leaves invalid rows out and counts them by reason; ``fail`` fails the task
        (templated)
    :param rejects_uri: file to write the rejected rows to, as CSV with file, row, reason and value; it holds numbers
        (templated)
    :param task_type: what will be verified (templated)
    :param ekyc_conn_id: Airflow connection of type ``ekyc``, for row limits, prices and the balance (templated)
    :param aws_conn_id: Airflow connection to read and write ``s3://`` addresses with (templated)
    :param numbers_conn_id: Airflow connection to read and write other URIs with (templated)
    :param max_rows: most rows of a file; default the connection's row limit (templated)
    :param max_total_rows: most rows of all files together; default no limit (templated)
    :param max_cost: most that all files together may cost, in the unit of the connection's prices; default no limit
        (templated)
    :param min_balance_after: balance that must be left after all files were paid for, in the same unit; default none
        (templated)
    :param skip_verified_within: how long an answer counts: a ``timedelta`` or seconds, or a mapping of ``yes``, ``no``
        and ``unknown`` to these; default: every number is verified (templated)
    :param history_uri: prefix of the Parquet files that ``EkycResultsToS3Operator`` has landed (templated)
    :param history_table: Iceberg table of them, instead (templated)
    :param iceberg_conn_id: Airflow connection of the catalog of ``history_table`` (templated)
    :param count_stale: whether to read all of the history, so that the report tells stale numbers from new ones
        (templated)
    :param encrypt: whether S3 encrypts what is written with its own key, AES256 (templated)
    :param s3_extra_args: further arguments of S3's ``PutObject`` (templated)
    :param spool_dir: directory for the spool files, default the system's (templated)
    """

    template_fields: Sequence[str] = (
        "numbers",
        "sql",
        "conn_id",
        "destination_uri",
        "column",
        "delimiter",
        "header",
        "encoding",
        "sheet",
        "normalise",
        "default_region",
        "invalid",
        "rejects_uri",
        "ekyc_task_type",
        "ekyc_conn_id",
        "aws_conn_id",
        "numbers_conn_id",
        "max_rows",
        "max_total_rows",
        "max_cost",
        "min_balance_after",
        "skip_verified_within",
        "history_uri",
        "history_table",
        "iceberg_conn_id",
        "count_stale",
        "encrypt",
        "s3_extra_args",
        "spool_dir",
    )
    template_ext: Sequence[str] = (".sql",)
    ui_color = "#f0ecd8"

    def __init__(
        self,
        *,
        destination_uri: str | PathLike[str] | ObjectStoragePath,
        numbers: str
        | PathLike[str]
        | ObjectStoragePath
        | Sequence[str | PathLike[str] | ObjectStoragePath]
        | XComArg
        | None = None,
        sql: str | None = None,
        conn_id: str | None = None,
        column: str | int | None = None,
        delimiter: str | None = None,
        header: bool | str | None = None,
        encoding: str | None = None,
        sheet: str | None = None,
        normalise: bool | str = False,
        default_region: str | None = None,
        invalid: str = "drop",
        rejects_uri: str | PathLike[str] | ObjectStoragePath | None = None,
        task_type: str = "amazon",
        ekyc_conn_id: str = EkycHook.default_conn_name,
        aws_conn_id: str | None = "aws_default",
        numbers_conn_id: str | None = None,
        max_rows: int | str | None = None,
        max_total_rows: int | str | None = None,
        max_cost: float | str | None = None,
        min_balance_after: float | str | None = None,
        skip_verified_within: timedelta | float | str | Mapping[str, timedelta | float | str | None] | None = None,
        history_uri: str | PathLike[str] | ObjectStoragePath | None = None,
        history_table: str | None = None,
        iceberg_conn_id: str = "iceberg_default",
        count_stale: bool | str = False,
        encrypt: bool | str = False,
        s3_extra_args: Mapping[str, Any] | None = None,
        spool_dir: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.numbers = numbers
        self.sql = sql
        self.conn_id = conn_id
        self.destination_uri = destination_uri
        self.column = column
        self.delimiter = delimiter
        self.header = header
        self.encoding = encoding
        self.sheet = sheet
        self.normalise = normalise
        self.default_region = default_region
        self.invalid = invalid
        self.rejects_uri = rejects_uri
        self.ekyc_task_type = task_type  # task_type itself is Airflow's name for the operator's class
        self.ekyc_conn_id = ekyc_conn_id
        self.aws_conn_id = aws_conn_id
        self.numbers_conn_id = numbers_conn_id
        self.max_rows = max_rows
        self.max_total_rows = max_total_rows
        self.max_cost = max_cost
        self.min_balance_after = min_balance_after
        self.skip_verified_within = skip_verified_within
        self.history_uri = history_uri
        self.history_table = history_table
        self.iceberg_conn_id = iceberg_conn_id
        self.count_stale = count_stale
        self.encrypt = encrypt
        self.s3_extra_args = s3_extra_args
        self.spool_dir = spool_dir
        # A template or a task upstream may turn a limit into None, which must not mean "no limit".
        limits = {"max_total_rows": max_total_rows, "max_cost": max_cost, "min_balance_after": min_balance_after}
        self._limited_by = [name for name, limit in limits.items() if limit is not None]
        self._skips_verified = skip_verified_within is not None  # for the same reason
        self._killed = False

    def execute(self, context: Context) -> list[str]:
        """Prepare the lists and return the URIs of the files."""
        from airflow_provider_ekyc.preparation.memory import memory_errors
        from airflow_provider_ekyc.tracing import task_span

        with airflow_errors(self, context), task_span("ekyc.prepare", context.get("ti")) as step, memory_errors():
            job = self._job(context)
            manifest = job.run()
            step.set(files=len(manifest.files), rows=sum(file.rows for file in manifest.files))
        uris = [job.destination.uri(file.name) for file in manifest.files]
        context["ti"].xcom_push(
            key=PREPARATION,
            value={
                **manifest.report,
                "files": [
                    {"uri": uri, "rows": file.rows, "bytes": file.bytes}
                    for uri, file in zip(uris, manifest.files, strict=True)
                ],
                "manifest_uri": job.manifest.uri if uris else None,
                "rejects_uri": None if job.rejects is None else job.rejects.uri,
            },
        )
        return uris

    def on_kill(self) -> None:
        """Write no manifest from now on, so that a part of a list is never taken for the whole."""
        self._killed = True
        self.log.warning("Killed. Nothing was submitted or charged. A retry prepares the list again.")

    def _job(self, context: Context) -> PreparationJob:
        """Read the arguments, before any list is read."""
        from airflow_provider_ekyc.preparation.destinations import Connections, Target, open_destination
        from airflow_provider_ekyc.preparation.job import PreparationJob
        from airflow_provider_ekyc.preparation.lists import ListArguments
        from airflow_provider_ekyc.preparation.money import ListMoney
        from airflow_provider_ekyc.preparation.tidy import Tidier
        from airflow_provider_ekyc.s3.put_arguments import read_extra_args
        from airflow_provider_ekyc.submission.identity import identity_of
        from airflow_provider_ekyc.submission.spending import SpendingLimits

        numbers = _listed(self.numbers)
        task_type = read_task_type(self.ekyc_task_type)
        normalise = read_bool("normalise", self.normalise)
        invalid = read_choice("invalid", self.invalid, ("drop", "fail"))
        limits = SpendingLimits.read(
            max_rows=self.max_total_rows,
            max_cost=self.max_cost,
            min_balance_after=self.min_balance_after,
            rows_argument="max_total_rows",
            given=self._limited_by,
        )
        hook = EkycHook(self.ekyc_conn_id)
        least, most = hook.settings.limits(task_type)
        if self.max_rows is not None:
            most = read_count("max_rows", self.max_rows, least=least, most=most)
        reached_with = Connections(
            self.aws_conn_id or None, self.numbers_conn_id or None, read_extra_args(self.s3_extra_args, self.encrypt)
        )
        destination = open_destination("destination_uri", self.destination_uri, reached_with)
        rejects = None
        if self.rejects_uri not in _NOTHING:
            rejects = Target.open("rejects_uri", self.rejects_uri, reached_with)
        lists = ListArguments(
            numbers=numbers,
            sql=self.sql,
            conn_id=self.conn_id,
            column=self.column,
            delimiter=self.delimiter,
            header=self.header,
            encoding=self.encoding,
            sheet=self.sheet,
            aws_conn_id=reached_with.aws_conn_id,
            numbers_conn_id=reached_with.numbers_conn_id,
            spool_dir=self.spool_dir or None,
        )
        region = None if self.default_region in _NOTHING else read_text("default_region", self.default_region)
        identity = identity_of(context["ti"], context.get("loop"), context.get("dag_run"))
        task = digest_of(identity.digest, identity.map_index)
        # Before the digest, which can't sort the keys of a mapping that is refused here: YAML's yes is a boolean.
        find_fresh = self._find_fresh(task_type, reached_with)
        return PreparationJob(
            lists=lists,
            tidier=Tidier(normalise, region),
            drop_invalid=invalid == "drop",
            min_rows=least,
            max_rows=most,
            destination=destination,
            manifest=Target(destination, f"manifest-{task}.json"),
            task=task,
            try_number=identity.try_number,
            arguments=digest_of(
                *(getattr(self, name) for name in _WHAT_IS_PREPARED), numbers, normalise, invalid, region
            ),
            rejects=rejects,
            find_fresh=find_fresh,
            money=ListMoney(hook, limits, task_type, hook.settings.price(task_type)),
            spool_dir=self.spool_dir or None,
            killed=lambda: self._killed,
        )

    def _find_fresh(self, task_type: str, reached_with: Connections) -> Callable[[DistinctNumbers], Freshness] | None:
        from airflow_provider_ekyc.preparation.verified_before import VerifiedBefore, read_history

        if self._skips_verified and self.skip_verified_within in _NOTHING:
            read_text("skip_verified_within", None)  # raises: otherwise each number would be verified, and charged
        count_stale = read_bool("count_stale", self.count_stale)
        history = read_history(
            self.skip_verified_within,
            self.history_uri,
            self.history_table,
            iceberg_conn_id=self.iceberg_conn_id,
            aws_conn_id=reached_with.aws_conn_id,
            numbers_conn_id=reached_with.numbers_conn_id,
        )
        if history is None:
            return None
        windows, source = history
        now = partial(datetime.now, UTC)
        return VerifiedBefore(source, windows, task_type, now, count_stale, self.spool_dir or None).leave_out_fresh


def _listed(numbers: object) -> object:
    """Return a list for what the XCom of a mapped task is: a sequence of its own kind, whose text shows no content."""
    if isinstance(numbers, str | bytes | PathLike) or hasattr(numbers, "protocol") or not isinstance(numbers, Iterable):
        return numbers
    return list(numbers)


def digest_of(*parts: object) -> str:
    """Return sixteen hex digits for values of arguments, each by its text."""
    return hashlib.sha256(json.dumps(parts, default=str, sort_keys=True).encode()).hexdigest()[:16]
