"""`code:` is read from its source: what it registers, with which arguments, and every way in which it can be wrong."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dltrain.cli.app import run
from dltrain.config import Config, dump_yaml, load_config, load_config_text
from dltrain.config.durations import with_steps
from dltrain.errors import ConfigError, Fault
from tests.own_code import SOURCE, write_config

HEAD = "import keras\nfrom keras.saving import register_keras_serializable as register\n"
LAYER = HEAD + "@register()\nclass Mine(keras.layers.Layer):\n    def __init__(self, {}**kwargs):\n        pass\n"


def faults_of(file: Path, *overrides: str) -> tuple[Fault, ...]:
    with pytest.raises(ConfigError) as caught:
        load_config(file, overrides)
    return caught.value.faults


def own(folder: Path, source: str, layer: str = "Mine") -> Config:
    text = f"code: my_layers.py\ndata: {{source: digits}}\nmodel: {{layers: [Flatten, {layer}]}}\n"
    return load_config(write_config(folder, text, source))


def refused(folder: Path, source: str, layer: str = "Mine") -> tuple[str, int | None, str, str]:
    """File, line, message and hint of the first fault."""
    with pytest.raises(ConfigError) as caught:
        own(folder, source, layer)
    first = caught.value.faults[0]
    return Path(first.file or "").name, first.line, first.message, first.hint or ""


def test_what_a_file_registers_are_components_of_their_kinds(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path))
    assert config.code is not None
    assert config.training is not None
    kinds = {each.name: (each.kind, each.base) for each in config.code.components.values()}
    assert kinds == {
        "Scale": ("layer", None),
        "Halves": ("layer", "Dense"),
        "Cubic": ("loss", None),
        "Largest": ("metric", None),
        "Hyperbola": ("schedule", None),
        "Damped": ("optimizer", "SGD"),
        "squash": ("activation", None),
        "powers": ("loss", None),
        "twentieth": ("initializer", None),
        "shrink": ("activation", None),
    }
    assert list(config.code.components["shrink"].entries) == ["activation", "regularizer", "constraint"]
    assert list(config.code.components["powers"].entries) == ["loss", "metric"]
    dense = config.model.layers[0].component.arguments
    assert {name: value.kind for name, value in dense.items() if name != "units"} == {
        "activation": "activation",
        "bias_initializer": "initializer",
        "kernel_constraint": "constraint",
    }
    assert [metric.arguments["name"] for metric in config.training.metrics] == ["largest_error", "powers", "cubic"]
    assert config.code.components["Scale"].entry["doc"] == "Multiplies by a factor that is learnt."
    digest = hashlib.sha256(SOURCE.encode()).hexdigest()
    assert config.resolved["code"] == {"code/my_layers.py": digest}


def test_nothing_is_imported_to_read_it(tmp_path: Path) -> None:
    file = write_config(tmp_path, source=SOURCE + f"\nopen({str(tmp_path / 'ran')!r}, 'w')\n")
    code = (
        "import sys\nfrom dltrain.cli.app import run\nrun(sys.argv[1:])\n"
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, "check", str(file)], capture_output=True, text=True, check=True)
    assert "OK" in done.stdout
    assert done.stdout.endswith("[]\n")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("signature", "given", "message"),
    [
        ("units: int, ", "{units: 2.5}", "expected a whole number, found 2.5"),
        ("units: int, ", "{unit: 2}", "unknown argument of Mine"),
        ("units: int, ", "{}", "Mine needs the argument units"),
        ("rate: float = 1, ", "{rate: a}", 'expected a number, found text "a"'),
        ("rate=0.5, ", "{rate: a}", 'expected a number, found text "a"'),
        ("rate=1, ", "{rate: true}", "expected a number, found true"),
        ("deep=False, ", "{deep: 1}", "expected true or false, found 1"),
        ("mode='a', ", "{mode: 1}", "expected text, found 1"),
        ("mode: 'Literal[\"a\", \"b\"]' = 'a', ", "{mode: c}", 'expected one of a, b, found text "c"'),
        ("sizes: list[int] = (), ", "{sizes: [1, x]}", 'expected a whole number, found text "x"'),
        ("kernel_initializer='zeros', ", "{kernel_initializer: zeroes}", 'unknown initializer "zeroes"'),
        ("activation='relu', ", "{activation: rellu}", 'unknown activation "rellu"'),
        ("inner: keras.Layer | None = None, ", "{inner: Dens}", 'unknown layer "Dens"'),
    ],
)
def test_arguments_are_checked_by_the_signature(tmp_path: Path, signature: str, given: str, message: str) -> None:
    [fault] = faults_of_source(tmp_path, LAYER.format(signature), f"{{Mine: {given}}}")
    assert (fault.message, Path(fault.file or "").name, fault.line) == (message, "own.yaml", 3)


def faults_of_source(folder: Path, source: str, layer: str) -> tuple[Fault, ...]:
    with pytest.raises(ConfigError) as caught:
        own(folder, source, layer)
    return caught.value.faults


@pytest.mark.parametrize(
    ("signature", "given"),
    [
        ("units: int | None = None, ", "units: null, name: a, trainable: false"),
        ("units: 'Optional[int]' = None, ", "units: 3"),
        ("rate=1, ", "rate: 0.5"),
        ("rate: unknown.Thing = None, ", "rate: [1, {a: 2}]"),
        ("*, rate: float, ", "rate: 1"),
        ("inner: keras.Layer = None, ", "inner: {Dense: {units: 2}}"),
        ("shape: tuple[int, int] = (1, 2), ", "shape: [3, 4]"),
    ],
)
def test_what_the_signature_takes_is_taken(tmp_path: Path, signature: str, given: str) -> None:
    config = own(tmp_path, LAYER.format(signature), f"{{Mine: {{{given}}}}}")
    assert config.model.layers[-1].component.name == "Mine"


@pytest.mark.parametrize(
    ("source", "line", "message", "hint"),
    [
        (HEAD + "class Mine(keras.layers.Layer:\n", 3, "this is no Python: invalid syntax", "mend this line"),
        ("x = '\0'\n", 1, "this is no Python: source code string cannot contain null bytes", "mend"),
        ("x = " + "(" * 5000 + ")" * 5000, 1, "this is no Python: ", "mend"),
        ("x = " + "9" * 10_000, 1, "this is no Python: Exceeds the limit", "mend"),
        (HEAD + "@register\nclass Mine(keras.Layer): pass\n", 4, "Mine is registered without brackets", "write @keras.saving"),
        (
            HEAD + "@register()\nclass Mine(object): pass\n",
            4,
            "Mine is registered, but derived of none of Keras's kinds",
            "class MyLayer",
        ),
        (
            HEAD + "@register()\nclass Mine(keras.callbacks.Callback): pass\n",
            4,
            "Mine is registered, but derived",
            "takes no callbacks",
        ),
        (HEAD + "@register()\nclass Dense(keras.Layer): pass\n", 4, "Dense is a name of Keras's own", "another name"),
        (
            HEAD + "@register()\nclass Half_MSE(keras.Loss): pass\n",
            4,
            "Half_MSE is a name of Keras's own or of dltrain",
            "another",
        ),
        (HEAD + "@register(name='mse')\nclass Mine(keras.Loss): pass\n", 4, "mse is a name of Keras's own", "another name"),
        (HEAD + "@register()\nclass Mine(keras.Layer): pass\n" * 2, 6, "Mine is registered twice: also in", "another name"),
        (
            HEAD + "@register()\ndef mine(a, b, c): pass\n",
            4,
            "the function mine is nothing that Keras calls: it needs 3",
            "def my_l",
        ),
        (HEAD + "@register()\ndef mine(): pass\n", 4, "the function mine is nothing that Keras calls: it needs 0", "def my_l"),
        (
            HEAD + "@register()\ndef mine(shape): pass\n",
            4,
            "the function mine is nothing that Keras calls: an initializer",
            "dtype",
        ),
        (
            HEAD + "@register()\ndef mine(x, *, b): pass\n",
            4,
            "the function mine is nothing that Keras calls: it cannot",
            "def my",
        ),
        (HEAD + "@register\ndef mine(x): pass\n", 4, "mine is registered without brackets", "write @keras.saving"),
        (
            HEAD + "@register()\ndef gelu(x): pass\n",
            4,
            "gelu is a name of Keras's own or of dltrain (activation gelu)",
            "function",
        ),
        (HEAD + "@register()\nclass Mine(keras.Layer):\n  def __init__(self): pass\n", 4, "Mine takes no `name`", "**kwargs"),
        (HEAD + "@register(name=1 + 1)\nclass Mine(keras.Layer): pass\n", 4, "the name under which Mine is registered", "leave"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_at_its_line(tmp_path: Path, source: str, line: int, message: str, hint: str) -> None:
    name, where, told, next_step = refused(tmp_path, source)
    assert (name, where) == ("my_layers.py", line)
    assert told.startswith(message)
    assert hint in next_step


@pytest.mark.parametrize(
    ("first", "line"), [(b"", 2), (b"# -*- coding: latin-1 -*-\n", None), (b"#!/usr/bin/python\n# coding=latin-1\n", None)]
)
def test_a_file_that_is_not_utf_8_says_what_it_is(tmp_path: Path, first: bytes, line: int | None) -> None:
    config = write_config(tmp_path)
    (tmp_path / "my_layers.py").write_bytes(first + b"import keras\n# caf\xe9\n" + SOURCE.encode())
    if line is None:
        assert load_config(config).code is not None
        return
    with pytest.raises(ConfigError) as caught:
        load_config(config)
    fault = next(fault for fault in caught.value.faults if fault.path == "code")
    assert (fault.line, fault.message, fault.hint) == (2, "not UTF-8: byte 0xe9 at offset 18", "save the file as UTF-8")


def test_a_class_that_is_not_registered_is_told_of_where_it_is_named(tmp_path: Path) -> None:
    name, line, message, hint = refused(tmp_path, HEAD + "class Mine(keras.Layer): pass\n")
    assert (name, line) == ("own.yaml", 3)
    assert message.endswith("my_layers.py:3, but is not registered with Keras")
    assert "register_keras_serializable()" in hint


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("{Dense: {units: 2, activation: mine}}", "mine stands in "),
        ("{Dense: {units: 2, kernel_regularizer: mine}}", "mine stands in "),
        ("{Dense: {units: 2, activation: other}}", 'unknown activation "other"'),
    ],
)
def test_a_function_that_is_not_registered_is_told_of_where_it_is_named(tmp_path: Path, layer: str, message: str) -> None:
    name, _, told, hint = refused(tmp_path, HEAD + "def mine(x): return x\n", layer)
    assert name == "own.yaml"
    assert told.startswith(message)
    assert ("register_keras_serializable()" in hint) == ("stands in" in message)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{powers: {power: a}}", 'expected a number, found text "a"'),
        ("{powers: {powr: 2}}", "unknown argument of powers"),
        ("squash", 'unknown loss "squash"'),
        ("{powers: {y_true: 2}}", "unknown argument of powers"),
    ],
)
def test_arguments_of_functions_are_checked(tmp_path: Path, given: str, message: str) -> None:
    [fault] = faults_of(write_config(tmp_path, f"code: my_layers.py\ndata: {{source: digits}}\ntraining: {{loss: {given}}}\n"))
    assert fault.message == message


def test_names_are_found_through_imports_bases_and_earlier_files(tmp_path: Path) -> None:
    (tmp_path / "first.py").write_text("from tensorflow.keras.layers import Conv2D as C\nclass Base(C):\n    pass\n")
    second = (
        "try:\n    from keras.utils import register_keras_serializable\nexcept ImportError:\n    pass\n"
        "from first import Base\n@register_keras_serializable(package='p')\nclass Mine(Base):\n    pass\n"
    )
    text = "code: [first.py, my_layers.py]\ndata: {source: digits}\nmodel: {layers: [{Mine: {filters: 2, kernel_size: 3}}]}\n"
    config = load_config(write_config(tmp_path, text, second))
    assert config.code is not None
    assert config.code.components["Mine"].base == "Conv2D"
    assert "kernel_size" in str(faults_of(write_config(tmp_path, text.replace("kernel_size: 3", "kernel_size: x"), second))[0])


def test_the_file_is_found_beside_the_config_that_names_it(tmp_path: Path) -> None:
    write_config(tmp_path / "base", "code: my_layers.py\n")
    (tmp_path / "top.yaml").write_text(
        "extends: base/own.yaml\ndata: {source: digits}\nmodel: {layers: [Flatten, {Scale: {start: 2}}]}\n"
    )
    config = load_config(tmp_path / "top.yaml")
    assert config.code is not None
    assert config.code.files[0].shown == str(tmp_path / "base" / "my_layers.py")


def test_the_resolved_config_says_the_hash_and_is_held_to_it(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path))
    text = dump_yaml(config.resolved)
    (tmp_path / "run" / "code").mkdir(parents=True)
    (tmp_path / "run" / "code" / "my_layers.py").write_text(SOURCE)
    again = load_config_text(text, folder=tmp_path / "run")
    assert again.resolved == config.resolved
    assert again.code == config.code
    (tmp_path / "run" / "code" / "my_layers.py").write_text(SOURCE + "#")
    with pytest.raises(ConfigError, match="was changed: its SHA-256 is"):
        load_config_text(text, folder=tmp_path / "run")
    # What was read already is not read again: these are the bytes that were looked through.
    assert load_config_text(text, folder=tmp_path / "run", code=config.code).code == config.code


def test_the_resolved_config_that_is_printed_can_be_kept_beside_the_config(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config(tmp_path / "mine")
    for file, where in ((config, tmp_path), (Path("own.yaml"), tmp_path / "mine")):
        monkeypatch.chdir(where)
        assert run(["check", str(file), "--resolved"]) == 0
        kept = config.with_name("kept.yaml")
        kept.write_text(capsys.readouterr().out)
        assert load_config(kept).code == load_config(config).code


def test_a_changed_file_is_a_changed_config(tmp_path: Path) -> None:
    first = load_config(write_config(tmp_path))
    second = load_config(write_config(tmp_path, source=SOURCE + "# a remark\n"))
    assert first != second
    assert first.resolved != second.resolved
    assert first.code == load_config(write_config(tmp_path / "elsewhere")).code


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../secret.py", "expected a file in the folder of the config or below it, found ../secret.py"),
        ("sub/../../secret.py", "expected a file in the folder of the config or below it"),
        ("/etc/secret.py", "expected a file in the folder of the config or below it, found /etc/secret.py"),
        ("~/secret.py", "expected a file in the folder of the config or below it"),
        ("link.py", "link.py is a link, or behind one"),
        ("folder/mine.py", "folder/mine.py is a link, or behind one"),
        ("pipe.py", "pipe.py is no regular file"),
        ("zero.py", "zero.py is a link, or behind one"),
        ("sub", "expected a file of Python, found sub"),
        ("sub.py", "sub.py is no regular file"),
        ("large.py", "expected at most 262,144 bytes of own code in a file, large.py has more"),
        ("my_layer.py", "no such file: my_layer.py"),
        ("my-layers.py", "expected a file of Python, found my-layers.py"),
    ],
)
def test_a_file_is_read_only_where_the_config_may_lead(tmp_path: Path, name: str, message: str) -> None:
    folder = tmp_path / "config"
    file = write_config(folder, f"code: [{name}]\ndata: {{source: digits}}\n")
    (tmp_path / "secret.py").write_text("")
    (folder / "sub.py").mkdir()
    (folder / "link.py").symlink_to("my_layers.py")
    (folder / "folder").symlink_to(tmp_path)
    (folder / "zero.py").symlink_to("/dev/zero")
    (folder / "large.py").write_bytes(b"#" * 300_000)
    os.mkfifo(folder / "pipe.py")
    [fault] = faults_of(file)
    assert (fault.line, fault.column, fault.path) == (1, 8, "code.0")
    assert fault.message.startswith(message)


def test_a_word_of_the_command_line_may_lead_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_config(tmp_path / "config", "data: {source: digits}\nmodel: {layers: [Flatten, Scale]}\n")
    monkeypatch.chdir(tmp_path)
    config = load_config(file, ["code=config/my_layers.py", "model.layers.1.start=3"])
    assert config.model.layers[1].component.arguments == {"start": 3}
    [fault] = faults_of(file, "code=/dev/zero.py")
    assert fault.message == 'no such file: /dev/zero.py, in "code=/dev/zero.py"'


def test_more_files_than_anybody_has_are_refused(tmp_path: Path) -> None:
    names = ", ".join(f"f{index}.py" for index in range(21))
    [fault] = faults_of(write_config(tmp_path, f"code: [{names}]\ndata: {{source: digits}}\n"))
    assert fault.message == "expected at most 20 files of own code, found 21"


@pytest.mark.parametrize("given", ["{my_layers.py: abc}", "[[my_layers.py]]", "3", "[null]", "{a: {b: 1}}"])
def test_what_names_no_files_is_an_error_at_its_place(tmp_path: Path, given: str) -> None:
    fault = faults_of(write_config(tmp_path, f"code: {given}\ndata: {{source: digits}}\n"))[0]
    assert fault.line == 1
    assert (fault.path or "").startswith("code")
    assert fault.hint


def test_a_metric_of_which_more_or_less_may_be_better_is_not_guessed(tmp_path: Path) -> None:
    from dltrain.config.catalog.metrics import find_direction

    config = load_config(write_config(tmp_path))
    assert config.training is not None
    assert find_direction("val_largest_error", config.training.metrics) is None


def test_an_own_schedule_counts_steps_in_terms_of_the_training(tmp_path: Path) -> None:
    source = (
        HEAD + "@register()\nclass Saw(keras.optimizers.schedules.LearningRateSchedule):\n"
        "    def __init__(self, peak: float, period_steps: int = 10, boundaries: list[int] = None): pass\n"
    )
    rate = "{Saw: {peak: 0.1, period_steps: 2 Epochs, boundaries: [10 %, 30]}}"
    text = "code: [my_layers.py]\ndata: {source: digits}\nmodel: {layers: [Flatten]}\n"
    text += f"training: {{epochs: 5, batch_size: 10, optimizer: {{SGD: {{learning_rate: {rate}}}}}}}\n"
    config = load_config(write_config(tmp_path, text, source))
    assert config.training is not None
    with pytest.raises(ConfigError, match="or `N epochs`, `N %`"):
        load_config(write_config(tmp_path, text.replace("2 Epochs", "soon"), source))
    with pytest.raises(ConfigError, match="expected a number, found"):
        load_config(write_config(tmp_path, text.replace("peak: 0.1", "peak: 1 epoch"), source))
    settled = with_steps(config.training, 100).optimizer.arguments["learning_rate"]
    assert settled.arguments == {"peak": 0.1, "period_steps": 20, "boundaries": [5, 30]}
