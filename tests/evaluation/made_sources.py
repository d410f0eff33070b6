"""Small data of every source, in a file or a folder for each part, and the raw rows that an export is asked with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars
from PIL import Image

from dltrain.data.sources.shapes import draw as draw_shapes
from tests.evaluation import agreement

PARTS = {"train": 48, "validation": 24, "test": 21}
LABELS = ("blue", "green", "red")
WORDS = ("good", "bad", "tea", "cup", "slow", "quick", "Käse", "don't")
Raw = Callable[[Mapping[str, Any]], "np.ndarray[Any, Any]"]


@dataclass
class Made:
    """Data on disk.

    Attributes:
        data: of the config, with a file for each part.
        layers: of the model.
        files: part -> its file or folder.
        raw: description of an export's input -> the test part's raw rows; None: an export is not asked.
        keys: columns of the test part that name its rows, in the file's order, as they are written beside predictions.
    """

    data: dict[str, Any]
    layers: list[Any]
    files: dict[str, Path]
    raw: Raw | None = None
    keys: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def holds_pictures(self) -> bool:
        """Whether what is asked about names files of pictures, which a frame tells no place of."""
        return "image_size" in self.data


def _parts(files: Mapping[str, Path]) -> dict[str, str]:
    return {"path": files["train"].name, "validation": files["validation"].name, "test": files["test"].name}


def _write(folder: Path, frames: Mapping[str, polars.DataFrame], kind: str = "csv") -> dict[str, Path]:
    files = {part: folder / f"{part}.{kind}" for part in frames}
    for part, frame in frames.items():
        frame.write_csv(files[part]) if kind == "csv" else frame.write_parquet(files[part])
    return files


def _rows(seed: int = 0) -> dict[str, list[dict[str, Any]]]:
    return {part: agreement.make_rows(count, seed + place) for place, (part, count) in enumerate(PARTS.items())}


def table(folder: Path, target: Any, kind: str = "csv", **data: Any) -> Made:
    """Columns of every kind, and a target of them."""
    rows = _rows()
    files = {part: agreement.WRITERS[kind](folder / part, found) for part, found in rows.items()}
    settings = agreement.table_config(kind, "binary")["data"]
    settings |= {**_parts(files), "target": target, **data}
    keys = {"id": [row["id"] for row in rows["test"]]}
    raw = lambda item: agreement.raw_values(item, rows["test"], kind)  # noqa: E731
    return Made(settings, [{"Dense": {"units": 4, "activation": "tanh"}}], files, raw, keys)


def labels_per_row(folder: Path, writing: str) -> Made:
    """Several labels a row: in cells, in columns of 0 and 1, in an array."""
    generator, frames, arrays = np.random.default_rng(0), {}, {}
    for part, count in PARTS.items():
        x = generator.normal(size=(count, 3)).round(3)
        has = (x + generator.normal(size=x.shape) > 0.3).astype(np.int8)
        cells = ["|".join(label for label, flag in zip(LABELS, row) if flag) for row in has]
        numbers = {name: x[:, place] for place, name in enumerate("abc")}
        flags = {f"is_{label}": has[:, place] for place, label in enumerate(LABELS)}
        frames[part] = polars.DataFrame({"id": [f"r{row}" for row in range(count)], **numbers})
        frames[part] = (
            frames[part].with_columns(**flags) if writing == "flags" else frames[part].with_columns(tags=polars.Series(cells))
        )
        arrays[part] = (x.astype(np.float32), has)
    layers: list[Any] = [{"Dense": {"units": 4, "activation": "tanh"}}]
    if writing == "npz":
        files = {part: folder / f"{part}.npz" for part in PARTS}
        for part, (x, y) in arrays.items():
            np.savez(files[part], x=x, y=y)
        data: dict[str, Any] = {"source": "npz", **_parts(files), "task": "multilabel"}
        return Made(data, layers, files, lambda item: arrays["test"][0])
    files = _write(folder, frames)
    data = {"source": "csv", **_parts(files), "identifiers": ["id"]}
    wanted: dict[str, Any] = {"target": "tags", "labels": {}}
    if writing == "flags":
        wanted = {"target": [f"is_{label}" for label in LABELS], "task": "multilabel"}
    raw = lambda item: frames["test"][item["column"]].to_numpy().astype(np.float32)  # noqa: E731
    return Made({**data, **wanted}, layers, files, raw, {"id": frames["test"]["id"].to_list()})


def arrays(folder: Path, target: str, shape: tuple[int, ...] = (4,), **data: Any) -> Made:
    """An npz file for each part."""
    generator, kept = np.random.default_rng(0), {}
    files = {part: folder / f"{part}.npz" for part in PARTS}
    for part, count in PARTS.items():
        x = generator.normal(size=(count, *shape)).astype(np.float32)
        sums = x.reshape(count, -1).mean(axis=1) + generator.normal(size=count)
        sizes = np.digitize(sums, np.quantile(sums, [0.3, 0.7]))
        y = {"number": (sums * 7 + 100).round(2), "label": np.array(["low", "mid", "top"])[sizes], "class": sizes > 0}.get(target)
        np.savez(files[part], x=x, **({} if y is None else {"y": y}))
        kept[part] = x
    settings = {"source": "npz", **_parts(files), **data}
    layers = ["Flatten", {"Dense": {"units": 3}}] if len(shape) > 1 else [{"Dense": {"units": 3}}]

    def raw(item: Mapping[str, Any]) -> np.ndarray[Any, Any]:
        values = kept["test"]
        return values.reshape(*values.shape, 1) if len(item["shape"]) == values.ndim + 1 else values

    return Made(settings, layers, files, raw)


def reconstruction(folder: Path, kind: str) -> Made:
    """Numbers that are told again."""
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(2, 4))
    frames = {}
    for part, count in PARTS.items():
        numbers = (generator.normal(size=(count, 2)) @ mixing * [1, 10, 100, 1] + [0, 5, 900, -3]).round(3)
        frames[part] = polars.DataFrame({f"c{place}": numbers[:, place] for place in range(4)})
        frames[part] = frames[part].with_columns(id=polars.Series([f"r{row}" for row in range(count)]))
    files = _write(folder, frames, kind)
    data = {"source": kind, **_parts(files), "task": "reconstruction", "identifiers": ["id"]}
    raw = lambda item: frames["test"][item["column"]].to_numpy().astype(np.float32)  # noqa: E731
    return Made(data, [{"Dense": {"units": 2}}], files, raw, {"id": frames["test"]["id"].to_list()})


CONVOLUTION = [{"Conv2D": {"filters": 3, "kernel_size": 3}}, "GlobalAveragePooling2D"]


def _noise(path: Path, seed: int) -> np.ndarray[Any, Any]:
    generator = np.random.default_rng(seed)
    pixels = (generator.integers(0, 120, (9, 7, 3)) + generator.integers(0, 130)).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


def picture_folders(folder: Path, **data: Any) -> Made:
    """A folder for each class."""
    files = {part: folder / part for part in PARTS}
    for place, part in enumerate(PARTS):
        for number in range(PARTS[part] // 3):
            for label in range(3):
                _noise(files[part] / ("cat", "Döner, big", "eel")[label] / f"{number}.png", 1000 * place + 10 * number + label)
    settings = {"source": "image_folder", **_parts(files), "image_size": [9, 7], **data}
    names = sorted(str(file) for file in files["test"].rglob("*.png"))
    raw = lambda item: np.stack([np.asarray(Image.open(name)) for name in names]).astype(np.float32)  # noqa: E731
    return Made(settings, CONVOLUTION, files, raw, {"file": names})


def picture_table(folder: Path, target: Any, **data: Any) -> Made:
    """A table of pictures and what they show."""
    rows, pixels = _rows(), {}
    for place, (part, found) in enumerate(rows.items()):
        for number, row in enumerate(found):
            row["photo"] = f"{part}{number}"
            pixels[row["photo"]] = _noise(folder / "photos" / f"{part}{number}.png", 1000 * place + number)
    targets = [target] if isinstance(target, str) else target
    columns = {part: [{name: row[name] for name in ("photo", *targets)} for row in found] for part, found in rows.items()}
    files = {part: agreement.write_csv(folder / part, found) for part, found in columns.items()}
    settings = {"source": "image_folder", **_parts(files), "target": target, "image_size": [9, 7], **data}
    settings["images"] = {"folder": "photos", "suffix": ".png"}
    names = [row["photo"] for row in rows["test"]]
    raw = lambda item: np.stack([pixels[name] for name in names]).astype(np.float32)  # noqa: E731
    return Made(settings, CONVOLUTION, files, raw, {"file": names})


def pictures_in_table(folder: Path, target: Any, **data: Any) -> Made:
    """Pictures beside other columns."""
    rows, pixels = _rows(), {}
    for place, (part, found) in enumerate(rows.items()):
        for number, row in enumerate(found):
            row["photo"] = f"photos/{part}{number}.png"
            pixels[row["id"]] = _noise(folder / row["photo"], 1000 * place + number)
    files = {part: agreement.write_csv(folder / part, found) for part, found in rows.items()}
    features = {"photo": "image", "amount": "number", "shop": "category"}
    settings = {"source": "csv", **_parts(files), "target": target, "identifiers": ["id"], "image_size": [9, 7]}
    layers = [
        {"Conv2D": {"filters": 3, "kernel_size": 3, "from": "photo"}},
        {"GlobalAveragePooling2D": {"name": "seen"}},
        {"Dense": {"units": 3, "name": "told", "from": "features"}},
        {"Concatenate": {"from": ["seen", "told"]}},
    ]

    def raw(item: Mapping[str, Any]) -> np.ndarray[Any, Any]:
        if item["column"] == "photo":
            return np.stack([pixels[row["id"]] for row in rows["test"]]).astype(np.float32)
        return agreement.raw_values(item, rows["test"], "csv")

    return Made({**settings, "features": features, **data}, layers, files, raw, {"id": [row["id"] for row in rows["test"]]})


def masks(folder: Path, writing: str, **data: Any) -> Made:
    """Pictures and the class of each of their pixels: in folders, or named in a table."""
    files = {part: folder / (part if writing == "folders" else f"{part}.csv") for part in PARTS}
    pixels = []
    for place, part in enumerate(PARTS):
        names = []
        for number in range(8):
            picture, mask = draw_shapes(np.random.default_rng(100 * place + number), 16, border=1)
            for kind, values in (("pictures", picture), ("masks", mask)):
                file = folder / part / kind / f"{number:02}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(values).save(file)
            names.append((f"{part}/pictures/{number:02}.png", f"{part}/masks/{number:02}.png"))
            pixels += [picture] if part == "test" else []
        if writing == "table":
            polars.DataFrame(names, schema=["picture", "mask"], orient="row").write_csv(files[part])
    settings = {"source": "image_folder", **_parts(files), "task": "segmentation", "image_size": [16, 16]}
    settings |= {"classes": ["background", "circle", "square", "triangle"], "ignore": 255, **data}
    settings |= {"target": "mask"} if writing == "table" else {}
    layers = [{"Conv2D": {"filters": 5, "kernel_size": 3, "padding": "same", "activation": "relu"}}]
    return Made(settings, layers, files, lambda item: np.stack(pixels).astype(np.float32))


def _note(generator: Any) -> str:
    return " ".join(str(generator.choice(WORDS)) for _ in range(int(generator.integers(2, 8)))) + "!"


def texts_in_table(folder: Path, target: Any, columns: Sequence[str] = ("note",), kind: str = "csv", **data: Any) -> Made:
    """A column of text, or a pair of them, beside a number."""
    rows, generator = _rows(), np.random.default_rng(3)
    for found in rows.values():
        for row in found:
            row |= {name: _note(generator) if generator.random() > 0.1 else None for name in columns}
    files = {part: agreement.WRITERS[kind](folder / part, found) for part, found in rows.items()}
    features = {**dict.fromkeys(columns, "text"), "amount": "number"}
    settings = {"source": kind, **_parts(files), "target": target, "identifiers": ["id"], "features": features, **data}
    layers: list[Any] = []
    for name in columns:
        layers += [
            {"Embedding": {"input_dim": 80, "output_dim": 3, "from": name}},
            {"GlobalAveragePooling1D": {"name": f"{name}_read"}},
        ]
    layers += [{"Dense": {"units": 3, "name": "told", "from": "features"}}]
    layers += [{"Concatenate": {"from": [*(f"{name}_read" for name in columns), "told"]}}]
    raw = None  # pieces of words are no layer of Keras's
    if data.get("text", {}).get("split") != "wordpiece":
        raw = lambda item: agreement.raw_values(item, rows["test"], kind)  # noqa: E731
    return Made(settings, layers, files, raw, {"id": [row["id"] for row in rows["test"]]})


def text_folders(folder: Path, **data: Any) -> Made:
    """A text in each file, a folder for each class."""
    generator, told = np.random.default_rng(3), []
    files = {part: folder / part for part in PARTS}
    for part, count in PARTS.items():
        for number in range(count // 2):
            for label in ("neg", "pos"):
                file = files[part] / label / f"{number}.txt"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(_note(generator) + f" {label if generator.random() > 0.3 else ''}\n", encoding="utf-8")
    names = sorted(files["test"].rglob("*.txt"))
    told = [name.read_text(encoding="utf-8") for name in names]
    settings = {"source": "text_folder", **_parts(files), **data}
    layers = [{"Embedding": {"input_dim": 60, "output_dim": 3}}, "GlobalAveragePooling1D"]
    keys = {"file": [str(name.relative_to(folder)) for name in names]}
    return Made(settings, layers, files, lambda item: np.array(told, object), keys)


def series(folder: Path, kind: str = "csv", ids: Sequence[str] = (), **data: Any) -> Made:
    """Numbers that follow each other, of one series or of several, which each part has rows of."""
    generator, frames = np.random.default_rng(0), {}
    start = 0
    for part, count in (("train", 60), ("validation", 30), ("test", 30)):
        found = []
        for place, name in enumerate(ids or ("",)):
            at = np.arange(start, start + count)
            columns: dict[str, Any] = {"store": [name] * count} if ids else {}
            columns["when"] = [str(np.datetime64("2023-11-01") + int(day)) for day in at]
            columns["y"] = (np.sin(at) * 10 + 50 + 100 * place + generator.normal(size=count)).round(3)
            columns["promo"] = generator.integers(0, 2, count)
            columns["z"] = generator.normal(size=count).round(3)
            columns["kind"] = np.where(np.sin(at) + generator.normal(size=count) / 3 > 0, "up", "down")
            columns["size"] = [("small", "large")[place % 2]] * count
            found.append(polars.DataFrame(columns))
        frames[part] = polars.concat(found)
        start += count
    files = _write(folder, frames, kind)
    window = {"time": "when", "history": 5, **({"id": "store"} if ids else {}), **data.pop("series", {})}
    settings = {"source": kind, **_parts(files), "series": window, **data}
    each = [frames["test"].filter(store=name) for name in sorted(ids)] or [frames["test"]]

    def raw(item: Mapping[str, Any]) -> np.ndarray[Any, Any]:
        """Every window of each series, with what is known of the rows after it; of what stays the same one value."""
        span = window["history"] + (window.get("horizon", 1) if "known" in window else 0)
        seen = span if item["column"] in window.get("known", ()) else window["history"]
        found = []
        for frame in each:
            values, count = frame[item["column"]].to_numpy(), frame.height - span + 1
            one = item["column"] in window.get("static", ())
            found.append(values[:count] if one else np.lib.stride_tricks.sliding_window_view(values, seen)[:count])
        joined = np.concatenate(found)
        return joined if joined.dtype == object else joined.astype(np.float32)

    return Made(settings, ["Flatten", {"Dense": {"units": 3}}], files, None if "quantiles" in window else raw)


def whole_series(folder: Path, kind: str = "csv") -> Made:
    """Series with one label each, which are in one part as a whole."""
    generator, frames = np.random.default_rng(0), {}
    place = 0
    for part, count in (("train", 16), ("validation", 8), ("test", 8)):
        found = []
        for _ in range(count):
            high, at = place % 2, np.arange(18)
            values = np.sin((0.4 + 1.2 * high) * at + generator.uniform(0, 6)) + generator.normal(0, 0.3, 18)
            label = ["low", "high"][high]
            found.append(polars.DataFrame({"tone": f"tone {place}", "at": at, "value": values.round(3), "pitch": label}))
            place += 1
        frames[part] = polars.concat(found)
    files = _write(folder, frames, kind)
    settings = {"source": kind, **_parts(files), "target": "pitch", "task": "classification"}
    settings["series"] = {"id": "tone", "time": "at", "history": 12, "stride": 3}
    return Made(settings, ["Flatten", {"Dense": {"units": 3}}], files)
