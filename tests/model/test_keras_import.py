"""Keras is imported with the settings that every run is computed with, whatever its own settings file says."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dltrain.system import IS_LINUX
from tests.support import REPOSITORY, name_of, tree_of

CODE = """
import json, sys, typing
from pathlib import Path
from dltrain.model.keras_import import ignored_settings, import_keras
keras = import_keras()
from keras.src.backend import config
layer = keras.layers.Dense(1)
layer(keras.Input((2,)))
late = [name for name, module in sys.modules.items() if type(module).__name__ == "LateModule"]
print(json.dumps({
    "floatx": keras.config.floatx(), "epsilon": keras.config.epsilon(), "format": keras.config.image_data_format(),
    "weights": str(layer.kernel.dtype), "home": config.keras_home(), "backend": keras.config.backend(),
    "epochs": keras.config.max_epochs(), "steps": keras.config.max_steps_per_epoch(), "ignored": ignored_settings,
    "rare": [name for name in sys.modules if name.startswith(
        ("tensorflow.python.feature_column", "scipy")
    )],
    "late": late,
    "compiles": "compile" in vars(typing),
    "later": [
        hasattr(sys.modules["tensorflow"].compat.v1, "placeholder"),
        hasattr(sys.modules["tensorflow"].feature_column, "numeric_column"),
        hasattr(sys.modules["tensorflow"].lite, "Interpreter"),
        hasattr(sys.modules["tensorflow"].debugging.experimental, "enable_dump_debug_info"),
        hasattr(sys.modules["tensorflow"].experimental.numpy, "finfo"),
        hasattr(sys.modules["tensorflow"].profiler.experimental, "start"),
        hasattr(sys.modules["tensorflow"].raw_ops, "MatMul"),
        hasattr(sys.modules["tensorflow"].tpu.experimental, "embedding"),
    ],
    "status": Path("/proc/self/status").read_text() if sys.platform == "linux" else "",
}))
"""


def imported(home: Path, code: str = CODE, **environment: str) -> dict[str, object]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("KERAS_")}
    env |= {"HOME": str(home), "PYTHONPATH": str(REPOSITORY), **environment}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What an import finds where nothing is set."""
    return imported(tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("how", ["home", pytest.param("KERAS_HOME", marks=pytest.mark.slow)])
def test_f9_settings_of_keras_change_no_number(tmp_path: Path, how: str) -> None:
    keras_home = tmp_path / ".keras" if how == "home" else tmp_path / "elsewhere"
    keras_home.mkdir()
    written = json.dumps({"floatx": "float64", "epsilon": 1e-3, "image_data_format": "channels_first", "backend": "jax"})
    (keras_home / "keras.json").write_text(written)
    environment = {"KERAS_MAX_EPOCHS": "1", "KERAS_BACKEND": "jax"}
    if how == "KERAS_HOME":
        environment["KERAS_HOME"] = str(keras_home)
    found = imported(tmp_path, **environment)
    assert (found["floatx"], found["epsilon"], found["format"]) == ("float32", 1e-7, "channels_last")
    assert (found["weights"], found["backend"], found["epochs"]) == ("float32", "tensorflow", None)
    assert found["home"] == str(keras_home)
    assert found["ignored"] == {
        "KERAS_MAX_EPOCHS": "1",
        "KERAS_BACKEND": "jax",
        "floatx": "float64",
        "epsilon": 1e-3,
        "image_data_format": "channels_first",
        "backend": "jax",
    }
    assert (keras_home / "keras.json").read_text() == written


@pytest.mark.slow
def test_f9_a_settings_file_that_keras_refuses_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"floatx": "float31", "epsilon": 1}')
    found = imported(tmp_path, KERAS_MAX_EPOCHS="many")
    assert found["floatx"] == "float32"


@pytest.mark.slow
def test_f9_an_earlier_import_with_other_settings_is_put_right(tmp_path: Path) -> None:
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"floatx": "float64", "image_data_format": "channels_first"}')
    code = "import keras\nkeras.layers.Dense(1).dtype\n" + CODE
    found = imported(tmp_path, code, KERAS_MAX_EPOCHS="1", KERAS_MAX_STEPS_PER_EPOCH="2")
    assert (found["floatx"], found["format"], found["weights"]) == ("float32", "channels_last", "float32")
    assert (found["epochs"], found["steps"]) == (None, None)


def test_what_is_rarely_needed_is_imported_when_it_is(plain: dict[str, object]) -> None:
    found = plain
    assert found["rare"] == []
    assert found["later"] == [True] * 8
    assert {"tensorflow._api.v2.compat.v1", "tensorflow._api.v2.raw_ops", "tensorflow._api.v2.tpu"} <= set(found["late"])  # type: ignore[call-overload]
    assert found["compiles"] is False


@pytest.mark.skipif(not IS_LINUX, reason="libraries keep their pages")
def test_what_only_the_opening_of_libraries_reads_is_given_back(plain: dict[str, object]) -> None:
    """Of the plain import of TensorFlow the peak is 554 MB or more, of which 355 are pages of libraries."""
    status = dict(line.split(":", 1) for line in str(plain["status"]).splitlines())
    assert int(status["VmHWM"].split()[0]) < 450_000
    assert int(status["RssFile"].split()[0]) < 200_000


def test_nothing_is_compiled_by_translating_python() -> None:
    """It would be written into the folder for temporary files, where it stays when the process is killed."""
    calls = [
        (path.name, node)
        for path in sorted((REPOSITORY / "dltrain").rglob("*.py"))
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and name_of(node.func) == "tf.function"
    ]
    assert len(calls) > 5
    with_it = [name for name, call in calls if "autograph=False" not in map(ast.unparse, call.keywords)]
    assert with_it == []


BESIDE = """
import json, sys, threading
from pathlib import Path
from dltrain.model.keras_import import import_keras, open_libraries_beside
open_libraries_beside("dltrain.training.fit", "dltrain.no_such_module")
found = {
    "imported": "dltrain.training.fit" in sys.modules, "tensorflow": "tensorflow" in sys.modules, "threads": threading.active_count(),
    "libraries": Path("/proc/self/maps").read_text().count("libtensorflow_cc") if sys.platform == "linux" else 1,
}
print(json.dumps({**found, "dtype": import_keras().config.floatx()}))
"""


def test_libraries_are_opened_while_modules_are_imported(tmp_path: Path) -> None:
    found = imported(tmp_path, BESIDE)
    assert found.pop("libraries"), "TensorFlow's library is open"
    assert found == {"imported": True, "tensorflow": False, "threads": 1, "dtype": "float32"}


@pytest.mark.skipif(not IS_LINUX, reason="limits addresses as Linux does")
def test_libraries_are_not_opened_where_addresses_are_limited(tmp_path: Path) -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))\n"
    found = imported(tmp_path, limited + BESIDE)
    assert not found["libraries"], "what they take is counted before"
    assert not found["imported"]
