"""A run on data that is not on this disk: what it stores, and what it asks for again."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import dltrain
from dltrain.checking.check import check_config
from dltrain.config import load_config
from dltrain.config.load import load_config_text
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import DltrainError
from dltrain.evaluation.moved_data import refuse_strange_addresses, refuse_strange_arguments
from dltrain.evaluation.tracing.trace import trace
from dltrain.storage.far import copies
from dltrain.storage.run import Run
from dltrain.sweep.plan import plan_sweep
from dltrain.sweep.resuming import plan_document, stored_config_text
from dltrain.sweep.sweep import sweep
from tests.storage.far.server import far_server


def test_a_run_on_the_web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DLTRAIN_OFFLINE", raising=False)
    monkeypatch.setattr(copies, "SAME_FOR_SECONDS", -1.0)
    draw = random.Random(3)
    points = [(draw.random(), draw.random()) for _ in range(200)]
    rows = "x,y,label\n" + "".join(f"{x:.4f},{y:.4f},{'yes' if x + y > 1 else 'no'}\n" for x, y in points)
    (tmp_path / "here.csv").write_text(rows)
    with far_server() as far:
        far.files["/private.csv"] = rows.encode()
        address = far.url.replace("://", "://ada:s3cr3t-pw@") + "/private.csv"
        config = tmp_path / "c.yaml"
        config.write_text(
            f"data: {{source: csv, path: '{address}', target: label, split: {{test: 0.3}}}}\n"
            "model: {layers: [{Dense: {units: 2}}]}\ntraining: {epochs: 1}\n"
        )
        result = check_config(load_config(config))
        assert result.exit_code == 0
        assert any("is not fetched" in line for line in result.data)
        assert not far.asked

        there = dltrain.fit(config, run_dir=tmp_path / "run")
        run = tmp_path / "run"
        here = dltrain.fit(config, f"data.path={tmp_path / 'here.csv'}", run_dir=tmp_path / "here")
        assert there.metrics["test"]["loss"] == here.metrics["test"]["loss"]
        assert not [file for file in run.rglob("*") if file.is_file() and b"s3cr3t-pw" in file.read_bytes()]
        (name, entry), *_ = json.loads((run / "manifest.json").read_text())["data"]["details"].items()
        assert name == far.url.replace("://", "://***@") + "/private.csv"
        assert (entry["etag"], entry["bytes"]) == ('"one"', len(rows))

        assert dltrain.load_run(run).evaluate().metrics["loss"] == pytest.approx(here.metrics["test"]["loss"], rel=1e-6)
        far.files["/private.csv"], far.etag = rows.replace("yes", "no", 3).encode(), '"two"'
        with pytest.raises(DltrainError) as changed:
            dltrain.fit(config, run_dir=run, resume="auto")
        assert changed.value.exit_code == 3

        shutil.rmtree(tmp_path / "cache")  # as if it were the run of somebody else
        asked = len(far.asked)
        with pytest.raises(DltrainError, match="never fetched from here") as strange:
            dltrain.load_run(run).evaluate()
        assert strange.value.exit_code == 3
        with pytest.raises(DltrainError, match="never fetched from here"):
            trace(run, rows=[0])
        assert len(far.asked) == asked


def test_sweeps_and_words_of_strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep to go on with asks nowhere that its own directory alone names, neither in its config nor in what it varies."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DLTRAIN_OFFLINE", raising=False)
    (tmp_path / "here.csv").write_text("x,label\n" + "".join(f"{row},{'yes' if row % 2 else 'no'}\n" for row in range(40)))
    config = load_config_text(
        "data: {source: csv, path: here.csv, target: label}\nmodel: {layers: [{Dense: {units: 2}}]}\ntraining: {epochs: 1}\n"
        "sweep: {parameters: {training.epochs: [1, 2]}}\n",
        folder=tmp_path,
    )
    plan = plan_sweep(config)
    with far_server() as far:
        run = Run(tmp_path / "sweep")
        (tmp_path / "sweep").mkdir()
        for given in ({"data.path": [str(tmp_path / "here.csv"), f"{far.url}/x.csv"]}, {"training.epochs": [1, 2]}):
            keys = {name: [name] for name in given}
            document = {"kind": "sweep", "status": "interrupted", "plan": {**plan_document(plan), "given": given, "keys": keys}}
            run.write_manifest(document)
            text = stored_config_text(plan)
            address = "data.path" not in given
            run.config_file.write_text(text.replace(str(tmp_path / "here.csv"), f"{far.url}/x.csv") if address else text)
            with pytest.raises(DltrainError, match="never fetched from here") as strange:
                sweep(resume=run.path)
            assert strange.value.exit_code == 3
            assert "check --data" in str(strange.value.faults[0].hint)

        vectors = {"vectors": f"{far.url}/glove.txt"}
        stored = TablePreprocessing(source="word_vectors", features=(), targets=(), arguments=vectors)
        with pytest.raises(DltrainError, match="never fetched from here"):
            refuse_strange_arguments(stored, run)
        with pytest.raises(DltrainError, match="never fetched from here"):
            refuse_strange_addresses(replace(config.data, text=replace(config.data.text, vectors=vectors["vectors"])), run.path)
        assert not far.asked
