"""The warnings of a command are one list: the same in its text, its JSON and the manifest, each once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dltrain.errors import Fault, fault_documents, with_faults
from tests.support import run_dltrain

CONFIG = """\
data: {source: csv, path: t.csv, target: y, task: classification, split: {test: 0.3}}
model: {layers: [{Dense: {units: 4}}]}
training: {epochs: 1, batch_size: 64}
"""


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"{row},{'xyz'[row % 3]},{row % 2}\n" for row in range(30))
    (tmp_path / "t.csv").write_text("a,b,y\n" + rows)
    (tmp_path / "t.yaml").write_text(CONFIG)
    return tmp_path


def shown(err):
    return [line.partition("warning: ")[2] for line in err.splitlines() if "warning: " in line]


def messages(warnings):
    return [(f"{warning['path']}: " if warning["path"] else "") + warning["message"] for warning in warnings]


def test_fit_says_what_check_says_in_text_json_and_manifest(cli, table):
    checked = cli("check", "t.yaml", "--json").json
    fitted = cli("fit", "t.yaml", "--run-dir", "run", "--json")
    assert fitted.code == 0
    assert any("a batch of 64 is larger" in warning["message"] for warning in checked["warnings"])
    assert checked["warnings"] == checked["files"][0]["warnings"] == fitted.json["warnings"]
    assert shown(fitted.err) == messages(fitted.json["warnings"])
    assert json.loads((table / "run" / "manifest.json").read_text())["warnings"] == fitted.json["warnings"]

    again = cli("fit", "t.yaml", "training.epochs=2", "--run-dir", "run", "--resume", "auto", "--json")
    assert again.code == 0
    assert len(json.loads((table / "run" / "manifest.json").read_text())["warnings"]) == len(again.json["warnings"])

    (table / "new.csv").write_text("a,b,y,z\n1,x,0,5\n2,other,1,5\n,,1,5\n")
    for command in ("predict", "evaluate"):
        result = cli(command, "run", "--data", "new.csv", "--json")
        assert result.code == 0
        said = messages(result.json["warnings"])
        assert shown(result.err) == said
        assert any("z" in text for text in said)
        assert any("other" in text for text in said)
        gaps = "rows without a value in columns that have one in every training row "
        assert any(text.startswith(gaps) and text.endswith(": a 1, b 1") for text in said)
        assert {"unused_columns", "unseen_categories", "unseen_gaps"} <= {
            warning.get("code") for warning in result.json["warnings"]
        }


@pytest.mark.parametrize("bound", ["1000000000", "1"], ids=["in memory", "streamed"])
def test_warnings_of_the_data_have_codes_that_stay(cli, table, monkeypatch, bound):
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", bound)
    monkeypatch.setenv("DLTRAIN_CACHE", str(table / "cache"))
    words = ["t.yaml", "data.missing=[never]", "data.replace={b: {seldom: x}}"]
    fitted = cli("fit", *words, "training.batch_size=8", "--run-dir", "run", "--json")
    assert fitted.code == 0
    found = {warning["message"]: warning.get("code") for warning in fitted.json["warnings"]}
    assert found["data.missing: no value of the table is 'never'"] == "no_such_value"
    assert found["data.replace: no value of b is 'seldom'"] == "no_such_value"
    assert json.loads((table / "run" / "manifest.json").read_text())["warnings"] == fitted.json["warnings"]


def test_a_warning_that_was_kept_without_its_code_is_not_kept_twice():
    older = fault_documents([Fault("odd", severity="warning")])
    now = with_faults(older, [Fault("odd", severity="warning", code="oddity"), Fault("new", severity="warning")])
    assert [(one["message"], one.get("code")) for one in now] == [("odd", "oddity"), ("new", None)]


@pytest.mark.parametrize("engine", ["stacked", pytest.param("processes", marks=pytest.mark.slow)])
def test_a_sweep_says_them_once(cli, table, engine):
    words = ["--over", "training.optimizer.learning_rate=0.1,0.2", "--engine", engine, "--run-dir", "sweep", "--json"]
    result = cli("sweep", "t.yaml", *words)
    assert result.code == 0
    said = messages(result.json["warnings"])
    assert shown(result.err) == said
    assert sum("a batch of 64 is larger" in text for text in said) == 1
    assert json.loads((table / "sweep" / "manifest.json").read_text())["warnings"] == result.json["warnings"]
    for trial in result.json["trials"]:
        kept = json.loads((table / trial["run"] / "manifest.json").read_text())["warnings"]
        assert any("a batch of 64 is larger" in warning["message"] for warning in kept)


def test_a_warning_of_a_library_is_no_error(tmp_path: Path) -> None:
    done = run_dltrain("runs", "--json", cwd=tmp_path, PYTHONWARNINGS="error")
    assert (done.returncode, done.stderr) == (0, "")


def test_find_rate_and_trace_say_what_check_says(cli, table):
    words = ["t.yaml", "data.missing=[never]"]
    [checked] = cli("check", *words, "--json").json["files"]
    assert any("'never'" in warning["message"] for warning in checked["warnings"])
    for command in (["find-rate", *words], ["trace", *words, "--row", "0"]):
        result = cli(*command, "--json")
        assert result.code == 0
        assert result.json["warnings"] == checked["warnings"]
        assert shown(result.err) == messages(checked["warnings"])
