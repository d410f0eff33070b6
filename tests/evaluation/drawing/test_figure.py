"""Pictures look as ours do whatever the user's settings are; names are text; a picture that fails is a warning."""

from __future__ import annotations

import matplotlib
import pytest
from PIL import Image

from dltrain.errors import RunError
from dltrain.evaluation.drawing.figure import draw_or_warn
from dltrain.evaluation.drawing.history import plot_history
from dltrain.reporting import Reporter, WarningList
from dltrain.sweep.pictures import Curve, draw_curves

HISTORY = "epoch,loss,val_loss,{name},learning_rate\n1,100.0,120.0,1,0.1\n2,1.0,2.0,2,0.01\n3,0.001,0.01,3,0.0001\n"


def history(folder, name):
    file = folder / "history.csv"
    file.write_text(HISTORY.format(name=name))
    return file


@pytest.mark.parametrize("name", ["accuracy", r"$\frac{", "$x^2$", "漢字", "a_b"])
def test_attack_9_a_name_is_text(name, tmp_path):
    plot_history(history(tmp_path, name), tmp_path / "h.png", title=name)
    draw_curves(tmp_path / "c.png", [Curve(name, [1, 2], [1.0, 1000.0], True)], name, title=name)
    for file in ("h.png", "c.png"):
        assert Image.open(tmp_path / file).size[0] > 300


def test_attack_9_the_user_s_style_changes_nothing(tmp_path):
    plot_history(history(tmp_path, "accuracy"), tmp_path / "plain.png")
    with matplotlib.rc_context({"text.usetex": True, "figure.facecolor": "red", "axes.grid": True, "savefig.dpi": 10}):
        plot_history(history(tmp_path, "accuracy"), tmp_path / "styled.png")
        assert matplotlib.rcParams["text.usetex"]
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "styled.png").read_bytes()


@pytest.mark.parametrize(
    "error", [RunError("cannot write x: No space left on device"), ValueError("bad\nformula"), OSError(5, "EIO")]
)
def test_attack_9_a_picture_that_fails_is_a_warning(error):
    def draw(argument):
        raise error

    heard = WarningList(Reporter())
    assert draw_or_warn(draw, "history.png", 1, reporter=heard) is None
    assert heard.warnings[0].message.startswith("history.png could not be drawn: ")
    assert "\n" not in heard.warnings[0].message
