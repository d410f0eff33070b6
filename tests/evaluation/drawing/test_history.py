import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from dltrain.errors import RunError
from dltrain.evaluation.drawing.history import plot_history, read_history

HISTORY = """epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds
1,0.9,0.5,0.8,0.6,0.001,0.1
2,0.5,0.8,0.4,0.8,0.001,0.1
3,0.3,0.9,0.6,0.7,0.0005,0.1
"""


TRAINING, VALIDATION, BEST = (0x1F, 0x77, 0xB4), (0xD9, 0x5F, 0x02), (0x7A, 0x51, 0x95)


def shows(file, colour):
    """Whether the colour is in the picture; smoothed lines may miss it by a little."""
    pixels = np.asarray(Image.open(file).convert("RGB")).astype(int)
    return bool((np.abs(pixels - colour).sum(axis=-1) < 16).any())


def draw(tmp_path, text, **options):
    (tmp_path / "history.csv").write_text(text)
    drawn = plot_history(tmp_path / "history.csv", tmp_path / "history.png", **options)
    return drawn, tmp_path / "history.png"


def test_a_picture_with_a_panel_for_loss_accuracy_and_learning_rate(tmp_path):
    drawn, file = draw(tmp_path, HISTORY, title="lfw $x_1$")
    assert drawn
    assert Image.open(file).width > 1200
    assert shows(file, TRAINING)
    assert shows(file, VALIDATION)
    assert shows(file, BEST)
    assert sorted(os.listdir(tmp_path)) == ["history.csv", "history.png"]


def test_without_validation_there_is_no_best_epoch(tmp_path):
    drawn, file = draw(tmp_path, "epoch,loss,seconds\n1,0.5,0.1\n2,0.4,0.1\n")
    assert drawn
    assert shows(file, TRAINING)
    assert not shows(file, VALIDATION)
    assert not shows(file, BEST)


@pytest.mark.parametrize("text", ["", "epoch,loss\n", "epoch,seconds\n1,0.1\n"])
def test_nothing_to_draw(tmp_path, text):
    drawn, file = draw(tmp_path, text)
    assert not drawn
    assert not file.exists()


@pytest.mark.parametrize("loss", ["nan", "1e308", "word"])
def test_odd_values_do_not_stop_the_picture(tmp_path, loss):
    drawn, file = draw(tmp_path, f"epoch,loss,val_loss,learning_rate\n1,{loss},{loss},0.1\n2,0.4,{loss},0.0001\n")
    assert drawn
    assert file.stat().st_size > 1000


@pytest.mark.parametrize("content", [b"ep\x8eoch,loss\n1,2\n", b"epoch,loss\n1," + b"9" * 200_000 + b"\n"])
def test_a_damaged_history(content, tmp_path):
    (tmp_path / "history.csv").write_bytes(content)
    with pytest.raises(RunError, match="not a readable history"):
        read_history(tmp_path / "history.csv")


def test_read_history(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss\n1,0.5\n2,\n")
    history = read_history(tmp_path / "history.csv")
    assert history["epoch"] == [1, 2]
    assert history["loss"][0] == 0.5
    assert np.isnan(history["loss"][1])


def test_no_display_is_asked_for(tmp_path):
    (tmp_path / "history.csv").write_text(HISTORY)
    code = (
        "import sys; from pathlib import Path; from dltrain.evaluation.drawing.history import plot_history;"
        "plot_history(Path('history.csv'), Path('h.png')); assert 'matplotlib.pyplot' not in sys.modules"
    )
    environment = {**os.environ, "MPLBACKEND": "tkagg", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, timeout=300)
    assert (tmp_path / "h.png").exists()
