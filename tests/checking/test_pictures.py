"""What `check` says of pictures is what `fit` says: every source with every kind of target."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars
import pytest
from PIL import Image

from dltrain.checking import check_config
from dltrain.checking.samples import draw_samples
from dltrain.config.types import Config
from dltrain.data.load import load_dataset
from dltrain.errors import ConfigError, DltrainError
from dltrain.training.fit import fit
from tests.data.sources.support import write_picture
from tests.training.support import config_of

NUM_ROWS = 24
TARGETS = {
    "two classes": "target: yes_no",
    "three classes": "target: colour",
    "a number": "target: red",
    "several numbers": "target: [red, green, blue]",
    "a number and classes": "target: [red, colour]",
    "reconstruction": "task: reconstruction",
}
INPUTS = {
    "a picture": ("features: {file: image}", "[Flatten]"),
    "two pictures": (
        "features: {file: image, other: image}",
        "[{Flatten: {from: file, name: a}}, {Flatten: {from: other, name: b}}, {Concatenate: {from: [a, b]}}]",
    ),
    "a picture and numbers": (
        "features: {file: image, size: number}",
        "[{Flatten: {from: file, name: a}}, {Concatenate: {from: [features, a]}}]",
    ),
    "numbers": ("features: [size]", "[{Dense: {units: 3}}]"),
    "a picture among all columns": ("drop: [other, size]", "[Flatten]"),
}
SOURCES = {"csv": "rows.csv", "parquet": "rows.parquet", "image_folder": "rows.csv", "folders": "folders", "npz": "rows.npz"}
CASES = [
    (source, target, inputs)
    for source, target, inputs in itertools.product(SOURCES, TARGETS, INPUTS)
    if source in ("csv", "parquet") or inputs == "a picture"
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    rows = []
    for index in range(NUM_ROWS):
        write_picture(made / "photos" / f"{index}.png", (6, 5), seed=index)
        write_picture(made / "folders" / "ab"[index % 2] / f"{index}.png", (6, 5), seed=index)
        other = (index + 1) % NUM_ROWS
        rows.append(
            {
                "file": f"photos/{index}.png",
                "other": f"photos/{other}.png",
                "size": float(rng.normal()),
                "yes_no": "ny"[index % 2],
                "colour": "rgb"[index % 3],
                "red": float(rng.normal()) + 0.5,
                "green": float(index),
                "blue": 3.0 * index,
            }
        )
    frame = polars.DataFrame(rows)
    frame.write_csv(made / "rows.csv")
    frame.write_parquet(made / "rows.parquet")
    np.savez(made / "rows.npz", x=rng.integers(0, 256, (NUM_ROWS, 5, 6, 3)).astype(np.uint8), y=np.arange(NUM_ROWS) % 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLTRAIN_CACHE", str(made / "cache"))
        yield made


def text_of(source: str, target: str, inputs: str) -> str:
    features, layers = INPUTS[inputs]
    lines = [f"source: {'image_folder' if source == 'folders' else source}", f"path: {SOURCES[source]}", TARGETS[target]]
    if source in ("csv", "parquet"):
        lines.append(features)
    if source == "image_folder":
        lines.append("files: file")
    if source != "npz" and ("image" in features or source not in ("csv", "parquet")):
        lines.append("image_size: [5, 6]")
    if source in ("folders", "npz") and target != "reconstruction":
        lines.remove(TARGETS[target])
    data = "".join(f"  {line}\n" for line in [*lines, "split: {test: 0.25}"])
    return f"data:\n{data}model:\n  layers: {layers}\ntraining: {{epochs: 1}}\n"


def said_by_check(folder: Path, text: str) -> list[str]:
    try:
        result = check_config(config_of(text, folder=folder))
    except ConfigError as error:
        return [fault.message for fault in error.faults]
    return [fault.message for fault in result.errors]


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target", "inputs"), CASES)
def test_c6_check_and_fit_agree(source: str, target: str, inputs: str, folder: Path, tmp_path: Path) -> None:
    text = text_of(source, target, inputs)
    said = said_by_check(folder, text)
    try:
        fit(config_of(text, folder=folder), run_dir=tmp_path / "run")
        refused: list[str] = []
    except DltrainError as error:
        refused = [fault.message for fault in error.faults]
    assert bool(said) == bool(refused), (said, refused)
    if refused:
        assert set(refused) & set(said) or said, (said, refused)


def test_c6_several_targets_of_a_picture(folder: Path) -> None:
    result = check_config(config_of(text_of("csv", "several numbers", "a picture"), folder=folder))
    assert result.errors == ()
    assert result.exit_code == 0
    assert [row.output_shape for row in result.layers][-1] == (3,)


def test_c6_check_names_a_picture_that_is_not_there(folder: Path) -> None:
    text = text_of("csv", "a number", "a picture")
    (folder / "gone.csv").write_text((folder / "rows.csv").read_text().replace("photos/7.png", "photos/none.png"))
    said = said_by_check(folder, text.replace("rows.csv", "gone.csv"))
    assert said == ["no such file"]


def fit_refuses(config: Config) -> tuple[str, int]:
    """What reading the data for a fit says, and with which exit code it ends."""
    with pytest.raises(DltrainError) as caught:
        load_dataset(config.data, seed=0)
    return caught.value.faults[0].message, caught.value.exit_code


def test_c6_steps_for_numbers_have_no_pictures_to_transform(folder: Path) -> None:
    text = text_of("csv", "two classes", "a picture").replace("  split:", "  transform: [PCA: {n_components: 2}]\n  split:")
    result = check_config(config_of(text, folder=folder))
    assert [fault.message for fault in result.errors] == ["there is no number to transform"]
    assert fit_refuses(config_of(text, folder=folder)) == (result.errors[0].message, result.exit_code)
    with_numbers = text_of("csv", "two classes", "a picture and numbers").replace(
        "  split:", "  transform: [StandardScaler]\n  split:"
    )
    assert not check_config(config_of(with_numbers, folder=folder)).errors


def test_c6_what_a_config_asks_of_large_tables_is_of_the_config(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "100")
    config = config_of(text_of("csv", "several numbers", "a picture"), folder=folder)
    result = check_config(config)
    assert fit_refuses(config) == (result.errors[0].message, result.exit_code)
    assert result.exit_code == ConfigError.exit_code


@pytest.mark.parametrize(("source", "target", "inputs"), [
    ("csv", "several numbers", "a picture and numbers"),
    ("folders", "two classes", "a picture"),
    ("npz", "two classes", "a picture"),
])  # fmt: skip
def test_f8_samples_are_drawn(source: str, target: str, inputs: str, folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / "samples.png"
    result = check_config(config_of(text_of(source, target, inputs), folder=folder), data=True, samples=picture)
    assert result.errors == ()
    assert f"18 pictures of the training part are drawn in {picture}" in result.data
    with Image.open(picture) as image:
        assert min(image.size) > 300


def test_f8_all_classes_in_turn_with_the_pictures_that_the_model_gets(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = {}
    monkeypatch.setattr("dltrain.checking.samples.plot_sheet", lambda *given: drawn.update(given=given))
    dataset = load_dataset(config_of(text_of("folders", "two classes", "a picture"), folder=folder).data, seed=0)
    draw_samples(dataset, tmp_path / "s.png")
    _, heading, pictures, captions = drawn["given"]
    assert heading == "18 of 18 pictures of the training part, 5×6"
    assert [first.word for first, _ in captions[:4]] == ["a", "b", "a", "b"]
    first = dataset.parts["train"].identifiers["file"][0]
    with Image.open(folder / first) as image:
        assert first.split("/")[-2] in "ab"
        place = [second.word for _, second in captions].index(first if len(first) < 20 else first.rpartition("/")[2])
        np.testing.assert_array_equal(pictures[place], np.asarray(image))


def test_f8_masks_stand_beside_their_pictures_with_what_is_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = {}
    monkeypatch.setattr("dltrain.checking.samples.plot_sheet", lambda *given: drawn.update(given=given))
    text = "data: {source: shapes, rows: 12}\nmodel: {layers: [{Conv2D: {filters: 2, kernel_size: 3, padding: same}}]}\n"
    dataset = load_dataset(config_of(text, folder=tmp_path).data, seed=0)
    draw_samples(dataset, tmp_path / "s.png")
    _, heading, pictures, captions = drawn["given"]
    assert heading == "12 of 12 pictures of the training part beside their masks, 64×64"
    assert pictures.shape == (12, 64, 128, 3)
    spec, codes = dataset.schema.targets[0], dataset.parts["train"].targets["mask"]
    for picture, mask, (first, _) in zip(pictures, codes, captions, strict=True):
        colours = {tuple(picture[y, 64 + x]): int(mask[y, x]) for y in range(64) for x in range(64)}
        assert len(colours) == len(np.unique(mask))
        assert first.word == ", ".join(spec.classes[code] for code in sorted(colours.values()) if code)


def test_f8_the_labels_of_a_picture_of_several_stand_under_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = {}
    monkeypatch.setattr("dltrain.checking.samples.plot_sheet", lambda *given: drawn.update(given=given))
    files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*.png"))[:6]
    labels = ["sea", "sea|sun", "", "sun", "sea", "sea|sun"]
    rows = [f"{file},{label}" for file, label in zip(files, labels, strict=True)]
    (folder / "labels.csv").write_text("\n".join(["file,labels", *rows]) + "\n")
    text = (
        "data: {source: csv, path: labels.csv, target: labels, labels: {}, features: {file: image}}\nmodel: {layers: [Flatten]}\n"
    )
    draw_samples(load_dataset(config_of(text, folder=folder).data, seed=0), tmp_path / "s.png")
    assert [first.word for first, _ in drawn["given"][3]] == [label.replace("|", ", ") for label in labels]


def test_f8_without_pictures_there_is_nothing_to_draw(folder: Path, tmp_path: Path) -> None:
    result = check_config(config_of(text_of("csv", "a number", "numbers"), folder=folder), data=True, samples=tmp_path / "s.png")
    assert result.exit_code == 2
    assert "the data holds none" in result.errors[0].message
