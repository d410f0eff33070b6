"""Texts from the raw column to the prediction: embedded and averaged for a table, or by layers written by hand."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import polars
import pytest

from dltrain.checking import check_config
from dltrain.config.types import Config
from dltrain.data import load_dataset
from dltrain.errors import ConfigError
from dltrain.evaluation.evaluate import evaluate
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.predictions.predict import predict
from dltrain.model.keras_import import import_keras
from dltrain.training.fit import fit
from tests.training.support import assert_same_bits, config_of, fit_with_interruptions

TEXT = """
name: notes
seed: 4
data:
  source: csv
  path: notes.csv
  target: y
  features: {note: text, n: number, kind: category}
  text: {max_tokens: 40}
  split: {test: 0.25, validation: 0.25}
model:
  layers:
    - Dense: {units: 6, activation: relu}
training:
  epochs: 3
  batch_size: 16
"""
ALONE = ("data.features={note: text}", "training.checkpoint.format=keras")
LSTM = "model.layers=[{Embedding: {output_dim: 4, mask_zero: true}}, {LSTM: {units: 5}}]"
GOOD, BAD = ("what a good and kind day", "all went well", "we are happy"), ("a bad and sad day", "all went wrong", "we are lost")


def notes(folder: Path, *overrides: str) -> Config:
    rng = np.random.default_rng(0)
    rows = []
    for row in range(120):
        label = int(rng.integers(2))
        words = " ".join(rng.choice((BAD, GOOD)[label], size=int(rng.integers(1, 4))))
        rows.append(
            {"note": words if row != 7 else "", "n": float(rng.normal()), "kind": "xyz"[row % 3], "y": ("down", "up")[label]}
        )
    polars.DataFrame(rows).write_csv(folder / "notes.csv")
    return config_of(TEXT, *overrides, folder=folder)


def test_a_table_with_text_fits_and_plain_keras_opens_it(tmp_path: Path) -> None:
    config = notes(tmp_path, "training.epochs=8", "training.optimizer.learning_rate=0.05")
    result = fit(config, runs=tmp_path / "runs")
    assert result.metrics["test"]["accuracy"] >= 0.9
    keras = import_keras()
    plain = keras.models.load_model(result.run / "checkpoints" / "best.h5")
    dataset = load_dataset(config.data, seed=config.seed)
    part = dataset.parts["test"]
    outputs = plain.predict([part.inputs[spec.name] for spec in dataset.schema.inputs], verbose=0)[:, 0]
    found = predict(result.run, data=[str(tmp_path / "notes.csv")])
    assert found.probabilities is not None
    np.testing.assert_allclose(found.probabilities["up"][part.row_ids], outputs, atol=1e-6)
    assert evaluate(result.run).metrics == pytest.approx(result.metrics["test"])
    # The layers that were added compute the mean over the tokens, padding left out.
    model = load_run(result.run).build(result.run / "checkpoints" / "best.h5")
    indices = part.inputs["note"][:5]
    table = model.get_layer("note_embedding").get_weights()[0]
    means = [table[row[row > 0]].mean(axis=0) for row in indices]
    layer = keras.Model(model.inputs, model.get_layer("note_mean").output)
    computed = layer.predict([part.inputs[spec.name][:5] for spec in dataset.schema.inputs], verbose=0)
    np.testing.assert_allclose(computed, means, atol=1e-6)


@pytest.mark.slow
def test_an_interrupted_run_on_text_ends_with_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = notes(tmp_path, LSTM, *ALONE)
    fit(config, run_dir=tmp_path / "once")
    fit_with_interruptions(config, tmp_path / "often", monkeypatch, [5])
    assert_same_bits(tmp_path / "once", tmp_path / "often")


def test_a_run_on_pieces_of_words_is_resumed_predicts_and_is_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tokenizers")
    from dltrain.errors import UsageError
    from dltrain.evaluation.export import export

    config = notes(tmp_path, "data.text={split: bpe, vocabulary: 60}", "data.features={note: text}")
    assert shapes(config)[0][2] == (load_dataset(config.data, seed=config.seed).schema.inputs[0].shape[0], 16)
    whole = fit(config, run_dir=tmp_path / "once")
    fit_with_interruptions(config, tmp_path / "often", monkeypatch, [4])
    assert_same_bits(tmp_path / "once", tmp_path / "often")
    dataset = load_dataset(config.data, seed=config.seed)
    part = dataset.parts["test"]
    plain = import_keras().models.load_model(whole.run / "checkpoints" / "best.h5")
    outputs = plain.predict([part.inputs[spec.name] for spec in dataset.schema.inputs], verbose=0)[:, 0]
    found = predict(whole.run, data=[str(tmp_path / "notes.csv")])
    assert found.probabilities is not None
    np.testing.assert_allclose(found.probabilities["up"][part.row_ids], outputs, atol=1e-6)
    onnx = ("onnx",) if importlib.util.find_spec("tf2onnx") else ()
    for form in ("keras", "saved_model", *onnx):
        with pytest.raises(UsageError, match="the pieces of words of note") as caught:
            export(whole.run, format=form, destination=tmp_path / f"a{'.keras' if form == 'keras' else ''}")
        assert "--format tflite" in str(caught.value.faults[0].hint)
    # What the file takes stands in it; the answers were compared with the run's own.
    written = export(whole.run, destination=tmp_path / "a.tflite")
    assert written.num_rows > 0
    assert written.inputs[0]["dtype"] == "int32"


@pytest.mark.parametrize("trainable", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_word_vectors_begin_an_embedding_and_are_not_needed_again(
    tmp_path: Path, trainable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = {"good": [1, 0, 1], "bad": [-1, 0, 1], "kind": [1, 1, 0], "lost": [-1, 1, 0], "unused": [9, 9, 9]}
    (tmp_path / "v.txt").write_text("".join(f"{word} {' '.join(map(str, row))}\n" for word, row in vectors.items()))
    config = notes(
        tmp_path,
        f"data.text={{vectors: {tmp_path / 'v.txt'}, trainable: {str(trainable).lower()}}}",
        "data.features={note: text}",
    )
    whole = fit(config, run_dir=tmp_path / "once")
    if trainable:
        fit_with_interruptions(config, tmp_path / "often", monkeypatch, [5])
        assert_same_bits(tmp_path / "once", tmp_path / "often")
    (tmp_path / "v.txt").unlink()
    assert evaluate(whole.run).metrics == pytest.approx(whole.metrics["test"])
    table = load_run(whole.run).build(whole.run / "checkpoints" / "last.h5").get_layer("note_embedding").get_weights()[0]
    [column] = load_run(whole.run).preprocessing.features
    row = table[2 + column.tokenizer.vocabulary.index("good")]
    assert np.array_equal(row, vectors["good"]) != trainable
    assert len(predict(whole.run, data=[str(tmp_path / "notes.csv")]).prediction) == 120


def shapes(config: Config) -> list[tuple[str, str, tuple[int | None, ...] | None, int | None]]:
    result = check_config(config, build=True)
    assert result.errors == ()
    plain = check_config(config)
    built = {row.name: row for row in result.layers}
    for row in plain.layers:
        assert (built[row.name].output_shape, built[row.name].parameters) == (row.output_shape, row.parameters)
    assert len(plain.layers) == len(result.layers)
    return [(row.name, row.layer, row.output_shape, row.parameters) for row in plain.layers]


@pytest.mark.parametrize(
    "layers",
    [
        "[{Embedding: {output_dim: 4, mask_zero: true}}, {Bidirectional: {layer: {GRU: {units: 3}}}}]",
        "[Embedding, {Conv1D: {filters: 3, kernel_size: 2}}, GlobalMaxPooling1D]",
    ],
)
def test_layers_by_hand_take_the_tokens(tmp_path: Path, layers: str) -> None:
    rows = shapes(notes(tmp_path, f"model.layers={layers}", *ALONE))
    assert rows[0][1] == "Embedding"
    assert rows[0][2] == (15, 4 if "4" in layers else 8)


@pytest.mark.slow
def test_branches_by_name(tmp_path: Path) -> None:
    layers = (
        "[{Embedding: {from: note, output_dim: 4, mask_zero: true}}, {LSTM: {units: 3, name: end}}, "
        "{Concatenate: {from: [end, features]}}, {Dense: {units: 4}}]"
    )
    config = notes(tmp_path, f"model.layers={layers}", "training.checkpoint.format=keras", "training.epochs=1")
    assert [row[:2] for row in shapes(config)][:3] == [
        ("embedding", "Embedding"),
        ("end", "LSTM"),
        ("concatenate", "Concatenate"),
    ]
    result = fit(config, runs=tmp_path / "runs")
    assert len(predict(result.run, data=[str(tmp_path / "notes.csv")]).prediction) == 120


@pytest.mark.parametrize(
    ("overrides", "path", "words"),
    [
        ([LSTM, "data.features={note: text}"], "model.layers.0", "an .h5 file cannot hold this Embedding"),
        (["model.layers=[{Embedding: {input_dim: 5}}]", *ALONE], "model.layers.0", "input_dim is 5, but note has"),
        (["model.layers=[Flatten, Embedding]", *ALONE], "model.layers.1", "Embedding needs input_dim and output_dim here"),
    ],
)
def test_what_cannot_be_is_said_by_check_and_by_fit(tmp_path: Path, overrides: list[str], path: str, words: str) -> None:
    config = notes(tmp_path, *overrides)
    [*errors] = check_config(config).errors
    assert [fault.path for fault in errors if words in fault.message] == [path]
    with pytest.raises(ConfigError, match=words):
        fit(config, runs=tmp_path / "runs")
