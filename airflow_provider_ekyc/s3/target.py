"""
Make a checked result visible in S3, whole or not at all, and recognise it again.

One ``PutObject`` shows an object at once or never, and so does the completion of an upload in parts, which a larger
object is. Without ``replace`` it carries ``If-None-Match: *``, so that S3 itself refuses a key that somebody else has
written to in the meantime. Not every store that speaks S3 knows this condition, and one that ignores it does not say
so. Therefore the key is looked at once more before the last bytes are sent, or beside the last parts, where ending the
upload still leaves nothing behind, and once after the store's answer.

An answer that is lost, or a refusal of our own second try, is settled by looking: the metadata names the remote
task of the object, and its size and SHA-256 show whether it is whole.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from airflow_provider_ekyc.exceptions import EkycError, EkycKeyTakenError
from airflow_provider_ekyc.s3.body import FileBody, FileWithDescriptor, UploadEndedError
from airflow_provider_ekyc.s3.errors import S3CallError
from airflow_provider_ekyc.s3.failures import is_settled, landing_error, unsettled
from airflow_provider_ekyc.s3.file_sums import FileSums
from airflow_provider_ekyc.s3.multipart import (
    PARTS_SHA256,
    MultipartUpload,
    connections_of,
    split,
)
from airflow_provider_ekyc.s3.object import S3Object
from airflow_provider_ekyc.s3.put_arguments import check_arguments
from airflow_provider_ekyc.s3.result_object import Landed, read_metadata
from airflow_provider_ekyc.s3.whole_object import difference

log = logging.getLogger(__name__)

#: Bytes of an object that is still one put: one request in place of five.
SINGLE_PUT = 16 * 1024**2

_CHECKSUM = "x-amz-checksum-sha256"
_PAID = "The submission is already paid for and will not be charged again."


@dataclass(frozen=True, slots=True)
class S3Target(S3Object):
    """The object in S3 that a result, or a list of numbers, is to become."""

    def find(self, ekyc_task_id: str, output_format: str, *, replace: bool) -> Landed | None:
        """
        Look at the key before any request to the API.

        ``extra_args`` are checked here, where a mistake has cost nothing yet.

        :param output_format: of the object that is looked for
        :param replace: whether another object there may be overwritten
        :return: what an earlier try has landed, and what is still whole; None if the key is free, or may be overwritten
        :raises EkycKeyTakenError: if another object is there, or ours is not what was landed; it says what
        :raises EkycLandingError: if S3 does not say it; a retry may help
        :raises EkycSettingsError: if S3 will not accept an object there
        """
        check_arguments(self)
        with ThreadPoolExecutor(1, "ekyc-list") as pool:
            # Beside the HEAD, which has no body: whether there is such a bucket, and such a user.
            listing = pool.submit(self.is_listed)
            try:
                found = self.head()
            except S3CallError as error:
                if error.problem.is_refused:
                    listing.result()
                raise self.not_looked_at(error) from None
        if not found:
            is_listed = listing.result()
            if found is not None:
                # So S3 answers for a key that is absent, too, when the connection may not list the bucket.
                log.warning("The AWS connection cannot read the metadata of %s (403); continuing.", self.uri)
                if is_listed and not replace:
                    raise self._hidden_object_error()
            return None
        landed = read_metadata(self.uri, found)
        if landed is None or not _is_result_of(landed, ekyc_task_id, output_format):
            if replace:
                return None
            raise self._key_taken_error(found, landed)
        differs = difference(self, found, landed)
        if differs is None:
            return landed
        if not replace:
            raise self._changed_object_error(differs, landed)
        log.warning("The object at %s %s: it was changed after it was landed. It is landed again.", self.uri, differs)
        return None

    def put(
        self,
        file: FileWithDescriptor,
        sums: FileSums,
        landed: Landed,
        *,
        content_type: str,
        replace: bool,
        confirm: Callable[[], Landed] | None = None,
        connections: int = 8,
    ) -> Landed:
        """
        Put the object at its key.

        :param file: what was checked, or made of it; it is read where it is, and not moved
        :param sums: of the file
        :param content_type: its media type, unless ``extra_args`` has one
        :param landed: what to remember in the object's metadata
        :param replace: overwrite what is there
        :param confirm: returns what is certain of ``landed``, which was likely; called before the object becomes
            visible, also more than once. If that is something else, an upload in parts begins anew. Its errors end it.
        :param connections: how many parts of a larger object are sent at a time
        :return: what is there now: ``landed``, or what another try of the same remote task has landed meanwhile
        :raises EkycKeyTakenError: if somebody else has written to the key in the meantime
        :raises EkycLandingError: if S3 did not accept it; a retry may help
        :raises EkycSettingsError: if S3 will not accept it
        """
        certain = confirm or (lambda: landed)
        arguments = {"ContentType": content_type, **self.extra_args}
        condition = {} if replace else {"IfNoneMatch": "*"}
        doing = f"accept {self.uri}"
        try:
            if sums.size <= SINGLE_PUT:
                answer = self._put_whole(file, certain(), arguments, condition)
            else:
                with connections_of(self.client, connections) as pool:
                    answer = self._put_parts(pool, file, sums, landed, certain, arguments, condition)
        except UploadEndedError as ended:
            if ended.failure is not None:
                raise ended.failure from None
            return self._settle(ended.found, landed, None)
        except S3CallError as error:
            problem = error.problem
            failure = landing_error(doing, problem)
            if is_settled(problem):
                raise failure from None
        else:
            return certain() if replace else self._look_after(certain(), answer["ETag"])
        try:
            found = self.look()
        except EkycError:
            if failure.retryable:
                raise unsettled(doing, problem.shown) from None
            raise failure from None
        is_taken = problem.is_taken and found is not None
        return self._settle(found or {}, landed, None if is_taken else failure)

    def _put_whole(
        self, file: FileWithDescriptor, landed: Landed, arguments: Mapping[str, Any], condition: Mapping[str, str]
    ) -> dict[str, Any]:
        self._name_checksums("PutObject")
        call = partial(self.call, "PutObject", **{**arguments, "Metadata": self._metadata(landed)}, **condition)
        look = self._look_before_the_end if condition else None
        sha256 = base64.b64encode(bytes.fromhex(landed.sha256)).decode()
        try:
            return call(Body=FileBody(file, 0, landed.size, look), ChecksumSHA256=sha256)
        except S3CallError as error:
            if not error.problem.may_lack_checksums:
                raise
        return call(Body=FileBody(file, 0, landed.size, look))

    def _put_parts(
        self,
        pool: ThreadPoolExecutor,
        file: FileWithDescriptor,
        sums: FileSums,
        landed: Landed,
        certain: Callable[[], Landed],
        arguments: Mapping[str, Any],
        condition: Mapping[str, str],
    ) -> dict[str, Any]:
        """Send the parts while the metadata is made certain, which S3 accepts only before them: again if it differs."""
        self._name_checksums("UploadPart")
        while True:
            metadata = self._metadata(landed) | {PARTS_SHA256: sums.of_parts}
            created_with = {**arguments, "Metadata": metadata}
            is_there, look = partial(self._has, landed), self.look if condition else None
            with MultipartUpload(self, created_with, file, split(sums), pool, is_there, look) as upload:
                upload.send()
                if certain() == landed:
                    return upload.complete(condition)
                upload.abort()
            landed = certain()

    def _metadata(self, landed: Landed) -> dict[str, str]:
        return {**(self.extra_args.get("Metadata") or {}), **landed.metadata()}

    def _has(self, landed: Landed) -> bool:
        """Return whether S3 says that this object is at the key."""
        try:
            found = self.head()
        except S3CallError:
            return False
        return read_metadata(self.uri, found or {}) == landed

    def _name_checksums(self, operation: str) -> None:
        """Have botocore sign the checksum of a body in place of the body, over https."""
        self.client.meta.events.register(
            f"before-call.s3.{operation}", _name_checksum, unique_id=f"ekyc-name-checksum-{operation}"
        )

    def _look_before_the_end(self, is_last: bool) -> None:
        """
        Look at the key once more before the last bytes are sent.

        Without TLS the client reads the body twice, the first time to sign it; then it is looked twice.
        """
        if not is_last:
            return
        try:
            found = self.look()
        except EkycError as error:
            raise UploadEndedError({}, error) from None
        if found:
            raise UploadEndedError(found)

    def _settle(self, found: Mapping[str, Any], landed: Landed, failure: EkycError | None) -> Landed:
        """
        Decide by what is at the key whether the result has landed, after an answer that leaves it open.

        :param found: S3's answer to a HEAD; ``{}`` if there is nothing, or nothing that may be read
        :param failure: what to raise if it has not; None if another object is certainly at the key
        """
        there = read_metadata(self.uri, found) if found else None
        if there is not None and _is_result_of(there, landed.ekyc_task_id, landed.output_format):
            is_same = there.sha256 == landed.sha256
            if is_same or failure is None:
                differs = difference(self, found, there)
                if differs is None and is_same:
                    log.info(
                        "S3 did not confirm that it accepted %s; the object is there, complete, and this task "
                        "uploaded it.",
                        self.uri,
                    )
                    return there
                if differs is None:
                    log.info("%s is there already: another try of this remote task has landed it meanwhile.", self.uri)
                    return there
                if failure is None:
                    raise self._changed_object_error(differs, there)
        if failure is not None:
            raise failure
        raise self._key_taken_error(found, there) if found else self._hidden_object_error()

    def _look_after(self, landed: Landed, etag: str) -> Landed:
        """
        Look whether what S3 has accepted is there, and not what another writer has put over it at the same moment.

        :param etag: of S3's answer
        """
        try:
            found = self.head()
        except S3CallError as error:
            shown, advice = error.problem.shown, error.problem.advice
            log.warning("S3 accepted %s; checking it afterwards failed (%s). %s", self.uri, shown, advice)
            return landed
        if found is None:
            raise unsettled(f"accept {self.uri}", "it accepted the object, and does not have it")
        there = read_metadata(self.uri, found) if found else None
        if not found or found.get("ETag") == etag or (there == landed and there.size == found["ContentLength"]):
            return landed
        return self._settle(found, landed, None)

    def _key_taken_error(self, found: Mapping[str, Any], landed: Landed | None) -> EkycKeyTakenError:
        what = (
            f"{landed.shown} of remote task {landed.ekyc_task_id}"
            if landed
            else "an object that is not a result of eKYC"
        )
        when = found.get("LastModified")
        written = f", written {when:%Y-%m-%d %H:%M:%S} UTC" if when else ""
        return EkycKeyTakenError(
            f"{self.uri} already contains {what} ({found.get('ContentLength', 0):,} bytes{written}). It was not "
            f"touched. Use another key (with the remote id in it each result has its own), or set replace=True, which "
            f"overwrites it and does not go with iceberg_table; then clear this task. {_PAID}"
        )

    def _changed_object_error(self, differs: str, landed: Landed) -> EkycKeyTakenError:
        return EkycKeyTakenError(
            f"{self.uri} is not what was landed: its metadata says that it is {landed.shown} of remote task "
            f"{landed.ekyc_task_id}, but it {differs}. It was changed afterwards, and was not touched. To land "
            f"the result again, set replace=True, or delete the object; then clear this task. {_PAID}"
        )

    def _hidden_object_error(self) -> EkycKeyTakenError:
        return EkycKeyTakenError(
            f"An object exists at {self.uri}, but the AWS connection cannot read its metadata (s3:GetObject), so it is "
            f"not known what it is. It was not touched. Let the connection read it, use another key, or set "
            f"replace=True; then clear this task. {_PAID}"
        )


def _name_checksum(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    """
    Name to botocore the header that has the body's checksum; where there is none, have it make none.

    Over https it signs that header instead of the body (``S3SigV4Auth``), but only looks for a checksum that it made
    itself; of ours it knows nothing, and reads the whole body once more.
    """
    context.pop("checksum", None)
    if _CHECKSUM in params["headers"]:
        context["checksum"] = {"request_algorithm": {"algorithm": "sha256", "in": "header", "name": _CHECKSUM}}


def _is_result_of(landed: Landed, ekyc_task_id: str, output_format: str) -> bool:
    return (landed.ekyc_task_id, landed.output_format) == (ekyc_task_id, output_format)
