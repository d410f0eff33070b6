"""Every broken config is caught at its line; misspellings get the right suggestion."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from dltrain.checking import check_config
from dltrain.config import load_config_text
from dltrain.errors import ConfigError, Fault
from tests.checking.corpus import CORPUS, WARNED, Case
from tests.support import CONFIGS, data_folder

NEED_DATA = ("adult", "california", "concrete", "titanic", "wages")
MARK = "¶"


def broken(case: Case) -> tuple[str, int, str]:
    """The text with the change, the line that must be named (0: any), and what must be said."""
    name, old, new, said = case
    shipped = (CONFIGS / f"{name}.yaml").read_text()
    starts = [match.start() for match in re.finditer(re.escape(old), shipped)]
    start = next((at for at in starts if "#" not in shipped[shipped.rfind("\n", 0, at) + 1 : at]), None)
    assert start is not None, f"{name}.yaml has no {old!r} any more"
    text = shipped[:start] + new + shipped[start + len(old) :]
    if said.startswith(MARK):
        place = text.index(said[1:]) if said != MARK else -1
        said = ""
    else:
        place = text.index(MARK) if MARK in text else text.index(new)
    text = text.replace(MARK, "")
    return text, text.count("\n", 0, place) + 1 if place >= 0 else 0, said


def faults_of(text: str, folder: Path = CONFIGS) -> tuple[Fault, ...]:
    """All that is said of a config."""
    try:
        config = load_config_text(text, file="c.yaml", folder=folder)
    except ConfigError as error:
        return error.faults
    result = check_config(config)
    return (*result.errors, *result.warnings)


def identify(case: Case) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", f"{case[0]}-{case[2]}")[:70].strip("-")


@pytest.fixture(autouse=True)
def _data(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = data_folder()
    if folder is not None:
        monkeypatch.setenv("DLTRAIN_DATA", str(folder))


def skip_without_data(case: Case) -> None:
    if (case[0] in NEED_DATA or "100000" in case[2]) and data_folder() is None:
        pytest.skip("real data is not on this machine")


def check_case(case: Case, severity: str) -> None:
    skip_without_data(case)
    text, line, said = broken(case)
    found = [fault for fault in faults_of(text) if fault.severity == severity]
    told = [str(fault) for fault in found]
    assert found, "nothing was found"
    here = [fault for fault in found if not line or (fault.file, fault.line) == ("c.yaml", line)]
    assert here, f"expected at line {line}: {told}"
    assert any(said in f"{fault.message} {fault.hint}" for fault in here), told


def test_the_corpus_is_large_enough() -> None:
    assert len({case[:3] for case in (*CORPUS, *WARNED)}) >= 120


@pytest.mark.parametrize("case", CORPUS, ids=identify)
def test_an_error_stands_at_its_line(case: Case) -> None:
    check_case(case, "error")


@pytest.mark.parametrize("case", WARNED, ids=identify)
def test_a_warning_stands_at_its_line(case: Case) -> None:
    check_case(case, "warning")


def misspelt(word: str) -> Iterator[str]:
    """The word with one letter left out, doubled, swapped with the next, or another: at four places of it."""
    for index in sorted({1, len(word) // 3, len(word) // 2, len(word) - 2}):
        if 0 < index < len(word) - 1:
            yield word[:index] + word[index + 1 :]
            yield word[:index] + word[index] + word[index:]
            yield word[:index] + word[index + 1] + word[index] + word[index + 2 :]
            yield word[:index] + ("x" if word[index] != "x" else "y") + word[index + 1 :]


def words_of(text: str) -> Iterator[tuple[int, str]]:
    """Keys, component names and choices of a config with their offsets; not names that the user made up."""
    code = "\n".join(line.split("#")[0].ljust(len(line)) for line in text.split("\n"))
    own = {"name", "seed", "test", "features", "replace", "income", "Age", "age", "size_inner", "loss", "from"}
    for match in re.finditer(r"(?<![\w.$/\"<>=-])([A-Za-z_][A-Za-z_0-9]{4,})(?=:| |,|\]|\}|$)", code, re.MULTILINE):
        line = code[code.rfind("\n", 0, match.start()) + 1 : match.start()]
        if (
            match[1] in own
            or line.startswith("name:")
            or any(
                word in line
                for word in (
                    "path:",
                    "test: tab",
                    "target:",
                    "drop:",
                    "columns:",
                    "identifiers:",
                    "features:",
                    "replace:",
                    "impute:",
                    "  name:",
                    "time:",
                    "require:",
                    "source: csv",
                    "monitor:",
                    "filepath:",
                    "sweep:",
                    "      workclass",
                )
            )
        ):
            continue
        if "capital_gain" in code[match.start() : code.find("\n", match.start())] or line.strip().startswith("capital_gain"):
            continue
        yield match.start(), match[1]


def place_of(text: str, start: int, word: str) -> tuple[str, ...]:
    """The top-level key under which a word of a config stands, the word, and what stands before it on its line and behind it."""
    block = re.findall(r"^\w+", text[:start] + "_", re.MULTILINE)[-1]
    return block, word, text[text.rfind("\n", 0, start) + 1 : start], text[start + len(word) : start + len(word) + 1]


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
def test_most_misspellings_get_the_right_suggestion(every: int) -> None:
    """A word that several configs have at the same place is misspelt in the first of them, and counts for all."""
    counts = Counter[tuple[str, ...]]()
    firsts: dict[tuple[str, ...], tuple[str, str, int]] = {}
    for file in sorted(CONFIGS.glob("*.yaml")):
        text = file.read_text()
        for start, word in words_of(text):
            place = place_of(text, start, word)
            counts[place] += 1
            firsts.setdefault(place, (file.name, text, start))
    right = wrong = 0
    missed: list[str] = []
    for place in [*firsts][::every]:
        (name, text, start), word = firsts[place], place[1]
        plain = word.lower().replace("_", "")
        for spelling in misspelt(word):
            if spelling.lower().replace("_", "") == plain:
                continue
            found = faults_in(text[:start] + spelling + text[start + len(word) :])
            line = text.count("\n", 0, start) + 1
            hints = [fault.hint or "" for fault in found if fault.line == line]
            if any(f'"{plain}"' in hint.lower().replace("_", "") for hint in hints):
                right += counts[place]
            else:
                wrong += counts[place]
                missed.append(f"{name}: {word} as {spelling}: {[str(fault) for fault in found][:1]}")
    assert right + wrong > 1000 / every
    assert right >= 0.95 * (right + wrong), f"{right} of {right + wrong}\n" + "\n".join(missed[:40])


def faults_in(text: str) -> tuple[Fault, ...]:
    """The faults with which a config is refused."""
    try:
        load_config_text(text, file="c.yaml", folder=CONFIGS)
    except ConfigError as error:
        return error.faults
    return ()
