from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dltrain import settings
from dltrain.cli.app import run
from dltrain.errors import UsageError
from tests.support import REPOSITORY, name_of, tree_of

# Who may look at the environment himself, and at what.
OTHERS = {
    "settings.py": "the place for it",
    "cli/console.py": "NO_COLOR and TERM",
    "model/keras_import.py": "what Keras is to find while it is imported",
    "training/environment.py": "TF_ENABLE_ONEDNN_OPTS",
    "processes/warm/circumstances.py": "XDG_RUNTIME_DIR",
    "processes/warm/begin.py": "PYTHONUNBUFFERED",
    "cards.py": "CUDA_VISIBLE_DEVICES",
    "sweep/engines/ray_workers.py": "the same, as Ray sets it for a worker",
    "storage/far/http.py": "NETRC, where a file of passwords of servers is",
    "cli/trackers/mlflow.py": "MLflow's own variables",
    "cli/trackers/wandb.py": "wandb's own variables",
    "cli/trackers/answers.py": "theirs that say where their servers are",
    "cli/trackers/send.py": "MLflow's patience with a server",
}


def test_the_environment_is_read_in_one_place() -> None:
    package = REPOSITORY / "dltrain"
    found = set()
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(tree_of(path)):
            reads = isinstance(node, ast.Call) and name_of(node.func) in ("os.environ.get", "os.getenv")
            reads |= isinstance(node, ast.Subscript) and name_of(node.value) == "os.environ"
            if reads:
                found.add(str(path.relative_to(package)))
    assert found == set(OTHERS)


@pytest.mark.parametrize("given", ["many", "-1", "1.5", "1e9", "٣", "9" * 40])
def test_a_number_that_is_none_is_refused_by_name(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", given)
    with pytest.raises(UsageError, match=r"DLTRAIN_STREAM_BYTES: expected a whole number, found"):
        settings.whole_number("DLTRAIN_STREAM_BYTES", 7)


def test_numbers_and_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for empty in ("", "  "):
        monkeypatch.setenv("DLTRAIN_STREAM_BYTES", empty)
        assert settings.whole_number("DLTRAIN_STREAM_BYTES", 7) == 7
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", " 0 ")
    assert settings.whole_number("DLTRAIN_STREAM_BYTES", 7) == 0
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DLTRAIN_DATA", "~/data")
    assert settings.data_folder() == tmp_path / "data"
    monkeypatch.setenv("DLTRAIN_DATA", "some/../data")
    assert settings.data_folder() == tmp_path / "data"
    monkeypatch.setenv("DLTRAIN_DATA", "")
    assert settings.data_folder() is None
    monkeypatch.delenv("KERAS_HOME", raising=False)
    assert settings.keras_folder() == tmp_path / ".keras"


def test_a_command_ends_as_a_wrong_call(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("x,y\n" + "1,2\n3,4\n" * 40)
    (tmp_path / "c.yaml").write_text("data: {source: csv, path: a.csv, target: y}\nmodel: {layers: [Dense: {units: 2}]}\n")
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "100MB")
    assert run(["fit", str(tmp_path / "c.yaml"), "--runs", str(tmp_path / "runs")]) == 2
    assert "DLTRAIN_STREAM_BYTES: expected a whole number, found '100MB'" in capsys.readouterr().err
    assert not list((tmp_path / "runs").glob("*"))


@pytest.mark.parametrize(("given", "found"), [(None, "auto"), ("", "auto"), ("auto", "auto"), ("0", "0"), (" 1 ", "1")])
def test_whether_a_warm_process_is_used(given: str | None, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DLTRAIN_WARM", raising=False)
    if given is not None:
        monkeypatch.setenv("DLTRAIN_WARM", given)
    assert settings.warm_process() == found
    monkeypatch.setenv("DLTRAIN_WARM", "yes")
    with pytest.raises(UsageError, match="DLTRAIN_WARM: expected 0, 1 or auto, found 'yes'"):
        settings.warm_process()
