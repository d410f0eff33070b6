import numpy as np
import pytest


def test_a_key(cli):
    result = cli("explain", "training.epochs")
    assert result.code == 0
    assert result.err == ""
    assert result.out == (
        "training.epochs: a key\n"
        "  Passes over the training part.\n"
        "  takes a whole number of at least 1 (default 10)\n"
        "  for example\n"
        "    training:\n"
        "      epochs: 30\n"
    )


def test_a_layer(cli):
    out = cli("explain", "dense").out
    assert out.startswith("Dense: a layer\n")
    assert "  units: a whole number of at least 1 (required)\n      Positive integer" in out
    assert "  use_bias: true or false (default true)\n" in out
    assert "        - Dense: {units: 64}\n" in out
    assert max(map(len, out.splitlines())) <= 100


def test_an_argument_names_its_owners(cli):
    assert cli("explain", "min_faces_per_person").out.startswith("data.min_faces_per_person: an argument of lfw_people\n")
    heading = cli("explain", "dtype").out.splitlines()[0]
    assert heading.endswith("more")


def test_several_words(cli):
    out = cli("explain", "epochs", "SGD").out
    assert "training.epochs: a key" in out
    assert "\n\nSGD: an optimizer\n" in out


def test_without_a_word_the_keys_are_listed(cli):
    out = cli("explain").out
    for key in ("data", "model", "training", "evaluation", "sweep"):
        assert f"\n  {key}: " in out
    assert "optimizers" in out


def test_json(cli):
    document = cli("explain", "test", "Huber", "--json").json
    assert document["status"] == "finished"
    assert [(one["word"], one["kind"], one["name"]) for one in document["explanations"]] == [
        ("test", "key", "data.test"),
        ("test", "key", "data.split.test"),
        ("Huber", "loss", "Huber"),
    ]
    delta = next(part for part in document["explanations"][2]["parts"] if part["name"] == "delta")
    assert (delta["default"], delta["type"], delta["required"]) == (1.0, "a number above 0", False)


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_an_unknown_word(cli, options):
    result = cli("explain", "Dnse", *options)
    assert result.code == 2
    assert "hint: did you mean Dense" in result.err
    if options:
        assert result.json["exit"] == 2
        assert "Dense" in result.json["errors"][0]["hint"]


def test_a_narrow_terminal(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    assert max(map(len, cli("explain", "Adam").out.splitlines())) <= 80


def test_attack_14_a_name_without_end_is_answered_at_once(cli):
    result = cli("explain", "model." * 5_000)
    assert result.code == 2
    assert len(result.err) < 1_000


def test_f8_the_curve_of_an_activation_is_drawn_and_told_of(cli, tmp_path):
    done = cli("explain", "relu", "--plot", "relu.png")
    assert (done.code, done.out.splitlines()[-1]) == (0, "its curve is drawn in relu.png")
    assert (tmp_path / "relu.png").read_bytes().startswith(b"\x89PNG")
    assert cli("explain", "relu", "--plot", "relu.png", "--force", "--json").json["plot"] == "relu.png"
    assert "pictures are drawn as PNG" in cli("explain", "relu", "--plot", "relu.jpg").err
    assert not (tmp_path / "relu.jpg").exists()
    assert "depends on its arguments" in cli("explain", "threshold", "--plot", "t.png").err
    assert "no function of one number" in cli("explain", "softmax", "--plot", "t.png").err


def test_f8_the_curve_of_a_layer_is_that_of_its_own_defaults(cli, monkeypatch):
    from keras import activations, layers

    drawn = {}
    monkeypatch.setattr("dltrain.evaluation.drawing.history.plot_activation", lambda name, value, *_: drawn.update({name: value}))
    for word in ("leaky_relu", "LeakyReLU", "elu", "ELU", "ReLU"):
        assert cli("explain", word, "--plot", "a.png").code == 0
    assert list(drawn) == ["leaky_relu", "LeakyReLU (negative_slope 0.3)", "elu", "ELU", "ReLU"]
    z = np.linspace(-3, 3, 13, dtype=np.float32)
    for name, value in drawn.items():
        word = name.split()[0]
        theirs = getattr(activations, word) if word.islower() else getattr(layers, word)()
        np.testing.assert_allclose(value(z.astype(np.float64)), theirs(z), atol=1e-6)
