"""What holds of every source: what it says of the data before reading it is what the data is, and it takes its own options only."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltrain.config import load_config_text
from dltrain.config.catalog.sources import SOURCES
from dltrain.config.types import DataConfig, SplitConfig
from dltrain.data import load_dataset
from dltrain.data.look import read_facts
from dltrain.data.sources import find_source, read_source
from dltrain.errors import ConfigError, DltrainError
from dltrain.reporting import Reporter
from tests.data.sources.support import write_faces, write_picture, write_texts
from tests.support import examples, shared_data

Options = dict[str, Any]


def agree(config: DataConfig) -> bool:
    """Asserts that what is said before reading holds of what is read; whether it was read without a fault."""
    facts = read_facts(config, seed=0)
    try:
        dataset = load_dataset(config, seed=0)
    except DltrainError:
        return False
    assert not facts.errors  # what would be refused is not read
    if facts.rows:
        assert dict(facts.rows) == {name: part.num_rows for name, part in dataset.parts.items()}
    if facts.schema is not None:
        assert [(spec.shape, spec.dtype) for spec in facts.schema.inputs] == [
            (spec.shape, spec.dtype) for spec in dataset.schema.inputs
        ]
        assert all(
            ours.unit_range == spec.unit_range for ours, spec in zip(facts.schema.inputs, dataset.schema.inputs, strict=True)
        )
        for ours, spec in zip(facts.schema.targets, dataset.schema.targets, strict=True):
            assert (ours.name, ours.task, len(ours.classes)) == (spec.name, spec.task, len(spec.classes))
            assert not facts.names_known or ours.classes == spec.classes
    for name, counts in facts.labels.items():
        codes = np.concatenate([part.targets[name] for part in dataset.parts.values()])
        assert list(counts.values()) == np.bincount(codes, minlength=len(counts)).tolist()
    return True


def table(folder: Path, seed: int = 0, rows: int = 40) -> polars.DataFrame:
    generator = np.random.default_rng(seed)
    words = generator.choice(["red", "green", "blue"], rows)
    return polars.DataFrame({"size": generator.normal(size=rows), "colour": words, "y": generator.choice(["a", "b"], rows)})


def make_csv(folder: Path) -> Options:
    table(folder).write_csv(folder / "a.csv")
    return {"path": (str(folder / "a.csv"),), "target": ("y",)}


def make_parquet(folder: Path) -> Options:
    table(folder).write_parquet(folder / "a.parquet")
    return {"path": (str(folder / "a.parquet"),), "target": ("y",)}


def make_npz(folder: Path) -> Options:
    generator = np.random.default_rng(0)
    np.savez(folder / "a.npz", x=generator.random((30, 6, 5, 1)), y=generator.integers(3, size=30))
    return {"path": (str(folder / "a.npz"),), "task": "classification"}


def make_image_folder(folder: Path) -> Options:
    for label in ("cat", "dog"):
        for number in range(6):
            write_picture(folder / "pictures" / label / f"{number}.png", (9, 8), seed=number)
    return {"path": (str(folder / "pictures"),), "arguments": {"image_size": [7, 5]}}


def make_text_folder(folder: Path) -> Options:
    for label in ("good", "bad"):
        write_texts(folder / "reviews" / label, [f"a {label} film, number {number}" for number in range(20)])
    return {"path": (str(folder / "reviews"),)}


def make_word_vectors(folder: Path) -> Options:
    words = [f"word{number}" for number in range(20)]
    (folder / "vectors.txt").write_text("".join(f"{word} {number} {-number} 0.5\n" for number, word in enumerate(words)))
    polars.DataFrame({"word": [*words, "unheard"], "y": ["a", "b", "c"] * 7}).write_csv(folder / "words.csv")
    arguments = {"vectors": str(folder / "vectors.txt")}
    return {"path": (str(folder / "words.csv"),), "target": ("y",), "arguments": arguments}


def make_lfw_people(folder: Path) -> Options:
    write_faces(folder / "lfw_funneled", {"Ann_Lee": 4, "Bob_Ray": 3, "Cy_Fox": 1})
    return {"path": (str(folder),), "arguments": {"min_faces_per_person": 2, "resize": 0.2}}


# Sources whose files are made up; the others are read as they are published, where they are on this machine.
MADE: dict[str, Callable[[Path], Options]] = {
    "csv": make_csv,
    "parquet": make_parquet,
    "npz": make_npz,
    "image_folder": make_image_folder,
    "text_folder": make_text_folder,
    "word_vectors": make_word_vectors,
    "lfw_people": make_lfw_people,
}
PUBLISHED = {
    "olivetti_faces": "olivetti",
    "california_housing": "california_housing",
    "mnist": "mnist",
    "fashion_mnist": "fashion_mnist",
    "cifar10": "cifar10",
}


def options_of(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    if name in PUBLISHED:
        monkeypatch.setenv("DLTRAIN_DATA", str(shared_data(PUBLISHED[name]).parent))
    return MADE[name](folder) if name in MADE else {}


@pytest.mark.parametrize("task", [None, "reconstruction"])
@pytest.mark.parametrize("name", SOURCES)
def test_what_is_said_before_reading_holds(name: str, task: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = options_of(name, tmp_path, monkeypatch)
    options |= {"task": task, "limit": 50} if task else {"limit": 2_000}
    if task is not None:
        options.pop("target", None)
    brought = SOURCES[name].parts
    is_possible = task is None or name != "text_folder"  # words are not reconstructed
    assert agree(DataConfig(name, split=SplitConfig(**{"validation" if brought else "test": 0.25}), **options)) == is_possible


@pytest.mark.parametrize("name", SOURCES)
def test_a_split_that_leaves_nothing_is_said(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = options_of(name, tmp_path, monkeypatch)
    agree(DataConfig(name, limit=2, split=SplitConfig(test=0.5, validation=0.5), **options))


@pytest.mark.parametrize("name", SOURCES)
def test_an_option_that_it_does_not_have_is_refused_at_its_place(name: str) -> None:
    for ask in (
        lambda config: read_source(config, seed=0, reporter=Reporter()),
        lambda config: load_dataset(config, seed=0),
    ):
        with pytest.raises(ConfigError) as caught:
            ask(DataConfig(name, arguments={"colour_depth": 3}))
        assert [fault.path for fault in caught.value.faults] == ["data.colour_depth"]
    assert [fault.path for fault in read_facts(DataConfig(name, arguments={"colour_depth": 3}), seed=0).errors] == [
        "data.colour_depth"
    ]
    with pytest.raises(ConfigError) as caught:
        load_config_text(f"data:\n  source: {name}\n  path: a\n  colour_depth: 3\nmodel: {{layers: [Flatten]}}\n", folder=Path())
    assert [fault.line for fault in caught.value.faults if fault.path == "data.colour_depth"] == [4]


@pytest.mark.parametrize("name", SOURCES)
def test_it_is_listed_as_it_is(name: str) -> None:
    listed, source = SOURCES[name], find_source(name)
    assert listed.name == name
    assert listed.description.endswith(".")
    where = [bool(listed.needs_path), source.layout is not None, bool(listed.kept)]
    assert where.count(True) == 1  # the user's files, published ones, or none
    for option in listed.arguments.values():
        assert option.description.endswith(".")
        assert option.required or option.default is not None or "none" in option.type


@settings(max_examples=examples(10, 30), deadline=None)
@given(
    rows=st.integers(1, 60),
    seed=st.integers(0, 99),
    gaps=st.integers(0, 3),
    target=st.sampled_from(["y", "size", "colour", "nothing"]),
    split=st.builds(SplitConfig, test=st.sampled_from([None, 0.2, 0.5]), validation=st.sampled_from([None, 0.1, 0.6])),
    source=st.sampled_from(["csv", "parquet"]),
)
def test_any_table(rows: int, seed: int, gaps: int, target: str, split: SplitConfig, source: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        frame = table(Path(folder), seed, rows)
        frame = frame.with_columns(
            polars.when(polars.int_range(rows) < gaps).then(None).otherwise(polars.col("size")).alias("size")
        )
        path = Path(folder, f"a.{source}")
        frame.write_csv(path) if source == "csv" else frame.write_parquet(path)
        agree(DataConfig(source, path=(str(path),), target=(target,), split=split))


@settings(max_examples=examples(10, 30), deadline=None)
@given(
    shape=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    kind=st.sampled_from(["f4", "f8", "u1", "i8", "U3"]),
    target=st.sampled_from([None, "f8", "i8", "U3", "?"]),
    num_targets=st.integers(-1, 1),
    task=st.sampled_from([None, "classification", "regression", "reconstruction"]),
    test=st.sampled_from([None, 0.3]),
)
def test_any_archive(
    shape: list[int], kind: str, target: str | None, num_targets: int, task: str | None, test: float | None
) -> None:
    generator = np.random.default_rng(len(shape))
    shape = [shape[0] * 4, *shape[1:]]
    arrays = {"x": (generator.random(shape) * 9).astype(kind)}
    if target is not None:
        arrays["y"] = (generator.random(max(shape[0] + num_targets, 0)) * 3).astype("i8").astype(target)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder, "a.npz"), **arrays)
        agree(DataConfig("npz", path=(str(Path(folder, "a.npz")),), task=task, split=SplitConfig(test=test)))


@settings(max_examples=15, deadline=None)
@given(
    counts=st.lists(st.integers(0, 4), min_size=0, max_size=3),
    color=st.sampled_from(["rgb", "grayscale"]),
    test=st.sampled_from([None, 0.3]),
    limit=st.sampled_from([None, 3]),
)
def test_any_folder_of_pictures(counts: list[int], color: str, test: float | None, limit: int | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, count in enumerate(counts):
            Path(folder, f"class{number}").mkdir()
            for picture in range(count):
                write_picture(Path(folder, f"class{number}", f"{picture}.png"), (4, 5), seed=picture)
        arguments = {"image_size": [3, 4], "color": color}
        agree(DataConfig("image_folder", path=(folder,), arguments=arguments, split=SplitConfig(test=test), limit=limit))


@settings(max_examples=examples(13, 40), deadline=None)
@given(
    rows=st.sampled_from([0, 3, 10, 50]),
    shape=st.lists(st.integers(0, 4), min_size=0, max_size=4),
    classes=st.sampled_from([None, "none", 0, 1, 2, 5]),
    task=st.sampled_from([None, "classification", "regression"]),
    test=st.sampled_from([None, 0.3]),
)
def test_any_noise(rows: int, shape: list[int], classes: Any, task: str | None, test: float | None) -> None:
    arguments = {"rows": rows, "shape": shape, "classes": classes}
    agree(DataConfig("noise", arguments=arguments, task=task, split=SplitConfig(test=test)))
