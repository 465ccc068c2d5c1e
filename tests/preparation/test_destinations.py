"""
Where files are written: a directory, S3, and what Airflow's object storage opens.

``preparation/destination.py``, ``preparation/destinations.py``, ``preparation/local_destination.py``,
``preparation/s3_destination.py``, ``preparation/stored_destination.py``.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import Credentials

from airflow_provider_ekyc.airflow_sdk import ObjectStoragePath
from airflow_provider_ekyc.exceptions import Charge, EkycDestinationError, EkycSettingsError, EkycSignInError
from airflow_provider_ekyc.preparation import local_destination, s3_destination
from airflow_provider_ekyc.preparation.destination import Destination, check_size
from airflow_provider_ekyc.preparation.destinations import Connections, Target, open_destination
from airflow_provider_ekyc.preparation.local_destination import LocalDestination
from airflow_provider_ekyc.preparation.stored_destination import StoredDestination
from airflow_provider_ekyc.s3.file_sums import sums_of
from airflow_provider_ekyc.spool import spool_file
from dev.stack.s3_server import S3Server
from dev.testing.s3_relay import S3Fault, S3Relay
from tests.conftest import BUCKET, aws_connection

CONTENT = b"+9995550100123\n" * 1000


def opened(uri: object, **extra_args: Any) -> Destination:
    destination = open_destination("destination_uri", uri, Connections("aws_default", None, extra_args))
    destination.prepare()
    return destination


def write(destination: Destination, name: str = "a.txt", content: bytes = CONTENT) -> None:
    with spool_file(None) as spool:
        spool.write(content)
        destination.write(name, spool, sums_of(spool), "text/plain")


def fails(destination: Destination) -> EkycDestinationError:
    with pytest.raises(EkycDestinationError) as failed:
        write(destination)
    assert failed.value.charge is Charge.NONE
    assert "Nothing was submitted or charged." in str(failed.value)
    assert failed.value.__cause__ is None
    return failed.value


@pytest.fixture
def s3_relay(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Relay]:
    with S3Relay(s3_server.endpoint_url) as relay:
        connection = json.loads(aws_connection(s3_server))
        connection["extra"]["endpoint_url"] = relay.endpoint_url
        connection["extra"]["config_kwargs"] = {"retries": {"max_attempts": 1}}
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
        yield relay


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize("place", ["{folder}/ready", "file://{folder}/ready/", "local://{folder}/ready", "s3://bucket"])
def test_what_is_written_is_read_and_replaced(place: str, tmp_path: Path, s3: Any) -> None:
    place = place.replace("s3://bucket", f"s3://{BUCKET}/ready")
    destination = opened(place.format(folder=tmp_path))
    assert (destination.read("a.txt"), destination.size("a.txt")) == (None, None)
    write(destination, content=b"before")
    write(destination)
    assert (destination.read("a.txt"), destination.size("a.txt")) == (CONTENT, len(CONTENT))
    assert destination.uri("a.txt").endswith("/ready/a.txt")


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize("place", ["{folder}/ready", "local://{folder}/ready", "s3://bucket"])
def test_what_is_created_replaces_nothing(place: str, tmp_path: Path, s3: Any) -> None:
    place = place.replace("s3://bucket", f"s3://{BUCKET}/ready")
    destination = opened(place.format(folder=tmp_path))
    assert destination.create("a.json", b"first")
    assert not destination.create("a.json", b"second")
    assert destination.read("a.json") == b"first"


def test_what_is_created_by_another_in_the_last_moment_is_not_replaced(s3: Any, s3_relay: S3Relay) -> None:
    def create() -> None:
        s3.put_object(Bucket=BUCKET, Key="ready/a.json", Body=b"another")

    destination = opened(f"s3://{BUCKET}/ready")
    s3_relay.faults.append(S3Fault("put", "before", act=create))
    assert not destination.create("a.json", b"ours")
    assert destination.read("a.json") == b"another"


def test_a_store_that_knows_no_conditions(s3: Any, s3_relay: S3Relay, s3_server: S3Server) -> None:
    destination = opened(f"s3://{BUCKET}/ready")
    s3_relay.faults.append(S3Fault("put", "status", status=501, code="NotImplemented"))
    assert destination.create("a.json", b"first")
    assert not destination.create("a.json", b"second")
    s3_relay.ignores_conditions = Credentials(s3_server.access_key, s3_server.secret_key)
    assert destination.create("b.json", b"first")
    assert not destination.create("b.json", b"second")
    assert (destination.read("a.json"), destination.read("b.json")) == (b"first", b"first")


def killed_while_it_writes(destination: Destination) -> None:
    killed_while(lambda: write(destination))


def killed_while(writes: Callable[[], object]) -> None:
    """Let another process write a file, which is killed when its content is there."""
    child = os.fork()
    if not child:
        os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
        writes()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def test_a_kill_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    os.close(os.open(tmp_path, os.O_TMPFILE | os.O_WRONLY))  # as most file systems know it
    killed_while_it_writes(opened(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_knows_no_files_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = os.open

    def open_named(path: Any, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")
        return opening(path, flags, mode)

    monkeypatch.setattr(os, "open", open_named)
    destination = opened(tmp_path)
    write(destination)
    write(destination, content=b"again")
    assert destination.create("a.json", b"first")
    assert not destination.create("a.json", b"second")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.txt": b"again", "a.json": b"first"}
    with no_file_beyond(3), pytest.raises(EkycDestinationError, match="Free some space"):
        destination.create("b.json", b"first")
    assert len(list(tmp_path.iterdir())) == 2
    killed_while_it_writes(destination)
    killed_while(lambda: destination.create("b.json", b"first"))
    first, second, *left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["a.json", "a.txt"]
    assert first.startswith(".a.txt.")
    assert second.startswith(".b.json.")
    assert destination.create("b.json", b"first")


def test_a_file_system_that_knows_one_name_per_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(local_destination, "_open_unnamed", lambda directory: None)
    monkeypatch.setattr(os, "link", refuse)
    destination = opened(tmp_path)
    assert destination.create("a.json", b"first")
    assert not destination.create("a.json", b"second")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.json": b"first"}


@pytest.mark.usefixtures("connections")
def test_a_bucket_without_a_prefix_is_a_destination(s3: Any) -> None:
    write(opened(f"s3://{BUCKET}"))
    assert s3.get_object(Bucket=BUCKET, Key="a.txt")["Body"].read() == CONTENT


@pytest.mark.usefixtures("connections")
def test_a_large_file_is_uploaded_in_parts(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_destination, "SINGLE_PUT", 1 << 20)
    content = os.urandom(17 << 20)
    write(opened(f"s3://{BUCKET}/ready"), content=content)
    found = s3.get_object(Bucket=BUCKET, Key="ready/a.txt")
    assert found["Body"].read() == content
    assert found["ETag"].strip('"').endswith("-3")


@pytest.mark.usefixtures("connections")
def test_arguments_of_put_object_are_passed_on(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in (1 << 24, 0):
        monkeypatch.setattr(s3_destination, "SINGLE_PUT", limit)
        write(opened(f"s3://{BUCKET}/ready", Metadata={"owner": "data-team"}, StorageClass="STANDARD_IA"))
        found = s3.head_object(Bucket=BUCKET, Key="ready/a.txt")
        assert found["Metadata"] == {"owner": "data-team"}
        assert found["StorageClass"] == "STANDARD_IA"
        assert found["ContentType"] == "text/plain"


@pytest.mark.usefixtures("connections")
@pytest.mark.parametrize("argument", [{"Key": "a"}, {"NoSuchArgument": "made-up secret"}, {"Tagging": 1}])
def test_arguments_that_s3_does_not_accept_are_an_error_before_anything_is_written(argument: dict[str, Any]) -> None:
    with pytest.raises(EkycSettingsError) as failed:
        opened(f"s3://{BUCKET}/ready", **argument)
    assert "made-up secret" not in str(failed.value)
    assert "paid" not in str(failed.value)


@pytest.mark.usefixtures("connections")
def test_a_connection_in_the_address_wins_and_stays_in_the_address(
    s3: Any, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER_AWS", aws_connection(s3_server))
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws", "extra": {"endpoint_url": "nowhere"}}')
    destination = opened(f"s3://other_aws@{BUCKET}/ready")
    write(destination)
    assert destination.uri("a.txt") == f"s3://other_aws@{BUCKET}/ready/a.txt"


def test_an_aws_connection_that_can_not_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", '{"conn_type": "aws", "extra": {"endpoint_url": "nowhere"}}')
    with pytest.raises(EkycSignInError, match="Nothing was submitted or charged"):
        opened(f"s3://{BUCKET}/ready")


@pytest.mark.parametrize(
    ("status", "code", "retryable", "first"),
    [
        (403, "AccessDenied", False, "Grant the AWS connection s3:PutObject"),
        (404, "NoSuchBucket", False, "Check the bucket"),
        (507, "InsufficientStorage", False, "Free some space"),
        (503, "SlowDown", True, "If the error persists"),
    ],
)
def test_s3_refuses(s3_relay: S3Relay, status: int, code: str, retryable: bool, first: str) -> None:
    s3_relay.faults.append(S3Fault("put", "status", status=status, code=code, times=None))
    error = fails(opened(f"s3://{BUCKET}/ready"))
    assert str(error).startswith(first)
    assert error.retryable is retryable
    assert f"s3://{BUCKET}/ready/a.txt can't be written (PutObject: {code}, {status})" in str(error)


def test_s3_refuses_what_is_created(s3: Any, s3_relay: S3Relay) -> None:
    for status, code, retryable in ((403, "AccessDenied", False), (503, "SlowDown", True)):
        s3_relay.faults[:] = [S3Fault("put", "status", status=status, code=code, times=None)]
        with pytest.raises(EkycDestinationError) as failed:
            opened(f"s3://{BUCKET}/ready").create("a.json", b"first")
        assert f"s3://{BUCKET}/ready/a.json can't be written (PutObject: {code}, {status})" in str(failed.value)
        assert (failed.value.retryable, failed.value.charge) == (retryable, Charge.NONE)
    assert s3.list_objects_v2(Bucket=BUCKET).get("Contents", []) == []


def test_an_upload_in_parts_of_which_s3_does_not_say_whether_it_is_complete_is_an_error(
    s3: Any, s3_relay: S3Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_destination, "SINGLE_PUT", 0)
    s3_relay.faults += [S3Fault("complete", "cut_after", times=None), S3Fault("head", "status", times=None)]
    assert fails(opened(f"s3://{BUCKET}/ready")).retryable
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
    s3_relay.faults.clear()
    write(opened(f"s3://{BUCKET}/ready"))


@pytest.mark.parametrize("call", ["part", "complete"])
def test_an_upload_in_parts_that_fails_leaves_nothing(
    s3: Any, s3_relay: S3Relay, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(s3_destination, "SINGLE_PUT", 0)
    s3_relay.faults.append(S3Fault(call, "status", times=None))
    assert fails(opened(f"s3://{BUCKET}/ready")).retryable
    assert s3.list_objects_v2(Bucket=BUCKET).get("Contents", []) == []
    assert s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []


def test_the_page_names_each_permission_of_a_failing_upload_over_an_equal_object(
    s3_relay: S3Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: set[str] = set()
    make = s3_destination.s3_client

    def traced(*arguments: Any) -> Any:
        client = make(*arguments)
        client.meta.events.register("before-call.s3", lambda model, **_: calls.add(model.name))
        return client

    monkeypatch.setattr(s3_destination, "s3_client", traced)
    monkeypatch.setattr(s3_destination, "SINGLE_PUT", 0)
    write(opened(f"s3://{BUCKET}/ready"))
    s3_relay.faults.append(S3Fault("complete", "status", times=None))
    fails(opened(f"s3://{BUCKET}/ready"))
    permissions = {"AbortMultipartUpload": "s3:AbortMultipartUpload", "ListParts": "s3:ListMultipartUploadParts"}
    assert permissions.keys() < calls
    page = (Path(__file__).parents[2] / "docs" / "prepare.md").read_text()
    assert [name for name in permissions.values() if f"`{name}`" not in page] == []


def test_what_s3_does_not_say_is_not_taken_for_nothing_there(s3: Any, s3_relay: S3Relay) -> None:
    destination = opened(f"s3://{BUCKET}/ready")
    for call, ask in (("get", destination.read), ("head", destination.size)):
        for status, retryable in ((403, False), (503, True)):
            s3_relay.faults[:] = [S3Fault(call, "status", status=status, times=None)]
            with pytest.raises(EkycDestinationError, match="It is not known whether") as failed:
                ask("a.txt")
            assert failed.value.retryable is retryable


def test_an_object_of_another_size_after_it_was_written_is_an_error(s3: Any, s3_relay: S3Relay) -> None:
    def overwrite() -> None:
        s3.put_object(Bucket=BUCKET, Key="ready/a.txt", Body=b"half")

    s3_relay.faults.append(S3Fault("head", "before", act=overwrite))
    error = fails(opened(f"s3://{BUCKET}/ready"))
    assert "has 4 bytes after 15,000 bytes were written" in str(error)


def test_a_file_that_is_not_there_after_it_was_written_is_an_error() -> None:
    with pytest.raises(EkycDestinationError, match=r"a\.txt is not there after 5 bytes"):
        check_size("/ready/a.txt", None, 5)


@contextmanager
def no_file_beyond(size: int) -> Iterator[None]:
    """What a full disk does, for this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("scheme", ["", "local://"])
def test_a_full_disk_leaves_nothing_half(tmp_path: Path, scheme: str) -> None:
    destination = opened(f"{scheme}{tmp_path}/ready")
    write(destination, content=b"before")
    with spool_file(None) as spool:
        spool.write(CONTENT)
        sums = sums_of(spool)
        with no_file_beyond(100), pytest.raises(EkycDestinationError) as failed:
            destination.write("b.txt", spool, sums, "text/plain")
    assert failed.value.retryable
    assert str(failed.value).startswith("If the error persists" if scheme else "Free some space")
    assert [path.name for path in (tmp_path / "ready").iterdir()] == ["a.txt"]


@pytest.mark.parametrize("scheme", ["", "local://"])
def test_what_is_created_on_a_full_disk_leaves_nothing_half(tmp_path: Path, scheme: str) -> None:
    destination = opened(f"{scheme}{tmp_path}/ready")
    with no_file_beyond(3), pytest.raises(EkycDestinationError, match="can't be written") as failed:
        destination.create("a.json", b"first")
    assert (failed.value.retryable, failed.value.charge) == (True, Charge.NONE)
    assert list((tmp_path / "ready").glob("*")) == []
    assert destination.create("a.json", b"first")


@pytest.mark.parametrize("theirs", [b"another", b"fir", b"first", None])
def test_what_another_has_written_stays_where_a_store_fails_to_create_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, theirs: bytes | None
) -> None:
    destination = opened(f"local://{tmp_path}/ready")

    def fail(path: Any, body: bytes) -> None:
        if theirs is not None:
            (tmp_path / "ready" / "a.json").write_bytes(theirs)
        raise OSError("made up")

    monkeypatch.setattr(ObjectStoragePath, "write_bytes", fail)
    with pytest.raises(EkycDestinationError, match="can't be written"):
        destination.create("a.json", b"first")
    assert destination.read("a.json") == (None if theirs == b"fir" else theirs)


def test_a_half_that_can_not_be_removed_after_it_was_created_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(path: Any) -> None:
        raise PermissionError("made up")

    destination = opened(f"local://{tmp_path}/ready")
    monkeypatch.setattr(ObjectStoragePath, "unlink", fail)
    with no_file_beyond(3), pytest.raises(EkycDestinationError, match="can't be written"):
        destination.create("a.json", b"first")
    assert caplog.messages == [
        f"local://{tmp_path}/ready/a.json was not written to its end and can't be removed (PermissionError). Delete it "
        "if it is there in part."
    ]


def test_a_directory_that_can_not_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "ready", f"local://{tmp_path}/file/ready"):
        with pytest.raises(EkycDestinationError, match="can't be written"):
            write(opened(place))


def test_a_directory_of_another_user(tmp_path: Path) -> None:
    place = tmp_path / "theirs"
    place.mkdir(mode=0o500)
    read, write_end = os.pipe()
    child = os.fork()
    if not child:  # root may write everywhere, so somebody else tries
        message = b"nothing failed"
        try:
            os.setgid(65534)
            os.setuid(65534)
            opened(place)
        except EkycDestinationError as error:
            message = f"{error.retryable} {error}".encode()
        finally:
            os.write(write_end, message)
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    assert said.startswith("False Grant this worker's user write access to the directory.")
    assert "Nothing was submitted or charged. A retry can't help." in said


@contextmanager
def closed_directory(mode: int) -> Iterator[Path]:
    """A directory of this mode with a file of this user, who is not root: root may do everything."""
    with tempfile.TemporaryDirectory() as name:
        user, path = os.geteuid(), Path(name)
        (path / "a.txt").write_bytes(b"before")
        if user == 0:
            os.chown(path / "a.txt", 65534, 65534)
        path.chmod(mode)
        try:
            if user == 0:
                os.seteuid(65534)
            yield path
        finally:
            os.seteuid(user)
            path.chmod(0o755)


def test_a_directory_that_is_closed_after_it_was_checked() -> None:
    with closed_directory(0o555) as path:
        destination = LocalDestination(str(path))
        error = fails(destination)
        with pytest.raises(EkycDestinationError, match=r"a\.json can't be written \(Permission denied\)") as failed:
            destination.create("a.json", b"first")
        assert [each.name for each in path.iterdir()] == ["a.txt"]
        assert (path / "a.txt").read_bytes() == b"before"
    for each in (error, failed.value):
        assert str(each).startswith("Grant this worker's user write access to the directory.")
        assert not each.retryable


def test_a_directory_that_may_not_be_read_is_not_taken_for_empty() -> None:
    with closed_directory(0o000) as path:
        destination = LocalDestination(str(path))
        for ask in (destination.read, destination.size):
            with pytest.raises(
                EkycDestinationError, match=r"It is not known whether .*\(Permission denied\)"
            ) as failed:
                ask("a.txt")
            assert str(failed.value).startswith("Grant this worker's user read access to the directory.")
            assert (failed.value.retryable, failed.value.charge) == (False, Charge.NONE)
            assert failed.value.__suppress_context__


@pytest.mark.parametrize("ask", ["read", "size"])
@pytest.mark.parametrize("scheme", ["", "local://"])
def test_a_directory_that_is_a_file_by_now_is_not_taken_for_empty(tmp_path: Path, scheme: str, ask: str) -> None:
    destination = opened(f"{scheme}{tmp_path}/ready")
    with suppress(FileNotFoundError):
        (tmp_path / "ready").rmdir()
    (tmp_path / "ready").write_text("a file")
    with pytest.raises(EkycDestinationError, match="It is not known whether") as failed:
        getattr(destination, ask)("a.txt")
    assert (failed.value.retryable, failed.value.charge) == (True, Charge.NONE)
    assert str(failed.value).endswith("Nothing was submitted or charged by this try. A retry looks again.")


def test_what_can_not_be_removed_after_it_was_not_written_to_its_end_is_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with spool_file(None) as spool:
        spool.write(CONTENT)
        sums = sums_of(spool)
        with closed_directory(0o555) as path:
            destination = opened(f"local://{path}")
            with no_file_beyond(100), pytest.raises(EkycDestinationError, match="can't be written") as failed:
                destination.write("a.txt", spool, sums, "text/plain")
    assert failed.value.retryable
    assert f"local://{path}/a.txt was not written to its end and can't be removed (PermissionError)." in caplog.text
    assert "A retry replaces it." in caplog.text


def test_a_scheme_that_no_file_system_has() -> None:
    with pytest.raises(EkycDestinationError, match="Install the Airflow provider with that file system") as failed:
        opened("nosuch://place/ready")
    assert not failed.value.retryable


def test_a_store_that_can_not_be_read_is_not_taken_for_empty(tmp_path: Path) -> None:
    (tmp_path / "ready").write_text("a file")
    destination = StoredDestination(f"local://{tmp_path}/ready", None)
    with pytest.raises(EkycDestinationError, match="It is not known whether"):
        destination.read("a.txt")


def test_a_target_is_a_file_of_a_destination(tmp_path: Path) -> None:
    target = Target.open("rejects_uri", tmp_path / "today" / "rejects.csv", Connections(None, None, {}))
    assert (target.name, target.uri) == ("rejects.csv", f"{tmp_path}/today/rejects.csv")
