"""Reports of runs, sweeps and several runs: what they hold, and that text of strangers stays text."""

from __future__ import annotations

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from dltrain.cli.app import run
from dltrain.cli.reports.answers import answer_blocks, mistake_blocks
from dltrain.cli.reports.data import look_at_data
from dltrain.cli.reports.html import render_html
from dltrain.cli.reports.markdown import MOST_CHARACTERS, render_markdown
from dltrain.cli.reports.page import Code, Page, Paragraph, Picture, Section, Table
from dltrain.cli.reports.several import page_of
from dltrain.cli.text import format_number
from dltrain.evaluation.metrics.label_metrics import label_report, rank_labels
from dltrain.evaluation.metrics.metrics import classification_report
from dltrain.storage.run import Run
from tests.support import examples

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
        if tag not in ("meta", "img", "wbr"):
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
    assert all(value.startswith("data:image/") for key, value in attributes if key == "src")
    identities = [value for key, value in attributes if key == "id"]
    assert len(set(identities)) == len(identities)
    assert {value for key, value in attributes if key == "href"} == {f"#{name}" for name in identities}
    assert {"header", "nav", "main"} <= names
    headings = [name for name, _ in seen.tags if re.fullmatch(r"h\d", name)]
    assert headings == ["h1", *["h2"] * (len(headings) - 1)]
    assert sum(name == "table" for name, _ in seen.tags) == sum(name == "caption" for name, _ in seen.tags) > 3
    assert not re.findall(r"https?://", re.sub(r'src="data:[^"]*"', "", text))
    assert HOSTILE in seen.text
    assert OTHER in seen.text
    assert all(found.get("alt") for name, found in seen.tags if name == "img")
    assert ("html", {"lang": "en"}) in seen.tags
    assert len(text) < 3_000_000
    metrics = json.loads((folder / "labels" / "metrics.json").read_text())
    assert f"{metrics['metrics']['test']['accuracy']:.4f}"[:4] in seen.text
    assert seen.text.count("95 % interval") >= 1
    assert {"confusion matrix, 2 classes", "ROC curve: by chance, model"} <= {found.get("alt") for _, found in seen.tags}
    wrong = metrics["report"]["worst"]
    assert wrong
    for one in wrong:
        assert f"{one['probability']:.4g}"[:4] in seen.text
        assert one["true"] != one["predicted"]
    assert "gaps" in seen.text
    assert run(["report", str(folder / "labels"), "-o", str(file)]) == 6
    assert run(["report", str(folder / "labels"), "-o", str(folder / "report.pdf")]) == 2


def test_numbers_a_sweep_and_several_runs(folder, capsys):
    for words, shown in (
        (["numbers"], ["rmse", "predicted against true: as it should be", "the predictions that are furthest off"]),
        (["sweep"], ["2 trials, the best first", "training.optimizer.learning_rate", "standard error", "Trials in their order"]),
        (["labels", "numbers"], ["What their configs differ in", "data.target"]),
    ):
        file = folder / f"{words[0]}-{len(words)}.html"
        assert run(["report", *(str(folder / word) for word in words), "-o", str(file), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["output"] == str(file)
        text = file.read_text()
        assert not Seen(text).open
        assert [part for part in shown if part not in text] == []


def test_a_report_calls_the_trial_best_that_the_sweep_does(folder, tmp_path):
    """Among trials within chance that is not always the one of the best value."""
    sweep = Path(shutil.copytree(folder / "sweep", tmp_path / "sweep"))
    manifest = json.loads((sweep / "manifest.json").read_text())
    number = 2 if manifest["best"] == "trials/0001" else 1
    (sweep / "manifest.json").write_text(json.dumps({**manifest, "best": f"trials/{number:04d}"}))
    rate = json.loads((sweep / "sweep.json").read_text())["trials"][number - 1]["parameters"]["training.optimizer.learning_rate"]
    page = page_of([sweep])
    assert f"The best of 2 trials: training.optimizer.learning_rate {rate:g}" in page.verdict
    assert [row[0] for row in page.sections[0].blocks[0].rows] == [str(number), str(3 - number)]


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
    header = next(line for line in tables if line.startswith("| class |"))
    row = next(line for line in tables if line.startswith("| &lt;script"))
    assert row.count("|") == header.count("|") == 6


def test_markdown_stays_below_what_a_comment_takes():
    rows = [[f"row {index}", "x" * 500] for index in range(400)]
    page = Page("t" * 9999, "v" * 9999, [Section(f"s{number}", [Table("c", ["a", "b"], rows)]) for number in range(9)])
    page.sections.append(Section("the last", [Paragraph("short")]))
    text = render_markdown(page)
    assert len(text) <= MOST_CHARACTERS
    assert "(360 rows more, cells of more than 160 letters are cut)" in text
    assert "(392 rows more, cells of more than 160 letters are cut)" in text
    assert "### s2" in text
    assert "### the last" in text
    rows = [[f"row {index}", *["x" * 160] * 9] for index in range(40)]
    page.sections[2:2] = [Section("too wide", [Table("c", list("abcdefghij"), rows * 9)]) for _ in range(9)]
    text = render_markdown(page)
    assert len(text) <= MOST_CHARACTERS
    assert "### the last" in text
    assert re.search(r"\n\(cut for their length&#58; (too wide|s\d)(, (too wide|s\d|\u2026))*: see the HTML report.\)\n$", text)


@pytest.mark.parametrize(
    "label",
    ["a|b", "`c` d`", "line\nbreak", "@octocat", "see #12, GH-7", ":tada:", "www.example.com a@b.co", "\\|", "\\", "```", "<!--", "&lt;"],
)  # fmt: skip
def test_a_table_of_github_has_each_label_as_it_is(label):
    """Read by another's reader of Markdown; people, issues and emoji are looked for by GitHub in what it has made of the text."""
    table = Table(label, ["class", label], [[label, "1"], ["x", label]])
    blocks = [table, Paragraph(label), Paragraph(f"1. {label}"), Paragraph(f"- {label}")]
    text = render_markdown(Page(label, label, [Section("s", blocks)]))
    reader = MarkdownIt("gfm-like", {"linkify": False, "html": True})
    tokens = reader.parse(text)
    assert {token.type for token in tokens}.isdisjoint({"bullet_list_open", "ordered_list_open", "html_block", "hr", "fence"})
    inside = [token for token in tokens if token.type == "inline"]
    assert {child.type for token in inside for child in token.children or ()} <= {
        "text", "text_special", "strong_open", "strong_close"
    }  # fmt: skip
    said = ["".join(child.content for child in token.children or ()) for token in inside]
    plain = " ".join(label.split())
    bare = [one.replace("\u200b", "") for one in said]
    assert bare[-8:] == [plain, "class", plain, plain, "1", "x", plain, plain, f"1. {plain}", f"- {plain}"][-8:]
    assert bare[0] == bare[1] == plain
    assert not re.search(r"@\w|#\d|GH-\d|:\w+:", "\n".join(said))
    assert not re.search(r"\bwww\.", text)


def test_code_cannot_end_its_fence():
    text = render_markdown(Page("t", "v", [Section("s", [Code("c", "a\n````\n# loud")])]))
    assert "`````\na\n````\n# loud\n`````" in text


def test_quotes_do_not_leave_an_attribute():
    text = render_html(Page('"><b>', "v", [Section("s", [Code('" onload="x', "y"), Paragraph("<i>")], True)]))
    seen = Seen(text)
    assert {"b", "i"}.isdisjoint(name for name, _ in seen.tags)
    assert {"aria-label": '" onload="x', "tabindex": "0", "role": "group"} in [
        found for name, found in seen.tags if name == "pre"
    ]


def test_the_colours_of_the_page_are_told_apart():
    """By 4.5 to 1 at least, as the Web Content Accessibility Guidelines ask of text."""
    text = render_html(Page("t", "v", []))
    light, dark = text.split("prefers-color-scheme: dark", 1)

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    for style in (light, dark.split("body {", 1)[0]):
        named = dict(re.findall(r"--(\w+): (#\w{6})", style))
        for ink in ("ink", "soft", "link"):
            for ground in ("back", "card"):
                high, low = sorted((luminance(named[ink]), luminance(named[ground])), reverse=True)
                assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground)


def test_what_the_data_is(folder):
    run_folder = Run(folder / "labels")
    wanted = [3, 7, 10_000]
    seen = look_at_data(run_folder, run_folder.read_manifest(), wanted)
    table = polars.read_csv(folder / "t.csv")
    assert seen.note == ""
    assert {row: float(values["a"]) for row, values in seen.rows.items()} == {row: table["a"][row - 1] for row in (3, 7)}
    by_name = {str(cells[0]): cells for cells in seen.columns}
    assert set(by_name) == {"a", "y"}
    _, kind, gaps, different, said, picture = by_name["a"]
    low, middle, high = (format_number(float(table["a"].quantile(q, "linear"))) for q in (0, 0.5, 1))  # type: ignore[arg-type]
    assert (kind, gaps, said) == ("number", "none", f"{low} to {high}, median {middle}")
    assert different == f"{table['a'].n_unique()}"
    assert isinstance(picture, Picture)
    assert by_name["y"][1] == "target, classification"
    assert HOSTILE in str(by_name["y"][4])


def test_data_that_has_changed_or_is_gone_is_said_and_no_more(folder, tmp_path, capsys):
    copy = shutil.copytree(folder / "labels", tmp_path / "copy")
    manifest = Run(copy).read_manifest()
    manifest["data"]["details"] = {"t.csv": {"digest": "another", "bytes": 5, "rows": 200}}
    assert "has changed" in look_at_data(Run(copy), manifest, [1]).note
    (folder / "t.csv").rename(tmp_path / "t.csv")
    try:
        assert "could not be read" in look_at_data(Run(copy), Run(copy).read_manifest(), [1]).note
        assert run(["-q", "report", str(copy), "-o", str(tmp_path / "r.html")]) == 0
        assert "The run's data could not be read once more" in capsys.readouterr().err
    finally:
        (tmp_path / "t.csv").rename(folder / "t.csv")


def test_importances_and_slices_of_an_evaluation_are_in_the_report(folder, capsys):
    assert run(["-q", "evaluate", str(folder / "labels"), "--importance", "--by", "n", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["pictures"] == ["results.svg", "importance.svg"]
    assert run(["report", str(folder / "labels"), "--format", "md"]) == 0
    text = capsys.readouterr().out
    assert "### What the columns are worth" in text
    assert f"| a | {format_number(said['importance']['columns'][0]['value'])} (" in text
    assert "by n, the worst first" in text
    assert f"| {said['slices'][0]['name']} | {said['slices'][0]['rows']} |".replace("_", "&#95;") in text


def test_against_an_older_run(folder, capsys):
    assert run(["report", str(folder / "labels"), "--against", str(folder / "sweep"), "--format", "md"]) == 0
    text = capsys.readouterr().out
    new = json.loads((folder / "labels" / "metrics.json").read_text())
    assert f"dltrain evaluate {folder / 'labels'} --against".replace("_", "&#95;") in text
    rows = [line for line in text.splitlines() if line.startswith("| accuracy |")]
    assert len(rows) == 2
    assert format_number(new["metrics"]["test"]["accuracy"]) in rows[1]
    assert "| training.epochs | " in text
    assert run(["report", str(folder / "labels"), str(folder / "numbers"), "--against", "x"]) == 2


@given(
    st.lists(st.text(max_size=300), min_size=1, max_size=12),
    st.lists(st.sampled_from(["|", "`", "<", "@", "&", "\n", "#", "$", "x", "\u732b"]), min_size=1, max_size=9),
    st.integers(1, 3000),
)
@settings(max_examples=examples(8, 30), deadline=None)
def test_no_names_and_no_number_of_them_go_beyond_a_comment_or_a_summary(texts, marks, count):
    """A comment of GitHub takes 65,536 characters, a summary of a job 1 MiB."""
    names = [text + "".join(marks) * 50 for text in texts]
    rows = [[names[row % len(names)], *names[:4]] for row in range(count)]
    table = Table(names[0], ["name", *names[:4]], rows)
    page = Page(names[0] * 9, names[-1] * 9, [Section(name, [table, Paragraph(name), Code(name, name * 40)]) for name in names])
    text = render_markdown(page)
    assert len(text) <= 65_536
    assert len(text.encode("utf-8", "surrogatepass")) < 1 << 20
    assert text.startswith("## ")


@pytest.mark.parametrize("label", ["class", HOSTILE, OTHER, "|" * 60, "`" * 60])
def test_a_hundred_classes_have_room_in_a_comment(tmp_path, label):
    labels = [f"{label} {place}" for place in range(100)]
    matrix = np.random.default_rng(0).integers(0, 9, (100, 100)) + 30 * np.eye(100, dtype=int)
    report = classification_report(matrix.tolist(), labels)
    report["worst"] = [{"row": 1, "file": OTHER * 9, "true": label, "predicted": label, "probability": 0.9}] * 12
    page = Page("t", "v", [Section("s", [*answer_blocks(report), *mistake_blocks(report, {1: {HOSTILE: OTHER}})])])
    text = render_markdown(page)
    assert len(text) <= MOST_CHARACTERS
    assert "<script" not in text
    assert "<img" not in text
    whole = render_html(page)
    seen = Seen(whole)
    assert not seen.open
    assert {"script"}.isdisjoint(name for name, _ in seen.tags)
    assert all((found.get("src") or "").startswith("data:image/") for name, found in seen.tags if name == "img")
    assert len(whole) < 3_000_000


def test_labels_have_their_thresholds_and_what_calibration_changed():
    true, said = np.random.default_rng(1).random((2, 60, 2))
    report = label_report(true > 0.5, said, ["p", HOSTILE], rank_labels(true > 0.5, said), said > 0.4)
    report["thresholds"] = [{"label": label, "value": 0.4, "asked": "f1"} for label in ("p", HOSTILE)]
    scores = {"ece": 0.25, "brier": 0.5, "log_loss": 0.75}
    each = [{"label": label, "temperature": 1.5} for label in ("p", HOSTILE)]
    report["calibrated"] = {"method": "temperature", "temperatures": each, "before": scores, "after": scores}
    tables = {block.caption: block for block in answer_blocks(report) if isinstance(block, Table)}
    table = tables["from which probability a label is said"]
    assert table.header == ["label", "threshold", "temperature"]
    assert sorted(table.rows) == sorted([["p", "0.4000", "1.500"], [HOSTILE, "0.4000", "1.500"]])
    assert tables["calibration, on this part"].rows[0] == ["ece", "0.2500", "0.2500"]


def test_long_numbers_of_rows_are_short_in_the_table_of_mistakes():
    worst = [{"row": 1, "true": "a", "predicted": "b", "probability": 0.9}]
    report = {"confusion_matrix": [[1]], "worst": worst}
    cells = {"x": "-0.80046744123", "code": "00123456789", "short": "1.25", "text": "0.12345678 kg"}
    (table,) = mistake_blocks(report, {1: cells})
    assert table.rows[0][-4:] == ["-0.800467", "00123456789", "1.25", "0.12345678 kg"]


def test_a_file_of_a_report_moves_no_cursor() -> None:
    page = Page("a\x1b[2Jb", "v\x9b1m", [Section("s", [Code("c", "x\x1b]0;t\x07\ny"), Paragraph("\u202ep")])])
    for text in (render_markdown(page), render_html(page)):
        assert all(sign.isprintable() or sign == "\n" for sign in text)
        assert "\ny" in text


def test_the_curves_of_a_sweep_are_of_the_metric_that_its_picture_shows(tmp_path):
    from dltrain.cli.reports.several import _trial_curves

    for number in (1, 2):
        folder = tmp_path / "trials" / f"000{number}"
        folder.mkdir(parents=True)
        (folder / "history.csv").write_text("epoch,loss,accuracy,val_loss,val_accuracy\n1,2.0,0.5,2.1,0.4\n2,1.0,0.7,1.2,0.6\n")
    ranked = [{"number": 2}, {"number": 1}]
    for metric, title in (("accuracy", "val accuracy"), ("validation.loss", "val loss"), ("roc_auc", "val loss")):
        (block,) = _trial_curves(tmp_path, ranked, metric)
        assert f"{title} of the trials over the epochs" in str(block)
