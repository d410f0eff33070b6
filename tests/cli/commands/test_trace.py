"""`dltrain trace`: the worked examples of a course to the digit, rows of real data, runs, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dltrain.cli.app import run
from tests.support import CONFIGS, shared_data

WIDE = """
data: none
model:
  inputs: {x: {shape: [50]}}
  layers:
    - Dense: {units: 40, activation: relu}
    - Dense: {units: 10, activation: softmax}
training: {optimizer: adam}
"""


def trace(capsys, *words):
    """Exit code, stdout, stderr."""
    code = run(["trace", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def document(capsys, *words):
    code, out, err = trace(capsys, *words, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.mark.parametrize(
    ("name", "numbers", "expected"),
    [
        ("light_switch", "100", 0.0),
        ("light_switch", "5", 1.0),
        ("forward_one_layer", "-1, 2", -3.0),
        ("forward", "3, 5", 182.0),
        ("forward", "3 ,5", 182.0),
    ],
)
def test_the_examples_forwards(name, numbers, expected, capsys):
    found = document(capsys, CONFIGS / f"{name}.yaml", "--input", numbers)
    assert found["outputs"] == [[[expected]]]
    assert found["predictions"] == [{"y": expected}]
    assert found["computed_by"] == "numpy"
    assert "loss" not in found


def test_the_sums_are_written_out(capsys):
    code, out, _ = trace(capsys, CONFIGS / "forward.yaml", "--input", "3, 5")
    assert code == 0
    for line in (
        "z0 = w·x = 2·3 + 4·5 = 26   a0 = relu(26) = 26",
        "z1 = w·x = 4·3 - 5·5 = -13   a1 = relu(-13) = 0",
        "z = w·x = 2·0 + 7·26 = 182   a = 182",
    ):
        assert line in out
    assert (
        "z = w·x + b = -1·100 + 50 = -50   a = binary_step(-50) = 0"
        in trace(capsys, CONFIGS / "light_switch.yaml", "--input", "100")[1]
    )


def test_the_sum_of_a_layer_of_five_is_that_written_by_hand(capsys):
    from math import exp, tanh

    x = (1, 2, -1)
    kernel = ((0.5, -1, 0.25, 0, 1), (1, 0.5, -0.5, 2, 0), (-1, 0.5, 1, 0.5, -2))
    biases = (0, 1, -1, 0.5, -0.5)
    hidden = [tanh(sum(x[i] * kernel[i][unit] for i in range(3)) + biases[unit]) for unit in range(5)]
    z = sum(w * a for w, a in zip((1, -2, 0.5, 1.5, -1), hidden)) + 0.1
    found = document(capsys, CONFIGS / "layer_of_five.yaml", "--input", "1, 2, -1")
    assert found["layers"][0]["outputs"][0] == pytest.approx(hidden, abs=1e-12)
    assert found["outputs"][0][0][0] == pytest.approx(1 / (1 + exp(-z)), abs=1e-12)


def test_one_step_of_gradient_descent(capsys):
    words = (CONFIGS / "gradient_step.yaml", "--input", "3", "--target", "10")
    found = document(capsys, *words)
    [layer] = found["layers"]
    assert layer["gradients"]["weights"]["kernel"] == [[-24.0]]
    assert layer["updated"]["kernel"] == [[2.24]]
    assert found["loss"]["value"] == 16.0
    _, out, _ = trace(capsys, *words)
    assert "dL/dw = dL/dz·x = -8·3 = -24" in out
    assert "2 - 0.01·(-24) = 2.24" in out


def test_without_training_the_step_is_plain_descent_and_says_so(capsys):
    _, out, _ = trace(capsys, CONFIGS / "forward.yaml", "--input", "3, 5", "--target", "180")
    assert "dL/da = 2·(182 - 180) = 4" in out
    assert "1 - 0.01·728 = -6.28" in out
    assert "the step is that of SGD at 0.01" in " ".join(out.split())


def test_steps_follow_the_closed_form_and_are_drawn(capsys, tmp_path):
    picture = tmp_path / "descent.png"
    words = ("--input", "3", "--target", "10", "--steps", "20", "--plot", picture)
    found = document(capsys, CONFIGS / "gradient_step.yaml", *words)
    # The error shrinks by the factor 1 - 0.01 · 2 · 3² each step.
    assert found["losses"] == pytest.approx([16 * 0.82 ** (2 * step) for step in range(21)])
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert found["plot"] == str(picture)


def test_several_rows_share_one_step(capsys):
    words = ["--input", "3", "--target", "10", "--input", "1", "--target", "0"]
    found = document(capsys, CONFIGS / "gradient_step.yaml", *words)
    assert found["loss"]["rows"] == [16.0, 4.0]
    assert found["layers"][0]["gradients"]["weights"]["kernel"] == [[(-24 + 4) / 2]]
    _, out, _ = trace(capsys, CONFIGS / "gradient_step.yaml", *words)
    assert "-4·3 + 2·1 = -10" in out


def test_no_line_is_wider_than_80_columns_and_large_layers_are_summed_up(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wide.yaml").write_text(WIDE)
    numbers = ",".join(str(0.37 * (index - 20)) for index in range(50))
    code, out, _ = trace(capsys, "wide.yaml", "--input", numbers, "--target", "3")
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    assert "37 more units" in out
    assert "[47 more:" in out
    assert "weights as `fit` begins with them (seed 0)" in out


def test_a_net_of_given_weights_needs_no_tensorflow():
    words = ["trace", str(CONFIGS / "layer_of_five.yaml"), "--input", "1, 2, -1", "--target", "1"]
    code = f"import sys; from dltrain.cli.app import run; code = run({words!r}); assert 'tensorflow' not in sys.modules; sys.exit(code)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "sigmoid and cross-entropy together: dL/dz = y - t" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--input", "1, 2"], "the net takes inputs of 1 number, found 2 values"),
        (["--input", "one"], "expected numbers in --input, found 'one'"),
        (["--input", "nan"], "expected finite numbers"),
        ([], "there is nothing to compute with"),
        (["--row", "1"], "has no data to take a row of"),
        (["--input", "3", "--target", "1", "--target", "2"], "1 --input but 2 --target"),
        (["--input", "3", "--steps", "3"], "need a target"),
        (["--input", "3", "--plot", "x.png"], "--plot draws the loss over several steps"),
        (["--rows", "5:3"], "expected rows such as 0:20"),
        (["--input", "3", "model.layers.0.units=2"], "weights of shapes"),
    ],
)
def test_what_is_refused(words, message, capsys):
    code, out, err = trace(capsys, CONFIGS / "gradient_step.yaml", *words)
    assert code == 2
    assert not out
    assert message in err


def test_fit_of_a_net_without_data_names_trace(capsys):
    assert run(["fit", str(CONFIGS / "light_switch.yaml")]) == 2
    assert "dltrain trace" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("shape", "layers", "terms", "total"),
    [
        (4, "[{Dense: {units: 10}}, {Dense: {units: 1}}]", ["4×10 + 10", "10×1 + 1"], "61 parameters"),
        (
            784,
            "[{Dense: {units: 64}}, {Dense: {units: 64}}, {Dense: {units: 10}}]",
            ["784×64 + 64", "64×64 + 64"],
            "55,050 parameters",
        ),
        (3, "[{Dense: {units: 5}}, {Dense: {units: 1}}]", ["3×5 + 5", "5×1 + 1"], "26 parameters"),
    ],
)
def test_check_counts_parameters_with_their_arithmetic(shape, layers, terms, total, tmp_path, capsys):
    (tmp_path / "net.yaml").write_text(f"data: none\nmodel: {{inputs: {{x: {{shape: [{shape}]}}}}, layers: {layers}}}\n")
    assert run(["check", str(tmp_path / "net.yaml")]) == 0
    out = capsys.readouterr().out
    assert all(term in out for term in [*terms, total])


def test_rows_of_real_data_and_of_a_run(capsys, tmp_path):
    """A run's numbers for a row are those that `predict` gives, by NumPy from the run's file as by Keras."""
    data = shared_data("tabular/concrete/concrete_data.csv")
    config = tmp_path / "concrete.yaml"
    config.write_text((CONFIGS / "concrete.yaml").read_text().replace("tabular/concrete/concrete_data.csv", str(data)))
    assert run(["fit", str(config), "--run-dir", str(tmp_path / "run"), "training.epochs=1", "-q"]) == 0
    capsys.readouterr()
    rows = document(capsys, tmp_path / "run", "--rows", "0:3")
    assert rows["computed_by"] == "numpy"
    assert run(["predict", str(tmp_path / "run"), "--data", str(data), "--format", "jsonl"]) == 0
    predicted = [json.loads(line)["prediction"] for line in capsys.readouterr().out.splitlines()[:3]]
    assert [next(iter(row.values())) for row in rows["predictions"]] == pytest.approx(predicted, rel=1e-5)
    values = data.read_text().splitlines()[1].split(",")
    again = document(capsys, tmp_path / "run", "--input", ",".join(values[:-1]), "--target", values[-1])
    assert again["outputs"][0][0] == pytest.approx(rows["outputs"][0][0], rel=1e-6)
    assert again["targets"][0][0] == pytest.approx(rows["targets"][0][0], rel=1e-6)


def test_f1_a_row_of_a_run_of_dense_layers(capsys, tmp_path):
    """The `.h5` of a run is read by NumPy; the answer is that of `predict`."""
    config = tmp_path / "iris.yaml"
    config.write_text("data: {source: iris, split: {test: 0.2}}\nmodel: {layers: [Dense: {units: 3}]}\n")
    assert run(["fit", str(config), "--run-dir", str(tmp_path / "run"), "training.epochs=1", "-q"]) == 0
    capsys.readouterr()
    found = document(capsys, tmp_path / "run", "--row", "7")
    assert found["computed_by"] == "numpy"
    (tmp_path / "row.csv").write_text(iris_rows())
    assert run(["predict", str(tmp_path / "run"), "--data", str(tmp_path / "row.csv"), "--format", "jsonl"]) == 0
    predicted = json.loads(capsys.readouterr().out.splitlines()[7])
    assert found["outputs"][0][0] == pytest.approx(
        [value for name, value in predicted.items() if "probability" in name], rel=1e-5
    )


def iris_rows():
    from sklearn.datasets import load_iris

    iris = load_iris()
    lines = [",".join(str(value) for value in row) for row in iris.data]
    return ",".join(iris.feature_names) + "\n" + "\n".join(lines) + "\n"


def test_a_convolution_is_shown_by_one_pixel(capsys, tmp_path):
    (tmp_path / "cnn.yaml").write_text(
        "data: {source: digits, scale: unit, split: {test: 0.2}}\n"
        "model: {layers: [{Conv2D: {filters: 4, kernel_size: [3, 2], strides: 2, padding: same, activation: relu}}, Flatten]}\n"
    )
    found = document(capsys, tmp_path / "cnn.yaml", "--row", "3")
    layer = found["layers"][0]
    pixel = layer["pixel"]
    row, column = pixel["position"]
    assert max(pixel["sum"], 0) == pytest.approx(layer["outputs"][0][row][column][pixel["filter"]], abs=1e-6)
    assert found["computed_by"] == "tensorflow"
    code, out, _ = trace(capsys, tmp_path / "cnn.yaml", "--row", "3")
    assert code == 0
    assert "filter 0 at (2, 2) of its output, kernel · window:" in out


def test_predict_of_a_config_names_trace(capsys):
    assert run(["predict", str(CONFIGS / "light_switch.yaml"), "--data", "x.csv"]) == 2
    err = capsys.readouterr().err
    assert "is a config, not a run" in err
    assert "dltrain trace" in err


def test_a_series_is_traced_by_rows_not_by_numbers(capsys, tmp_path):
    (tmp_path / "series.csv").write_text(
        "month,value\n" + "\n".join(f"2020-01-{day:02d},{day % 7}" for day in range(1, 29)) + "\n"
    )
    (tmp_path / "series.yaml").write_text(
        "data: {source: csv, path: series.csv, target: value, series: {time: month, history: 3}, split: {test: 0.2}}\n"
        "model: {layers: [Flatten, {Dense: {units: 2, activation: relu}}]}\n"
    )
    code, _, err = trace(capsys, tmp_path / "series.yaml", "--input", "1,2,3")
    assert code == 2, err
    assert "take a row of the data with --row" in err
