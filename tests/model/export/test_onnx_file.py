"""ONNX files are asked without a trace outside of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from pathlib import Path
import numpy as np
import onnx
from onnx import TensorProto, helper
from dltrain.model.export.onnx_file import OnnxFile

ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in ("x", "y")]
graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "negative", ports[:1], ports[1:])
file = Path(sys.argv[1])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), str(file))
found = OnnxFile().answer(file, None, {"x": np.float32([[1, 2]])})
assert found["y"].tolist() == [[-1, -2]], found
"""


def test_the_home_of_the_user_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    home = tmp_path / "home"
    home.mkdir()
    for name in ("XDG_CACHE_HOME", "ORT_DISABLE_TELEMETRY", "CI", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path / "m.onnx")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not list(home.rglob("*"))
