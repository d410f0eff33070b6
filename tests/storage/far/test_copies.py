"""Far files against a real server on the loopback."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dltrain.data.files import expand_paths, read_content
from dltrain.errors import DataError
from dltrain.storage.far import copies, http
from dltrain.storage.far.copies import copy_of, fetching, was_fetched
from dltrain.storage.far.failure import NotFetchedError
from dltrain.wording import shown
from tests.storage.far.server import Far, far_server

ROWS = b"a,b\n" + b"".join(b"%d,%d\n" % (i, i % 3) for i in range(50_000))


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Far]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("DLTRAIN_OFFLINE", raising=False)
    monkeypatch.setattr(http, "PAUSE", 0.0)
    monkeypatch.setattr(copies, "SAME_FOR_SECONDS", -1.0)
    with far_server() as server:
        server.files["/t/data.csv"] = ROWS
        yield server


def fetch(address: str) -> str:
    (path,) = expand_paths([address])
    return path


def message(address: str) -> str:
    with pytest.raises(DataError) as caught:
        expand_paths([address])
    assert caught.value.exit_code == 3
    (fault,) = caught.value.faults
    return f"{fault.message} | {fault.hint}"


def test_the_copy_is_the_file_and_is_asked_for_again_only_by_its_version(far: Far) -> None:
    path = fetch(f"{far.url}/t/data.csv")
    assert read_content(path) == ROWS
    assert path.endswith("/data.csv")
    assert shown(path) == f"{far.url}/t/data.csv"
    copy = copy_of(path)
    assert copy is not None
    assert (copy.etag, copy.num_bytes, copy.sha256) == ('"one"', len(ROWS), hashlib.sha256(ROWS).hexdigest())
    assert fetch(f"{far.url}/t/data.csv") == path
    assert [headers.get("If-None-Match") for _, headers in far.asked] == [None, '"one"']


def test_a_changed_file_is_another_copy_and_said(far: Far) -> None:
    address = f"{far.url}/t/data.csv"
    first = fetch(address)
    far.files["/t/data.csv"], far.etag = ROWS + b"1,1\n", '"two"'
    second = fetch(address)
    assert read_content(second) == ROWS + b"1,1\n"
    assert read_content(first) == ROWS
    assert copy_of(second).said == f'{address} changed since it was last fetched (ETag "one", now "two")'
    far.files["/t/data.csv"], far.etag = ROWS, '"one"'
    assert fetch(address) == first
    assert fetch(address) == first
    assert copy_of(first).said == ""


def test_without_a_version_the_same_content_is_the_same_copy(far: Far) -> None:
    far.etag = None
    assert fetch(f"{far.url}/t/data.csv") == fetch(f"{far.url}/t/data.csv")


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_connection_is_gone_on_with(far: Far, ranges: bool) -> None:
    far.cuts, far.ranges = 2, ranges
    assert read_content(fetch(f"{far.url}/t/data.csv")) == ROWS
    asked = [headers.get("Range") for _, headers in far.asked]
    assert asked[:2] == [None, f"bytes={len(ROWS) // 2}-"]
    assert len(asked) == 3


def test_cut_for_good_is_an_error_and_leaves_nothing(far: Far) -> None:
    far.cuts = 99
    assert "the connection was cut after" in message(f"{far.url}/t/data.csv")
    assert not was_fetched(f"{far.url}/t/data.csv")


def test_each_failure_has_its_own_words(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT", 0.2)
    assert "answered 404 Not Found | is the address spelled right?" in message(f"{far.url}/none.csv")
    assert "answered 403 Forbidden | credentials are taken from ~/.netrc" in message(f"{far.url}/signed.csv?signature=bad-sign")
    assert "nothing arrived for 0.2 seconds" in message(f"{far.url}/silent.csv")
    far.status["/t/busy.csv"] = 503
    assert "answered 503" in message(f"{far.url}/t/busy.csv")
    assert sum(path == "/t/busy.csv" for path, _ in far.asked) == http.ATTEMPTS
    assert "Connection refused" in message("http://127.0.0.1:9/x.csv")
    assert "ftp:// is not read | addresses begin with http://, https://, s3://" in message("ftp://host/x.csv")
    assert "write s3://" in message("s3a://bucket/x.csv")
    assert "is a file of this machine" in message("file:///tmp/x.csv")


def test_passwords_and_signatures_are_sent_and_never_stored_or_said(far: Far, tmp_path: Path) -> None:
    far.files["/private.csv"] = far.files["/signed.csv"] = ROWS
    address = far.url.replace("://", "://ada:s3cr3t-pw@") + "/private.csv"
    assert shown(fetch(address)) == far.url.replace("://", "://***@") + "/private.csv"
    assert "s3cr3t-pw" not in message(far.url.replace("://", "://bob:s3cr3t-pw@") + "/private.csv")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password s3cr3t-pw\n")
    (tmp_path / "netrc").chmod(0o600)
    assert read_content(fetch(f"{far.url}/private.csv")) == ROWS
    signed = fetch(f"{far.url}/signed.csv?format=csv&signature=g00d-sign")
    assert shown(signed) == f"{far.url}/signed.csv?format=csv&signature=***"
    # What a run stores of it finds the copy, and without one says what is missing.
    assert read_content(fetch(f"{far.url}/signed.csv?format=csv&signature=***")) == ROWS
    assert "its password or signature is not stored" in message(f"{far.url}/signed.csv?format=pq&signature=***")
    for file in (tmp_path / "cache").rglob("*"):
        assert b"s3cr3t-pw" not in (content := file.read_bytes() if file.is_file() else b"")
        assert b"g00d-sign" not in content


def test_no_password_goes_on_to_another_address_and_no_redirect_leaves_the_web(far: Far) -> None:
    far.files["/on.csv"] = f"{far.url}/t/data.csv".encode()
    fetch(far.url.replace("://", "://ada:s3cr3t-pw@") + "/on.csv")
    assert ["Authorization" in headers for _, headers in far.asked] == [True, False]
    far.files["/on.csv"] = b"file:///etc/passwd"
    assert "'file:///etc/passwd' is not allowed" in message(f"{far.url}/on.csv?2")


def test_nothing_is_fetched_where_nothing_may_be(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"{far.url}/t/data.csv"
    with fetching(False), pytest.raises(NotFetchedError, match="is not fetched"):
        expand_paths([address])
    assert not far.asked
    path = fetch(address)
    with fetching(False):
        assert fetch(address) == path
    monkeypatch.setenv("DLTRAIN_OFFLINE", "1")
    assert fetch(address) == path
    assert "whether it changed was not asked" in copy_of(path).said
    assert len(far.asked) == 1


def test_a_store_whose_client_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch, far: Far) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fsspec", None)
    assert message("s3://bucket/x.csv") == "s3:// needs fsspec and s3fs, which are not installed | pip install 'dltrain[cloud]'"
