from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from dltrain.config.types import DataConfig, Place
from dltrain.data.sources import lfw_people
from dltrain.errors import ConfigError, DataError
from dltrain.reporting import Reporter
from tests.data.sources.support import Recorder, listing, write_faces
from tests.support import REPOSITORY, shared_data


def read(path: Path | None = None, reporter: Reporter | None = None, **arguments: object) -> lfw_people.RawPictures:
    config = DataConfig(source="lfw_people", arguments=arguments, path=(str(path),) if path else ())
    return lfw_people.read(config, seed=0, reporter=reporter or Reporter())


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    return write_faces(tmp_path / "data" / "lfw" / "lfw_home" / "lfw_funneled", {"Ann_Lee": 4, "Bo": 2, "Zoe_van_Dam": 5})


@pytest.mark.parametrize(
    "arguments",
    [
        {"min_faces_per_person": 200, "resize": 0.25},
        {"min_faces_per_person": 500, "resize": None, "slice": [[100, 120], [100, 130]], "color": True},
        {"min_faces_per_person": 500, "slice": None, "resize": 0.1},
    ],
)
def test_real_pictures_equal_scikit_learns_bit_for_bit(arguments: dict[str, object], tmp_path: Path) -> None:
    from sklearn.datasets import fetch_lfw_people

    home = tmp_path / "scikit_learn_data"
    (home / "lfw_home").mkdir(parents=True)
    for path in shared_data("lfw/lfw_home").iterdir():  # links: scikit-learn writes its cache beside them
        (home / "lfw_home" / path.name).symlink_to(path)
    ours = read(home, **arguments)

    given = dict(arguments)
    if "slice" in given:
        value = given.pop("slice")
        given["slice_"] = None if value is None else tuple(slice(*ends) for ends in value)  # type: ignore[attr-defined]
    theirs = fetch_lfw_people(data_home=home, download_if_missing=False, **given)
    expected = theirs.images if arguments.get("color") else theirs.images[..., np.newaxis]
    assert ours.images.dtype == np.float32
    np.testing.assert_array_equal(ours.images, expected)
    np.testing.assert_array_equal(ours.target, theirs.target)
    assert list(ours.classes) == list(theirs.target_names)


def test_the_course_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_DATA", str(shared_data("lfw").parent))
    raw = read(min_faces_per_person=200, resize=0.25)
    assert raw.images.shape == (766, 31, 23, 1)
    assert dict(zip(raw.classes, np.bincount(raw.target))) == {"Colin Powell": 236, "George W Bush": 530}
    assert raw.value_range == (0.0, 1.0)
    assert 0.0 <= raw.images.min() < raw.images.max() <= 1.0
    assert raw.names[0].startswith(raw.classes[raw.target[0]].replace(" ", "_") + "/")
    assert raw.reader is not None
    assert raw.reader["size"] == [31, 23]


def test_cached_pictures_are_the_same_and_need_numpy_alone(faces: Path, tmp_path: Path) -> None:
    first = read(faces)
    code = (
        "import sys\n"
        "from dltrain.config.types import DataConfig\n"
        "from dltrain.data.sources import lfw_people\n"
        "from dltrain.reporting import Reporter\n"
        f"raw = lfw_people.read(DataConfig('lfw_people', path=({str(faces)!r},)), seed=0, reporter=Reporter())\n"
        "heavy = {'PIL', 'sklearn', 'polars', 'pandas', 'scipy', 'ssl', 'tensorflow', 'keras'} & set(sys.modules)\n"
        "print(raw.details['lfw_people']['digest'], sorted(heavy))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True)
    assert result.stdout.strip() == f"{first.details['lfw_people']['digest']} []"


def test_cache_notices_a_changed_picture_and_other_arguments(faces: Path) -> None:
    recorder = Recorder()
    first = read(faces, recorder)
    again = read(faces, recorder)
    np.testing.assert_array_equal(first.images, again.images)
    assert recorder.statuses == ["decoding 11 pictures"]
    read(faces, recorder, resize=0.25)
    shutil.copy(faces / "Bo" / "Bo_0001.jpg", faces / "Bo" / "Bo_0002.jpg")
    changed = read(faces, recorder)
    assert recorder.statuses == ["decoding 11 pictures"] * 3
    assert changed.details != first.details


def test_damaged_cache_is_made_anew(faces: Path, tmp_path: Path) -> None:
    first = read(faces)
    (file,) = (tmp_path / "cache" / "decoded").iterdir()
    for content in (b"", b"text", file.read_bytes()[:1000]):
        file.write_bytes(content)
        recorder = Recorder()
        np.testing.assert_array_equal(read(faces, recorder).images, first.images)
        assert "made anew" in " ".join(recorder.details)


def test_cache_that_cannot_be_written_costs_nothing_but_time(
    faces: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a file").write_text("in the way")
    monkeypatch.setenv("DLTRAIN_CACHE", str(tmp_path / "a file" / "cache"))
    recorder = Recorder()
    assert len(read(faces, recorder).images) == 11
    assert "not cached" in " ".join(recorder.details)


@pytest.mark.parametrize("below", ["", "lfw", "lfw/lfw_home", "lfw/lfw_home/lfw_funneled"])
def test_given_path_may_be_any_folder_of_the_layout_and_stays_untouched(below: str, faces: Path, tmp_path: Path) -> None:
    before = listing(tmp_path / "data")
    if below:
        assert len(read(tmp_path / "data" / below, min_faces_per_person=4).images) == 9
    else:
        with pytest.raises(DataError, match="does not hold a folder lfw_funneled"):
            read(tmp_path / "data")
    assert listing(tmp_path / "data") == before


def test_data_folder_and_scikit_learns_home_are_found(faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path / "data" / "lfw"))
    assert len(read().images) == 11
    monkeypatch.setenv("DLTRAIN_DATA", str(tmp_path / "data"))
    before = listing(tmp_path / "data")
    assert len(read().images) == 11
    assert listing(tmp_path / "data") == before


def test_nowhere_and_offline_is_one_fault_that_says_where_and_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTRAIN_DATA", str(tmp_path / "mine"))
    with pytest.raises(DataError) as caught:
        read()
    (fault,) = caught.value.faults
    assert caught.value.exit_code == 3
    for place in ("mine/lfw/lfw_home", "cache/datasets/lfw/lfw_home", "home/scikit_learn_data/lfw_home"):
        assert str(tmp_path / place) in fault.message
    assert "DLTRAIN_OFFLINE" in fault.message
    assert fault.hint is not None
    assert "https://ndownloader.figshare.com/files/5976015 as lfw-funneled.tgz" in fault.hint


def test_archive_in_a_given_folder_is_unpacked_into_the_cache(faces: Path, tmp_path: Path) -> None:
    folder = tmp_path / "archives"
    folder.mkdir()
    with tarfile.open(folder / "lfw-funneled.tgz", "w:gz") as tar:
        tar.add(faces, "lfw_funneled")
    before = listing(folder)
    recorder = Recorder()
    from_archive = read(folder, recorder)
    np.testing.assert_array_equal(from_archive.images, read(faces).images)
    read(folder, recorder)
    assert recorder.statuses.count("unpacking lfw-funneled.tgz") == 1
    assert listing(folder) == before


def test_hostile_archive_leaves_nothing(tmp_path: Path) -> None:
    archive = tmp_path / "lfw-funneled.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(__file__, "lfw_funneled/../../../../escaped.py")
    with pytest.raises(DataError, match="leads out of"):
        read(archive)
    assert not [path for path in tmp_path.rglob("*") if path.suffix == ".py" or "lfw_funneled" in path.name]


def test_corrupt_pictures_are_all_named(faces: Path) -> None:
    good = (faces / "Bo" / "Bo_0001.jpg").read_bytes()
    (faces / "Bo" / "Bo_0001.jpg").write_bytes(good[: len(good) // 2])
    (faces / "Bo" / "Bo_0002.jpg").write_bytes(b"")
    (faces / "Ann_Lee" / "Ann_Lee_0003.jpg").write_text("no picture")
    with pytest.raises(DataError) as caught:
        read(faces)
    assert [(Path(fault.file or "").name, fault.message.split(":")[0]) for fault in caught.value.faults] == [
        ("Ann_Lee_0003.jpg", "expected a picture (JPEG, PNG, WebP, BMP, GIF, TIFF), found something else"),
        ("Bo_0001.jpg", "corrupt or truncated picture"),
        ("Bo_0002.jpg", "expected a picture (JPEG, PNG, WebP, BMP, GIF, TIFF), found an empty file"),
    ]


def test_too_high_a_minimum_names_the_most(faces: Path) -> None:
    config = DataConfig(
        source="lfw_people",
        arguments={"min_faces_per_person": 6},
        path=(str(faces),),
        places={"data.min_faces_per_person": Place("lfw.yaml", 5, 3)},
    )
    with pytest.raises(DataError) as caught:
        lfw_people.read(config, seed=0, reporter=Reporter())
    (fault,) = caught.value.faults
    assert (fault.file, fault.line, fault.path) == ("lfw.yaml", 5, "data.min_faces_per_person")
    assert "at most 5" in fault.message
    assert "Zoe van Dam" in fault.message


def test_all_wrong_arguments_are_named_together(faces: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(faces, min_faces_per_person=-1, resize=0, color="yes", slice=[[10, 5], [0, 300]])
    assert [fault.path for fault in caught.value.faults] == [
        "data.min_faces_per_person",
        "data.resize",
        "data.color",
        "data.slice",
    ]
    with pytest.raises(ConfigError, match=r"data\.resize.*at least 1 pixel"):
        read(faces, resize=0.001)
