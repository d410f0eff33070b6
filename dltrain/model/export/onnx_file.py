"""ONNX: what ONNX Runtime and others open.

Words and labels are looked up by `LabelEncoder` nodes of the domain ai.onnx.ml; free text is split by an operator
that ONNX Runtime alone has (see `onnx_tokens`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dltrain.errors import UsageError, is_own_bug
from dltrain.later import tensorflow as tf
from dltrain.model.export.format import ExportFormat, document, example_arrays
from dltrain.model.export.onnx_tokens import ML_DOMAIN, SPLIT_DOMAIN, SPLIT_OPSET, add_tokenizer
from dltrain.model.export.onnx_tokens import OPSET as TEXT_OPSET
from dltrain.model.export.outputs import RawOutput
from dltrain.model.export.raw_input import RawInput
from dltrain.model.export.raw_model import RawModel

OPSET = 18
ML_OPSET = 2


class OnnxFile(ExportFormat):
    """ONNX by way of tf2onnx; the metadata entry `dltrain` holds inputs, outputs and labels as JSON."""

    name = "onnx"
    suffix = ".onnx"
    with_text = False
    in_float32 = True
    names_once = True
    packages = ("onnx", "tf2onnx")
    extra = "onnx"

    def write(self, raw: RawModel, path: Path) -> None:
        """See `ExportFormat`."""
        import onnx
        import onnx.compose
        import onnx.version_converter

        model = onnx.compose.add_prefix(_convert(raw), "graph/", inplace=True)
        if any(item.tokenizer is not None for item in raw.inputs):
            model = onnx.version_converter.convert_version(model, TEXT_OPSET)
        _name_ports(onnx, model, raw)
        entry = model.metadata_props.add()
        entry.key, entry.value = (
            "dltrain",
            json.dumps(document(raw.inputs, raw.outputs, self)),
        )
        onnx.checker.check_model(model)
        onnx.save(model, str(path))

    def answer(self, path: Path, raw: RawModel, rows: Mapping[str, Any]) -> dict[str, Any] | None:
        """See `ExportFormat`; asks ONNX Runtime."""
        # Newer versions else keep an identifier of the machine in the cache of the user, and send events, from the import on.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        try:
            import onnxruntime
        except ImportError:
            return None
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [item.name for item in session.get_outputs()]
        return dict(zip(names, session.run(names, dict(rows)), strict=True))

    def usage(self, file: str, inputs: Sequence[RawInput], outputs: Sequence[RawOutput]) -> list[str]:
        """See `ExportFormat`."""
        rows = example_arrays(inputs, "np.array({value}, {dtype!r})").replace("'string'", "object")
        return [
            "import numpy as np, onnxruntime",
            f"session = onnxruntime.InferenceSession({file!r})",
            f"session.run([{outputs[0].name!r}], {rows})",
        ]


def _convert(raw: RawModel) -> Any:
    """The model of numbers as ONNX, its inputs called `input_0` and so on and its outputs `output_0`."""
    import keras
    from keras.src.export.tf2onnx_lib import patch_tf2onnx

    patch_tf2onnx()  # Keras's own mending of tf2onnx for numpy 2
    import tf2onnx

    names = list(raw.model.input)
    specs = [
        tf.TensorSpec((None, *raw.model.input[name].shape[1:]), tf.as_dtype(raw.model.input[name].dtype), name=f"input_{index}")
        for index, name in enumerate(names)
    ]

    def serve(*inputs: Any) -> Any:
        answers = raw.model(dict(zip(names, inputs, strict=True)), training=False)
        return [tf.identity(answers[item.name], name=f"output_{index}") for index, item in enumerate(raw.outputs)]

    function = tf.function(serve, input_signature=specs, autograph=False)
    del keras
    try:
        model, _ = tf2onnx.convert.from_function(function, input_signature=specs, opset=OPSET)
    except (ValueError, RuntimeError, NotImplementedError, KeyError, TypeError, AttributeError) as error:
        if is_own_bug(error):
            raise
        raise UsageError(
            f"tf2onnx cannot convert this model: {str(error).splitlines()[0][:200]}", hint="--format saved_model holds any model"
        ) from error
    return model


def _name_ports(onnx: Any, model: Any, raw: RawModel) -> None:
    """Give inputs and outputs their names by nodes around the graph; look words and labels up on the way."""
    helper, types = onnx.helper, onnx.TensorProto
    graph = model.graph
    before, after = [], []
    for item, port in zip(raw.inputs, list(graph.input), strict=True):
        inner = port.name
        if item.words:
            keys = {"keys_strings": list(item.words), "values_int64s": list(range(1, len(item.words) + 1)), "default_int64": 0}
            before.append(helper.make_node("LabelEncoder", [item.name], [f"{inner}/place"], domain=ML_DOMAIN, **keys))
            before.append(helper.make_node("Cast", [f"{inner}/place"], [inner], to=types.INT32))
        elif item.tokenizer is not None:
            before += add_tokenizer(onnx, item.tokenizer, item.missing, item.name, inner)
        else:
            before.append(helper.make_node("Identity", [item.name], [inner]))
        port.name = item.name
        if item.is_text:
            port.type.tensor_type.elem_type = types.STRING
        if item.tokenizer is not None:
            del port.type.tensor_type.shape.dim[1:]
        _name_rows(port)
    for output, port in zip(raw.outputs, list(graph.output), strict=True):
        inner = port.name
        if output.dtype == "string":
            after.append(helper.make_node("Cast", [inner], [f"{inner}/index"], to=types.INT64))
            keys = {"keys_int64s": list(range(len(output.labels))), "values_strings": list(output.labels)}
            after.append(helper.make_node("LabelEncoder", [f"{inner}/index"], [output.name], domain=ML_DOMAIN, **keys))
            port.type.tensor_type.elem_type = types.STRING
        else:
            after.append(helper.make_node("Identity", [inner], [output.name]))
        port.name = output.name
        _name_rows(port)
    nodes = [*before, *graph.node, *after]
    del graph.node[:]
    graph.node.extend(nodes)
    known = {item.domain for item in model.opset_import}
    for domain, opset in ((ML_DOMAIN, ML_OPSET), (SPLIT_DOMAIN, SPLIT_OPSET)):
        if domain not in known and any(node.domain == domain for node in nodes):
            model.opset_import.append(helper.make_opsetid(domain, opset))


def _name_rows(port: Any) -> None:
    port.type.tensor_type.shape.dim[0].dim_param = "rows"
