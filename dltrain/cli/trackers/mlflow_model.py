"""The exported model of a run as a model of MLflow, with the signature of its inputs and outputs."""

from __future__ import annotations

import importlib.metadata
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dltrain.errors import DltrainError
from dltrain.evaluation.export import export
from dltrain.model.export import exported_model
from dltrain.settings import trusting_code
from dltrain.storage.atomic import write_atomically

# MLflow takes whole numbers of a table for no float, and doubles for no float of 32 bits: the model itself narrows them.
_COLUMNS = {"string": "string", "float32": "double", "int64": "long", "int32": "long"}


def log_exported(run: Path, identity: str, uri: str | None) -> list[str]:
    """Export a run and give it to a run of MLflow as its model; sentences on what did not go.

    Args:
        run: the run directory.
        identity: of MLflow's run.
        uri: of the tracking server; None: MLflow's own.
    """
    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        try:
            with trusting_code(False):
                made = export(run, format="saved_model", destination=Path(folder) / "exported")
        except DltrainError as error:
            return [f"the model of {run} is not among what was sent: {error.faults[0].message}"]
        if uri is not None:
            mlflow.set_tracking_uri(uri)
        inputs = by_column(made.inputs)
        columns = {own["name"]: spec["name"] for own, spec in zip(made.inputs, inputs, strict=True)}
        write_atomically(made.path / exported_model.COLUMNS_FILE, json.dumps(columns).encode())
        with mlflow.start_run(run_id=identity):
            mlflow.pyfunc.log_model(
                name="model",
                loader_module=exported_model.__name__.rpartition(".")[2],
                data_path=str(made.path),
                code_paths=[exported_model.__file__],
                signature=signature_of(inputs, made.outputs),
                pip_requirements=[f"tensorflow=={importlib.metadata.version('tensorflow')}"],
            )
    return []


def by_column(inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Inputs under the names of the table's columns, where each is one: those of a SavedModel have no blanks or brackets."""
    columns = [str(spec.get("column") or spec["name"]) for spec in inputs]
    is_table = _are_values(inputs) and len(set(columns)) == len(columns)
    return [{**spec, "name": column if is_table else spec["name"]} for spec, column in zip(inputs, columns, strict=True)]


def signature_of(inputs: Sequence[Mapping[str, Any]], outputs: Sequence[Mapping[str, Any]]) -> Any:
    """The signature of an export: columns of a table where each input is one value a row, else tensors by name."""
    from mlflow.models import ModelSignature

    return ModelSignature(_schema(inputs), _schema(outputs))


def _schema(specs: Sequence[Mapping[str, Any]]) -> Any:
    import numpy as np
    from mlflow.types import ColSpec, Schema, TensorSpec

    shapes = _shapes(specs)
    if _are_values(specs):
        return Schema([ColSpec(_COLUMNS[spec["dtype"]], spec["name"]) for spec in specs])
    kinds = {"string": np.dtype(str)}
    return Schema(
        [
            TensorSpec(kinds.get(spec["dtype"]) or np.dtype(spec["dtype"]), shape, spec["name"])
            for spec, shape in zip(specs, shapes, strict=True)
        ]
    )


def _shapes(specs: Sequence[Mapping[str, Any]]) -> list[tuple[int, ...]]:
    return [tuple(-1 if size is None else int(size) for size in spec["shape"]) for spec in specs]


def _are_values(specs: Sequence[Mapping[str, Any]]) -> bool:
    """Whether each is one value a row."""
    return all(shape in ((-1,), (-1, 1)) for shape in _shapes(specs))
