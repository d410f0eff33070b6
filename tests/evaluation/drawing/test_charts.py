"""Charts: well-formed, their text in full, nothing cut or overlapping, their points where the numbers are."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltrain.evaluation.drawing.charts import (
    confusion_panel,
    history_panels,
    importance_panel,
    pair_panels,
    plot_results,
    report_panels,
)
from dltrain.evaluation.drawing.history import OF_SEVERAL, is_wide
from dltrain.evaluation.drawing.svg import TEXT, Axis, Dots, Line, Panel, bars, plot, sheet, spark, text_width

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert('x')</script> & \x1b[31m \ud800"


def parsed(panels: list[Panel]) -> ElementTree.Element:
    return ElementTree.fromstring(sheet(panels))


def boxes(panel: Panel) -> list[tuple[float, float, float, float, str]]:
    """Left, top, right and bottom of each text of a panel, with the text."""
    found = []
    for node in parsed([panel]).iter(f"{SVG}text"):
        words = node.text or ""
        x, y, wide = float(node.attrib["x"]), float(node.attrib["y"]), text_width(words)
        start = {"start": 0.0, "middle": -wide / 2, "end": -wide}[node.attrib["text-anchor"]]
        corners = [(start, -0.8 * TEXT), (start + wide, 0.2 * TEXT)]
        if "rotate" in node.attrib.get("transform", ""):  # by -90 degrees: what goes right goes up
            corners = [(b, -a) for a, b in corners]
        xs, ys = zip(*corners)
        found.append((x + min(xs), y + min(ys), x + max(xs), y + max(ys), words))
    return found


def assert_is_readable(panel: Panel) -> None:
    """Nothing is beyond the edge, and no text lies on another."""
    placed = boxes(panel)
    for left, top, right, bottom, words in placed:
        assert min(left, top, panel.width - right, panel.height - bottom) >= -1, words
    for index, (left, top, right, bottom, words) in enumerate(placed):
        for other in placed[index + 1 :]:
            across = min(right, other[2]) - max(left, other[0])
            along = min(bottom, other[3]) - max(top, other[1])
            assert across <= 1 or along <= 1, (words, other[4])


def report_of(count: int, label: str = "class number") -> dict[str, Any]:
    matrix = (np.random.default_rng(0).integers(0, 5, (count, count)) + 400 * np.eye(count, dtype=int)).tolist()
    return {"labels": [f"{label} {place}" for place in range(count)], "confusion_matrix": matrix}


@pytest.mark.parametrize("count", [2, 3, 10, 30, 31, 100])
@pytest.mark.parametrize("label", ["a", "a class with a rather long name", "\u732b\u306e\u5199\u771f", HOSTILE])
def test_a_confusion_matrix_can_be_read(count: int, label: str) -> None:
    report = report_of(count, label)
    panel = confusion_panel(report["confusion_matrix"], report["labels"])
    assert_is_readable(panel)
    said = " ".join(box[4] for box in boxes(panel))
    if count <= 30 and label == "a class with a rather long name":
        assert said.count(f"{label} 1 ") == 2
    if count <= 30:
        cells = [rect.attrib["fill"] for rect in parsed([panel]).iter(f"{SVG}rect") if rect.attrib.get("fill")]
        assert len(cells) == count**2
        assert said.count("40") >= count


@given(
    st.lists(st.tuples(st.floats(-1e12, 1e12), st.floats(-1e12, 1e12)), min_size=1, max_size=20),
    st.booleans(),
    st.sampled_from(["loss", HOSTILE, "a name of a metric that is rather long"]),
)
def test_any_numbers_make_a_chart_that_can_be_read(pairs, is_logarithmic, name) -> None:
    xs, ys = ([value for value in values] for values in zip(*pairs))
    marks = [Line(xs, ys, label="model"), Dots(xs, [math.nan, *ys[1:]], "orange")]
    panel = plot(name, Axis("epoch"), Axis(name, is_logarithmic=is_logarithmic), marks)
    assert_is_readable(panel)
    assert not re.search(rb"\b(nan|inf)\b", sheet([panel]))


def test_points_lie_where_their_numbers_are() -> None:
    panel = plot("t", Axis("x", (0.0, 10.0)), Axis("y", (0.0, 1.0)), [Dots([0, 5, 10], [0, 0.25, 1])], width=300, height=200)
    path = re.search(r'class="d blue"[^>]*d="([^"]*)"', panel.body)
    assert path is not None
    places = [tuple(map(float, pair)) for pair in re.findall(r"M([\d.]+) ([\d.]+)", path[1])]
    (x0, y0), (x1, y1), (x2, y2) = places
    assert (x1 - x0, x2 - x0) == (150.0, 300.0)
    assert (y0 - y1, y0 - y2) == (50.0, 200.0)


def test_a_logarithmic_axis_has_equal_steps_for_equal_factors() -> None:
    panel = plot("t", Axis("x"), Axis("y", is_logarithmic=True), [Line([1, 2, 3], [1, 10, 100])])
    path = re.search(r'class="l blue" d="([^"]*)"', panel.body)
    assert path is not None
    y = [float(pair[1]) for pair in re.findall(r"[ML]([\d.]+) ([\d.]+)", path[1])]
    assert y[0] - y[1] == pytest.approx(y[1] - y[2], abs=0.2)
    assert {"1", "10", "100"} <= {box[4] for box in boxes(panel)}


def test_bars_are_as_long_as_their_numbers() -> None:
    panel = bars("t", ["a", "b", "c"], [4.0, 1.0, -1.0], ["4", "1", "-1"])
    widths = [float(rect.attrib["width"]) for rect in parsed([panel]).iter(f"{SVG}rect") if rect.attrib.get("class") == "fb"]
    assert widths[0] == pytest.approx(4 * widths[1], abs=0.2)
    assert widths[1] == widths[2]


def test_what_is_worth_most_stands_first() -> None:
    panel = importance_panel([{"name": "few", "value": 0.1}, {"name": HOSTILE, "value": 0.3}], "log_loss")
    assert_is_readable(panel)
    names = [box[4] for box in boxes(panel)]
    assert names.index("few") > next(place for place, name in enumerate(names) if "script" in name)


def test_the_results_of_a_part_are_one_file(tmp_path: Path) -> None:
    bins = [{"said": 0.2, "true": 0.1, "rows": 3}, {"said": 0.9, "true": 1.0, "rows": 30}]
    curves = {"roc": [[0, 0.5, 1], [0, 0.9, 1]], "precision_recall": [[0.1, 1], [1, 0.4]]}
    report = {**report_of(2), "calibration": {"bins": bins}, "curves": curves}
    assert len(report_panels(report)) == 4
    assert len(report_panels({"a": report_of(3), "b": report_of(3), "pairs": {"c": [[1, 2], [1, 3]]}})) == 4
    one = {"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "support": 4}
    several = {"labels": ["lost", "sale"], "classes": {"lost": one, "sale": one}, "averages": {"micro": one}}
    assert len(report_panels(several)) == 1  # several labels a row have no confusion matrix
    for panel in report_panels(report):
        assert_is_readable(panel)
    assert plot_results(tmp_path / "results.svg", report)
    assert ElementTree.parse(tmp_path / "results.svg").getroot().tag == f"{SVG}svg"
    assert not plot_results(tmp_path / "none.svg", {})
    assert not (tmp_path / "none.svg").exists()


def test_numbers_and_histories_can_be_read() -> None:
    true = np.random.default_rng(0).normal(1e6, 1e5, 300)
    for panel in pair_panels([true.tolist(), (0.9 * true).tolist()], "price of the house in its own currency"):
        assert_is_readable(panel)
    history = {
        "epoch": [1.0, 2.0, 3.0],
        "loss": [100.0, 1.0, math.nan],
        "val_loss": [100.0, 2.0, 1.0],
        "learning_rate": [0.1] * 3,
        "members": [3.0] * 3,  # how many fits the means of an epoch are of
    }
    panels = history_panels(history, 2)
    assert len(panels) == 1
    assert_is_readable(panels[0])


def test_a_small_histogram_has_a_bar_for_each_count() -> None:
    root = ElementTree.fromstring(spark([1, 0, 4]))
    assert next(root.iter(f"{SVG}path")).attrib["d"].count("M") == 2


def test_an_axis_is_logarithmic_by_one_rule() -> None:
    assert is_wide([0.1, math.nan, 5.0, math.inf])
    assert not is_wide([0.1, 4.9])
    assert is_wide([0.1, 4.9], OF_SEVERAL)
    assert not is_wide([0.0, 5.0])
    assert not is_wide([math.nan])
