"""Labels in any script: a font that has their letters, else codes that tell them apart and a word that says so; never boxes."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from dltrain.evaluation.drawing import letters
from dltrain.evaluation.drawing.figure import draw_or_warn
from dltrain.evaluation.drawing.letters import apart, font_of, own_font
from dltrain.evaluation.drawing.picture_sheet import Line, plot_sheet
from dltrain.reporting import Reporter, WarningList
from dltrain.sweep.pictures import Curve, draw_curves

OTHER = Path(matplotlib.get_data_path(), "fonts", "ttf", "STIXGeneral.ttf")  # has Ⓐ, which that of the pictures lacks


@pytest.fixture
def installed(monkeypatch):
    def install(*fonts):
        letters._best_of.cache_clear()
        monkeypatch.setattr(letters, "_installed", lambda: fonts)

    yield install
    letters._best_of.cache_clear()


def drawn(folder, word):
    heard = WarningList(Reporter())
    pixels = np.zeros((1, 8, 8, 1), np.uint8)
    captions = [(Line("is {}", word, "#000000"), Line("said {}: 3→4 %", word, "#000000"))]
    draw_or_warn(plot_sheet, "mistakes.png", folder / "sheet.png", "test part", pixels, captions, reporter=heard)
    return np.asarray(Image.open(folder / "sheet.png")), [warning.message for warning in heard.warnings]


def test_letters_that_no_font_has_stand_as_codes_and_are_said_once(tmp_path, installed):
    installed()
    (first, said), (second, _) = drawn(tmp_path, "日本"), drawn(tmp_path, "中文")
    assert len(said) == 1
    assert "日" in said[0]
    assert "本" in said[0]
    assert first.shape == second.shape
    assert (first != second).any()
    assert font_of("ab 日本 🎉") == (own_font(), "ab \\u65e5\\u672c \\U0001f389")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("fonts", [(), (OTHER,)])
def test_plots_have_no_boxes(tmp_path, installed, fonts):
    installed(*fonts)
    heard = WarningList(Reporter())
    curves = [Curve("Ⓐ", [1, 2], [1.0, 2.0], True), Curve("日本", [1, 2], [1.0, 3.0], False)]
    draw_or_warn(
        lambda: draw_curves(tmp_path / "c.png", curves, "Ⓐ", title="Ⓐ"), "curves.png", reporter=heard
    )  # a box is a warning of matplotlib's, which is an error here
    (said,) = [warning.message for warning in heard.warnings]
    assert ("Ⓐ" in said) is (not fonts)
    assert "日" in said
    assert "could not be drawn" not in said


def test_a_font_that_has_the_letters_is_taken(tmp_path, installed):
    installed(OTHER)
    assert font_of("Ⓐ é") == (OTHER, "Ⓐ é")
    assert font_of("Größe, Żółć, Ελλάδα, Россия, العربية, עברית")[0] == own_font()
    assert drawn(tmp_path, "Ⓐ")[1] == []


def test_what_needs_no_letter_is_not_missed(installed):
    installed()
    for text in ("a\nb\tc", "\N{NO-BREAK SPACE}\N{ZERO WIDTH JOINER}é", "a\N{VARIATION SELECTOR-16}é"):
        assert font_of(text) == (own_font(), text)


def test_numbers_behind_a_word_read_from_the_right_keep_their_order(tmp_path):
    assert apart("العربية") == "العربية\N{LEFT-TO-RIGHT MARK}"
    assert apart("日本") == "日本"
    assert apart("a") == "a"
    plain, marked = (Line(frame, "عر", "#000000") for frame in ("{} 3→4", "{}\N{LEFT-TO-RIGHT MARK} 3→4"))
    for file, line in (("plain.png", plain), ("marked.png", marked)):
        plot_sheet(tmp_path / file, "", np.zeros((1, 8, 8, 1), np.uint8), [(line, line)])
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "marked.png").read_bytes()
