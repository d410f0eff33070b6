"""Reports of runs, sweeps and several runs: what they hold, and that text of strangers stays text."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from dltrain.cli.app import run
from dltrain.cli.reports.html import render_html
from dltrain.cli.reports.markdown import MOST_CHARACTERS, render_markdown
from dltrain.cli.reports.page import Code, Page, Paragraph, Section, Table

HOSTILE = '<script>alert("x")</script>'
OTHER = "'><img src=x onerror=alert(1)> | `@all`"


class Seen(HTMLParser):
    """Tags with their attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run whose labels look like markup, one on numbers, and a sweep."""
    folder = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(0)
    quoted = [label.replace('"', '""') for label in (HOSTILE, OTHER)]
    lines = [f'{a:.3f},{3 * a + 0.1 * rng.normal():.3f},"{quoted[int(a > 0)]}"' for a in rng.normal(size=200)]
    (folder / "t.csv").write_text("\n".join(["a,n,y", *lines]) + "\n")
    for name, target in (("labels", "y"), ("numbers", "n")):
        (folder / f"{name}.yaml").write_text(
            f"data: {{source: csv, path: t.csv, target: {target}, features: [a], split: {{test: 0.3, validation: 0.2}}}}\n"
            "model: {layers: [{Dense: {units: 4, activation: relu}}]}\ntraining: {epochs: 12}\n"
        )
        assert run(["-q", "fit", str(folder / f"{name}.yaml"), "--run-dir", str(folder / name)]) == 0
    words = ["--over", "training.optimizer.learning_rate=0.001,0.01", "training.epochs=1", "--run-dir", str(folder / "sweep")]
    assert run(["-q", "sweep", str(folder / "labels.yaml"), *words]) == 0
    return folder


def test_the_page_of_a_run_needs_no_network_and_runs_no_script(folder):
    file = folder / "labels.html"
    assert run(["report", str(folder / "labels"), "-o", str(file)]) == 0
    text = file.read_text()
    seen = Seen(text)
    assert not seen.open
    names = {name for name, _ in seen.tags}
    assert not names & {"script", "iframe", "object", "embed", "link", "form"}
    attributes = [(key, value or "") for _, found in seen.tags for key, value in found.items()]
    assert not [key for key, _ in attributes if key.startswith("on")]
    assert all(value.startswith("data:image/") for key, value in attributes if key in ("src", "href"))
    assert not re.findall(r"https?://", re.sub(r'src="data:[^"]*"', "", text))
    assert HOSTILE in seen.text
    assert OTHER in seen.text
    assert all(found.get("alt") for name, found in seen.tags if name == "img")
    assert ("html", {"lang": "en"}) in seen.tags
    assert len(text) < 3_000_000
    metrics = json.loads((folder / "labels" / "metrics.json").read_text())
    assert f"{metrics['metrics']['test']['accuracy']:.4f}"[:4] in seen.text
    assert seen.text.count("95 % interval") >= 1
    assert text.count("image/svg+xml") == 3  # confusion matrix, curves of scores, reliability
    assert run(["report", str(folder / "labels"), "-o", str(file)]) == 6
    assert run(["report", str(folder / "labels"), "-o", str(folder / "report.pdf")]) == 2


def test_numbers_a_sweep_and_several_runs(folder, capsys):
    for words, shown in (
        (["numbers"], ["rmse", "Predicted against true n"]),
        (["sweep"], ["2 trials", "training.optimizer.learning_rate", "standard error"]),
        (["labels", "numbers"], ["What their configs differ in", "data.target", "(best)"]),
    ):
        file = folder / f"{words[0]}-{len(words)}.html"
        assert run(["report", *(str(folder / word) for word in words), "-o", str(file), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["output"] == str(file)
        text = file.read_text()
        assert not Seen(text).open
        assert [part for part in shown if part not in text] == []


def test_markdown_is_text_as_well(folder, capsys):
    assert run(["report", str(folder / "labels"), "--format", "md"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("## ")
    assert "| metric | train | validation | test (95 % interval) | baseline |" in text
    outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert "<script" not in outside
    assert "@all" not in outside
    assert "&lt;script&gt;alert" in outside
    tables = [line for line in outside.splitlines() if line.startswith("| ")]
    assert {line.count("|") for line in tables if "script" in line} == {6}


def test_markdown_stays_below_what_a_comment_takes():
    rows = [[f"row {index}", "x" * 50] for index in range(400)]
    page = Page("t", "v", [Section(f"s{number}", [Table("c", ["a", "b"], rows)]) for number in range(9)])
    text = render_markdown(page)
    assert len(text) <= MOST_CHARACTERS
    assert text.endswith("(Cut: the whole of it is in the HTML report.)\n")


def test_code_cannot_end_its_fence():
    text = render_markdown(Page("t", "v", [Section("s", [Code("c", "a\n````\n# loud")])]))
    assert "`````\na\n````\n# loud\n`````" in text


def test_quotes_do_not_leave_an_attribute():
    text = render_html(Page('"><b>', "v", [Section("s", [Code('" onload="x', "y"), Paragraph("<i>")], True)]))
    seen = Seen(text)
    assert {"b", "i"}.isdisjoint(name for name, _ in seen.tags)
    assert {"aria-label": '" onload="x', "tabindex": "0", "role": "region"} in [
        found for name, found in seen.tags if name == "pre"
    ]
