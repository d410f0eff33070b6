"""Object stores: what is made of a store's answers, and a real S3 server where one is installed."""

from __future__ import annotations

import importlib
import io
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from dltrain.data.files import expand_paths, read_content
from dltrain.errors import DataError
from dltrain.storage.far import copies, stores
from dltrain.storage.far.copies import copy_of, fetch_places
from dltrain.wording import shown
from tests.storage.far.hub import TOKEN, serving


class Store:
    """What fsspec offers of a store, over a dictionary."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.failures: list[Exception] = []
        self.reads = 0

    def info(self, path: str, refresh: bool = False) -> dict[str, Any]:
        del refresh
        if self.isdir(path):
            return {"type": "directory", "size": 0}
        if path not in self.objects:
            raise FileNotFoundError(path)
        if path.endswith("secret.csv"):
            raise PermissionError("Forbidden")
        return {"type": "file", "size": len(self.objects[path]), "ETag": f'"{hash(self.objects[path])}"'}

    def isdir(self, path: str) -> bool:
        return any(name.startswith(path.rstrip("/") + "/") for name in self.objects)

    def find(self, path: str, detail: bool) -> dict[str, Any]:
        assert detail
        return {name: self.info(name) for name in self.objects if name.startswith(path)}

    def glob(self, path: str) -> list[str]:
        return [name for name in self.objects if fnmatch(name, path)]

    def open(self, path: str, mode: str, block_size: int) -> io.BytesIO:
        assert mode == "rb"
        assert block_size
        self.reads += 1
        return Cut(self.objects[path], self)


class Cut(io.BytesIO):
    """What fails when it is read, as often as the store says."""

    def __init__(self, content: bytes, store: Store) -> None:
        super().__init__(content)
        self._store = store

    def read(self, size: int | None = -1) -> bytes:
        if self._store.failures and self.tell():
            raise self._store.failures.pop()
        return super().read(size)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Store:
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DLTRAIN_OFFLINE", raising=False)
    monkeypatch.setattr(copies, "SAME_FOR_SECONDS", -1.0)
    made = Store()
    monkeypatch.setattr(stores, "_open_store", lambda address: (made, address.partition("://")[2]))
    return made


def test_objects_by_pattern_come_in_order_and_are_read_once(store: Store) -> None:
    store.objects = {f"bucket/p/part-{i}.csv": b"a\n%d\n" % i for i in (2, 0, 1)}
    found = expand_paths(["s3://bucket/p/*.csv"])
    assert [read_content(path) for path in found] == [b"a\n0\n", b"a\n1\n", b"a\n2\n"]
    assert shown(found[0]) == "s3://bucket/p/part-0.csv"
    assert expand_paths(["s3://bucket/p/*.csv"]) == found
    assert store.reads == 3
    store.objects["bucket/p/part-1.csv"] = b"a\n7\n"
    changed = expand_paths(["s3://bucket/p/*.csv"])
    assert [read_content(path) for path in changed] == [b"a\n0\n", b"a\n7\n", b"a\n2\n"]
    assert "changed since it was last fetched" in copy_of(changed[1]).said
    assert store.reads == 4


def test_absent_refused_and_folders_are_told_apart(store: Store) -> None:
    store.objects = {"bucket/secret.csv": b"a\n", "bucket/p/x.csv": b"a\n"}
    words = {"none.csv": "no such object", "secret.csv": "access is refused", "p": "is a folder, not a file"}
    for name, said in words.items():
        with pytest.raises(DataError, match=said):
            expand_paths([f"s3://bucket/{name}"])
    with pytest.raises(DataError, match="no object matches"):
        expand_paths(["s3://bucket/q/*.csv"])


@pytest.mark.parametrize(
    ("failures", "said"),
    [
        ([ConnectionResetError("reset")] * 3, ""),
        ([ConnectionResetError("reset")] * 4, r"the connection was cut after 1,048,576 of 2,500,000 bytes, 4 times \(reset\)"),
        ([TimeoutError()], "nothing arrived in time"),
        ([IndexError("tuple index out of range")], "nothing arrived in time"),
        ([PermissionError("Forbidden")], "access is refused"),
    ],
)
def test_a_cut_connection_is_gone_on_with(
    failures: list[Exception], said: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "PAUSE", 0.0)
    content = bytes(range(250)) * 10_000
    store.objects, store.failures = {"bucket/a.csv": content}, list(failures)
    if said:
        with pytest.raises(DataError, match=said):
            expand_paths(["s3://bucket/a.csv"])
        store.failures = []
    (path,) = expand_paths(["s3://bucket/a.csv"])
    assert read_content(path) == content


def test_a_folder_is_copied_as_it_is_and_anew_where_it_changed(store: Store) -> None:
    store.objects = {"bucket/pets/cat/a.png": b"1", "bucket/pets/dog/b.png": b"22", "bucket/petshop/c.png": b"3"}
    (folder,) = fetch_places(["s3://bucket/pets"])
    files = {str(path.relative_to(folder)): path.read_bytes() for path in Path(folder).rglob("*.png")}
    assert files == {"cat/a.png": b"1", "dog/b.png": b"22"}
    assert shown(f"{folder}/cat/a.png") == "s3://bucket/pets/cat/a.png"
    assert fetch_places(["s3://bucket/pets"]) == [folder]
    store.objects["bucket/pets/cat/a.png"] = b"4"
    (other,) = fetch_places(["s3://bucket/pets"])
    assert (Path(other) / "cat/a.png").read_bytes() == b"4"


def test_an_object_cannot_leave_its_folder(store: Store) -> None:
    store.objects = {"bucket/pets/../../x.png": b"1"}
    with pytest.raises(DataError, match="leads out of it"):
        fetch_places(["s3://bucket/pets"])


def test_a_real_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("moto")
    pytest.importorskip("s3fs")
    boto3 = pytest.importorskip("boto3")
    from moto.server import ThreadedMotoServer

    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test-secret", "DEFAULT_REGION": "us-east-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        client = boto3.client("s3")
        client.create_bucket(Bucket="bucket")
        client.put_object(Bucket="bucket", Key="pets/cat/a.csv", Body=b"a\n1\n")
        (path,) = expand_paths(["s3://bucket/pets/*/a.csv"])
        assert read_content(path) == b"a\n1\n"
        (folder,) = fetch_places(["s3://bucket/pets"])
        assert (Path(folder) / "cat" / "a.csv").read_bytes() == b"a\n1\n"
        with pytest.raises(DataError, match="no such object"):
            expand_paths(["s3://bucket/none.csv"])
    finally:
        server.stop()


def test_the_hub_s_own_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serving() as hub:
        hub.files = {"rows.csv": b"a\n1\n", "parts/0.csv": b"a\n2\n", "parts/1.csv": b"a\n3\n", "pets/cat/a.csv": b"a\n4\n"}
        place = client_of_the_hub(monkeypatch, tmp_path, hub.address)
        assert [read_content(path) for path in expand_paths([f"{place}/rows.csv"])] == [b"a\n1\n"]
        assert [read_content(path) for path in expand_paths([f"{place}/parts/*.csv"])] == [b"a\n2\n", b"a\n3\n"]
        assert sum(asked.startswith("GET") and asked.endswith("/rows.csv") for asked in hub.asked) == 1
        hub.files["rows.csv"] = b"a\n5\n"
        assert [read_content(path) for path in expand_paths([f"{place}/rows.csv"])] == [b"a\n5\n"]
        (folder,) = fetch_places([f"{place}/pets"])
        assert (Path(folder) / "cat" / "a.csv").read_bytes() == b"a\n4\n"
        with pytest.raises(DataError, match=r"no such object(.|\n)*needs HF_TOKEN"):
            expand_paths([f"{place}/none.csv"])
        with pytest.raises(DataError, match="is a folder, not a file"):
            expand_paths([f"{place}/parts"])


def test_a_private_place_of_the_hub_and_one_that_does_not_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serving() as hub:
        hub.files, hub.is_private = {"rows.csv": b"a\n1\n"}, True
        place = client_of_the_hub(monkeypatch, tmp_path, hub.address)
        with pytest.raises(DataError, match=r"no such object(.|\n)*needs HF_TOKEN"):
            expand_paths([f"{place}/rows.csv"])
        client_of_the_hub(monkeypatch, tmp_path, hub.address, token=TOKEN)
        (path,) = expand_paths([f"{place}/rows.csv"])
        assert read_content(path) == b"a\n1\n"
        assert TOKEN.encode() not in b"".join(file.read_bytes() for file in (tmp_path / "cache").rglob("*") if file.is_file())
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    client_of_the_hub(monkeypatch, tmp_path, f"http://127.0.0.1:{port}")
    with pytest.raises(DataError, match=r"cannot be fetched: .*[Cc]onnect"):
        expand_paths([f"{place}/other.csv"])


def client_of_the_hub(monkeypatch: pytest.MonkeyPatch, folder: Path, address: str, token: str = "") -> str:
    """Have the Hub's client ask a server of this machine; the address of its dataset."""
    pytest.importorskip("huggingface_hub.hf_file_system").HfFileSystem.clear_instance_cache()
    monkeypatch.setenv("DLTRAIN_CACHE", str(folder / "cache"))
    monkeypatch.setenv("HF_TOKEN", token)
    monkeypatch.setattr(stores, "_OPTIONS", {"hf": {**stores._OPTIONS["hf"], "endpoint": address}})
    monkeypatch.setattr(copies, "SAME_FOR_SECONDS", -1.0)
    return "hf://datasets/people/tables"


def test_a_real_server_of_google_s_kind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("gcsfs")
    storage = pytest.importorskip("google.cloud.storage")
    servers = pytest.importorskip("gcp_storage_emulator.server")
    credentials = importlib.import_module("google.auth.credentials").AnonymousCredentials()
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    server = servers.create_server("127.0.0.1", 0, in_memory=True, default_bucket="bucket")
    server.start()
    try:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://{}:{}".format(*server._api._httpd.socket.getsockname()))
        bucket = storage.Client(project="p", credentials=credentials).bucket("bucket")
        reads_as_any_store("gs", lambda name, content: bucket.blob(name).upload_from_string(content))
    finally:
        server.stop()
    assert not [record for record in caplog.records if record.name.startswith("gcsfs") and record.levelname == "WARNING"]


def test_a_real_server_of_azure_s_kind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    adlfs = pytest.importorskip("adlfs")
    blobs = pytest.importorskip("azure.storage.blob")
    if shutil.which("azurite-blob") is None:
        pytest.skip("azurite-blob, which npm installs, is not there")
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    command = ["azurite-blob", "--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            said = iter(server.stdout or ())
            where = next(found[0] for line in said if (found := re.search(r"(?<=listens on )http://[\d.:]+", line)))
            # The account and the key are those that Azurite has for everybody.
            account, key = (
                "devstoreaccount1",
                "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
            )
            known = f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};BlobEndpoint={where}/{account};"
            monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", known)
            service = blobs.BlobServiceClient.from_connection_string(known)
            service.create_container("bucket")
            reads_as_any_store(
                "az", lambda name, content: service.get_blob_client("bucket", name).upload_blob(content, overwrite=True)
            )
            monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING")
            adlfs.AzureBlobFileSystem.clear_instance_cache()
            with pytest.raises(DataError, match="credentials are taken from AZURE_STORAGE_ACCOUNT_NAME"):
                expand_paths(["az://bucket/other.csv"])
        finally:
            server.terminate()


def reads_as_any_store(scheme: str, put: Callable[[str, bytes], Any]) -> None:
    """Files, patterns, folders, what changed and what is not there."""
    for name, content in {
        "rows.csv": b"a\n1\n",
        "parts/0.csv": b"a\n2\n",
        "parts/1.csv": b"a\n3\n",
        "pets/cat/a.csv": b"a\n4\n",
    }.items():
        put(name, content)
    assert [read_content(path) for path in expand_paths([f"{scheme}://bucket/rows.csv"])] == [b"a\n1\n"]
    assert [read_content(path) for path in expand_paths([f"{scheme}://bucket/parts/*.csv"])] == [b"a\n2\n", b"a\n3\n"]
    (folder,) = fetch_places([f"{scheme}://bucket/pets"])
    assert (Path(folder) / "cat" / "a.csv").read_bytes() == b"a\n4\n"
    put("pets/cat/a.csv", b"a\n5\n")
    (folder,) = fetch_places([f"{scheme}://bucket/pets"])
    assert (Path(folder) / "cat" / "a.csv").read_bytes() == b"a\n5\n"
    for absent in ("bucket/none.csv", "nobucket/rows.csv"):
        with pytest.raises(DataError, match="no such object"):
            expand_paths([f"{scheme}://{absent}"])


def test_no_store_is_imported_before_one_is_asked_for() -> None:
    code = "import sys, dltrain.storage.far.copies; print(sorted({'fsspec', 'ssl', 'urllib.request'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
