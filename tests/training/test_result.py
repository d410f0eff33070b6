"""What is evaluated of a training part that is too long for memory: the same rows in the fit and ever after."""

from __future__ import annotations

import numpy as np

from dltrain.evaluation import spread_sample
from dltrain.evaluation.evaluate import evaluate
from dltrain.training.fit import fit
from tests.training.support import config_of

TEXT = """
data: {source: csv, path: long.csv, target: y}
model: {layers: [{Dense: {units: 4}}]}
training: {epochs: 2, batch_size: 50}
"""


def test_a_long_part_on_disk_is_evaluated_on_rows_spread_over_it(tmp_path, monkeypatch, thorough):
    generator = np.random.default_rng(0)
    values = generator.normal(size=(2000, 2)).round(4)
    kinds = np.where(values[:, 0] > values[:, 1], "yes", "no")
    parts = np.array(["train"] * 9 + ["test"])[np.arange(2000) % 10]
    rows = [f"{a:.4f},{b:.4f},{kind},{part}" for (a, b), kind, part in zip(values, kinds, parts, strict=True)]
    (tmp_path / "long.csv").write_text("\n".join(["a,b,y,part", *rows]))
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "1")
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "cache"))
    for split, trained in (({"data.split": "{column: part}"}, 1800), ({}, 2000))[: 2 if thorough else 1]:
        words = [f"{key}={value}" for key, value in split.items()] or ["data.drop=part"]
        config = config_of(TEXT, *words, folder=tmp_path)
        monkeypatch.setattr(spread_sample, "MOST_ROWS", 500_000)
        whole = fit(config, run_dir=tmp_path / f"whole-{trained}")
        assert not any("evenly spread" in note for note in whole.notes)
        assert evaluate(whole.run, part="train").metrics == whole.metrics["train"]
        bounds = (("MOST_BYTES", 500 * 2 * 4), ("MOST_ROWS", 500))  # two numbers of four bytes a row
        for name, most in bounds[: 2 if thorough else 1]:
            with monkeypatch.context() as patch:
                patch.setattr(spread_sample, name, most)
                thinned = fit(config, run_dir=tmp_path / f"{name}-{trained}")
                again = evaluate(thinned.run, part="train")
            assert again.metrics == thinned.metrics["train"]
            for notes in (thinned.notes, again.notes):
                assert "The training part's metrics are those of 500 rows, evenly spread over the training part." in notes
            edges = np.arange(501) * trained // 500
            chosen = edges[:-1] + np.random.default_rng(0).integers(0, np.diff(edges))
            assert len(set(chosen.tolist())) == 500
            true = kinds[parts == "train"][chosen] if split else kinds[chosen]
            confusion = np.array(again.report["confusion_matrix"])
            assert confusion.sum(axis=1).tolist() == [(true == "no").sum(), (true == "yes").sum()]
            assert abs(thinned.metrics["train"]["accuracy"] - whole.metrics["train"]["accuracy"]) < 0.1
            assert thinned.metrics.get("test") == whole.metrics.get("test")
