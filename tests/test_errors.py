"""Whose fault an error is: what another library says is told to the user, what a line of dltrain raised is a bug."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars
import pytest

from dltrain.config.types import Component, LayerConfig, ModelConfig
from dltrain.data.dataset import InputSpec, Schema, TargetSpec
from dltrain.errors import ConfigError, DataError, Fault, RunError, is_own_bug, refusal
from dltrain.model.weights import weights
from dltrain.model.weights.weights import read_dense_arrays


def raised(action: Any) -> BaseException:
    try:
        action()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def test_f1_an_error_of_our_own_lines_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    from dltrain.data.columns import scaling

    assert is_own_bug(raised(lambda: scaling.fit_scale([1.0], "standard")))  # a list has no mean
    assert not is_own_bug(raised(lambda: polars.DataFrame({"a": [1]})["b"]))
    assert not is_own_bug(raised(lambda: scaling.fit_scale(np.zeros((2, 2)), None) and scaling.no_such))  # type: ignore[attr-defined]


def dense_file(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file["model_weights/a/a/kernel"] = np.arange(6, dtype="float32").reshape(2, 3)
        file["model_weights/a/a/bias"] = np.ones(3, "float32")
    return path


def test_f1_dense_weights_of_a_file_are_read(tmp_path: Path) -> None:
    found = read_dense_arrays(dense_file(tmp_path / "w.h5"), {"a": [(2, 3), (3,)]})
    np.testing.assert_array_equal(found["a"][0], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(found["a"][1], [1, 1, 1])


@pytest.mark.parametrize("shapes", [{"b": [(2, 3)]}, {"a": [(3, 2)]}])
def test_f1_a_file_of_another_model_is_the_users(tmp_path: Path, shapes: dict[str, list[tuple[int, ...]]]) -> None:
    with pytest.raises(RunError, match=r"w\.h5"):
        read_dense_arrays(dense_file(tmp_path / "w.h5"), shapes)


@pytest.mark.parametrize("damage", [b"", b"no HDF5", None])
def test_f1_a_damaged_file_is_the_users(tmp_path: Path, damage: bytes | None) -> None:
    path = dense_file(tmp_path / "w.h5")
    path.write_bytes(path.read_bytes()[:700] if damage is None else damage)
    with pytest.raises(RunError, match="not a readable weights file"):
        read_dense_arrays(path, {"a": [(2, 3), (3,)]})


def test_f1_a_bug_of_ours_is_not_told_as_a_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "_is_plain", None)
    with pytest.raises(TypeError):
        read_dense_arrays(dense_file(tmp_path / "w.h5"), {"a": [(2, 3), (3,)]})


def test_f1_a_bug_in_the_building_of_a_model_is_not_told_as_a_refusal_of_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    from dltrain.model import build
    from dltrain.model.heads.rules import resolve_heads

    schema = Schema((InputSpec("features", (2,), columns=("a", "b")),), (TargetSpec("y", "regression"),))
    layer = LayerConfig(Component("layer", "Dropout", {"rate": 0.5}))
    model = ModelConfig(layers=(layer,))
    heads = resolve_heads(model, schema, None, ())
    build.build_model(model, schema, heads, seed=0)
    monkeypatch.setattr(build, "make_value", None)
    with pytest.raises(TypeError):
        build.build_model(model, schema, heads, seed=0)
    monkeypatch.undo()
    wrong = ModelConfig(layers=(LayerConfig(Component("layer", "Dense", {"units": 2, "no_such": 1})),))
    with pytest.raises(ConfigError, match="Keras refuses Dense"):
        build.build_model(wrong, schema, heads, seed=0)


def test_f1_a_bug_beside_the_split_is_not_told_as_a_fault_of_the_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dltrain.config.types import DataConfig, SplitConfig
    from dltrain.data import load_dataset
    from dltrain.data.tables.fitting import rows

    path = tmp_path / "t.csv"
    path.write_text("a,g,y\n" + "".join(f"{i},{i % 5},{i % 7}.5\n" for i in range(40)))
    given = DataConfig("csv", path=(str(path),), target=("y",), split=SplitConfig(group="g", test=0.3))

    def broken(*_: object, **__: object) -> None:
        raise ValueError("operands could not be broadcast together")

    monkeypatch.setattr(rows, "split_groups", broken)
    with pytest.raises(ValueError, match="broadcast") as caught:
        load_dataset(given, seed=0)
    assert not isinstance(caught.value, DataError)


@pytest.mark.parametrize(
    "code", [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EFBIG]
)
def test_what_the_system_refuses_is_the_machines(code: int) -> None:
    refused = refusal(OSError(code, os.strerror(code), "some/file"))
    assert refused is not None
    assert refused.exit_code == 6
    assert str(refused).startswith(f"error: the system refuses some/file: {os.strerror(code)}")


@pytest.mark.parametrize(
    "code", [errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.EBADF, errno.EINVAL, None]
)
def test_what_dltrain_should_not_have_asked_for_is_a_bug(code: int | None) -> None:
    assert refusal(OSError(code, "x", "some/file") if code else OSError("x")) is None
    assert refusal(FileNotFoundError(errno.ENOENT, "No such file or directory", "some/file")) is None


def test_no_folder_for_temporary_files_is_said() -> None:
    refused = refusal(FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']"))
    assert refused is not None
    assert refused.faults[0].hint == "set TMPDIR to one"


def test_a_thread_that_the_system_does_not_give_is_no_bug():
    told = refusal(RuntimeError("can't start new thread"))
    assert told is not None
    assert told.faults[0].message == "the system gives this process no further thread"
    assert "ulimit -u" in str(told.faults[0].hint)
    assert refusal(RuntimeError("another")) is None


def test_a_key_without_end_is_told_by_its_ends() -> None:
    told = str(Fault("unknown key of data", path="data." + "y" * 100_000 + "z"))
    assert len(told) < 400
    assert "data.yyy" in told
    assert "yyyz: unknown key" in told
