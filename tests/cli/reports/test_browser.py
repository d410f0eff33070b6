"""Reports and drawings in a real browser: text of strangers stays text, runs nothing, asks nobody."""

from __future__ import annotations

import http.server
import shutil
import subprocess
import threading
from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from dltrain.cli.app import run
from dltrain.cli.reports.html import render_html
from dltrain.cli.reports.page import Code, Page, Paragraph, Section, Table

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]

MARK = "document.documentElement.setAttribute('data-pwned','1')"
ALLOWED_TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "header", "footer", "nav", "section", "article", "figure", "figcaption",
    "h1", "h2", "h3", "h4", "p", "ul", "ol", "li", "table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "colgroup", "col",
    "pre", "code", "span", "div", "b", "strong", "em", "i", "small", "br", "hr", "img", "details", "summary", "dl", "dt", "dd", "a",
    "svg", "g", "path", "rect", "line", "text", "tspan", "circle", "polyline", "polygon", "defs", "desc", "clippath", "use", "wbr",
}  # fmt: skip


def hostile(address: str) -> list[str]:
    """Text that becomes a script, an element or a request where it is not escaped."""
    return [
        f"<script>{MARK}</script>",
        f"<img src=x onerror={MARK}>",
        f"'\"><svg onload={MARK}>",
        f"</style></title></textarea></pre></td><script>{MARK}</script>",
        f'<iframe srcdoc="<script>parent.{MARK}</script>"></iframe>',
        f"<img src={address}/image><link rel=stylesheet href={address}/style>",
        f"--><script>{MARK}</script><!--",
        f"]]><script>{MARK}</script>",
        f"&lt;script&gt;{MARK}&lt;/script&gt;",
        f"javascript:{MARK}",
        f"<meta http-equiv=refresh content='0;url={address}/refresh'>",
        f"\u202e<b id=pwned>{MARK}",
        f"<a href=javascript:{MARK} id=pwned autofocus onfocus={MARK}>",
    ]


class Seen(HTMLParser):
    """All elements of a page as the browser has made it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def open_in_browser(page: Path, profile: Path) -> str:
    """What the browser makes of a file, when its scripts, if it has any, have run."""
    words = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        f"--user-data-dir={profile}",
        "--no-first-run",
    ]
    words += ["--virtual-time-budget=3000", "--dump-dom", page.as_uri()]
    found = subprocess.run([str(CHROMIUM), *words], capture_output=True, text=True, timeout=240, check=True)
    return found.stdout


def assert_harmless(dom: str) -> None:
    assert len(dom) > 500
    for tag, attributes in Seen(dom).elements:
        assert tag in ALLOWED_TAGS, tag
        assert "data-pwned" not in attributes
        assert attributes.get("id") != "pwned"
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("src", "href", "xlink:href", "srcdoc", "action"):
            value = attributes.get(name) or ""
            assert value.startswith(("data:image/", "#")) or not value, (tag, name, value)
        if tag == "meta":
            assert (attributes.get("http-equiv") or "").lower() != "refresh"


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """An address at which nobody should ask, and what was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *values: object) -> None:
            del format, values

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


def test_the_browser_would_tell(tmp_path: Path, listener: tuple[str, list[str]]) -> None:
    """Of a page that escapes nothing the same look finds a script that has run, an element, and a request."""
    address, asked = listener
    (tmp_path / "bad.html").write_text("<p>" + "</p><p>".join(hostile(address)[:7]) + "</p>" + " " * 600)
    dom = open_in_browser(tmp_path / "bad.html", tmp_path / "profile")
    assert 'data-pwned="1"' in dom
    assert asked
    with pytest.raises(AssertionError):
        assert_harmless(dom)


def test_every_kind_of_block_keeps_text_as_text(tmp_path: Path, listener: tuple[str, list[str]]) -> None:
    address, asked = listener
    texts = hostile(address)
    blocks = [*map(Paragraph, texts), *(Code(text, text) for text in texts), Table(texts[3], texts, [texts])]
    page = Page(texts[3], texts[0], [Section(text, blocks) for text in texts], lacks=tuple(texts))
    (tmp_path / "page.html").write_text(render_html(page))
    dom = open_in_browser(tmp_path / "page.html", tmp_path / "profile")
    assert_harmless(dom)
    assert "&lt;iframe" in dom
    assert not asked


def test_the_usual_tables_are_not_cut_at_four_hundred_pixels(tmp_path: Path) -> None:
    metrics = [["precision", "0.6632", "0.6609", "0.6504 (0.636\u20130.664)", "0.7638"]]
    metrics += [["mean_absolute_error", "13.33", "11.44", "11.59 (10.8\u201312.5)", "22.14"]]
    metrics += [["roc_auc", "0.9142", "0.9083", "0.9097 (0.9048\u20130.9142)", "-"]]
    trials = [["2", "0.01", "finished", "0.05039", "0.02072"]]
    tables = [
        Table("metrics by part", ["metric", "train", "validation", "test (95 % interval)", "baseline"], metrics),
        Table("trials", ["trial", "training.optimizer.learning_rate", "status", "loss", "standard error"], trials),
    ]
    page = render_html(Page("narrow", "The model is better.", [Section("Metrics", tables)]))
    measure = """
    onload = () => {
      const inside = document.querySelector("iframe").contentDocument;
      const over = [...inside.querySelectorAll(".wide")].map((table) => table.scrollWidth - table.clientWidth);
      document.body.setAttribute("data-over", over.join(" "));
    };
    """
    frame = f'<iframe width="400" height="900" srcdoc="{escape(page)}"></iframe>'
    (tmp_path / "frame.html").write_text(f"<!DOCTYPE html><body>{frame}<script>{measure}</script></body>", encoding="utf-8")
    assert 'data-over="0 0"' in open_in_browser(tmp_path / "frame.html", tmp_path / "profile")


def test_a_run_whose_labels_columns_and_files_are_markup(tmp_path: Path, listener: tuple[str, list[str]]) -> None:
    address, asked = listener
    texts = [text.replace("/", "_") for text in hostile(address)]  # that a file may be called so
    quoted = ['"' + text.replace('"', '""') + '"' for text in hostile(address)]
    rng = np.random.default_rng(0)
    lines = [f"{a:.3f},{quoted[row % 5]},{quoted[7 + (a > 0)]}" for row, a in enumerate(rng.normal(size=200))]
    data = tmp_path / f"{texts[1]}.csv"
    data.write_text(",".join([quoted[0], quoted[2], "label"]) + "\n" + "\n".join(lines) + "\n")
    data = data.rename(tmp_path / f"{texts[0][:80]}.csv")
    (tmp_path / "c.yaml").write_text(
        f"data: {{source: csv, path: {str(data)!r}, target: label, split: {{test: 0.3, validation: 0.2}}}}\n"
        "model: {layers: [{Dense: {units: 2, name: hidden}}]}\ntraining: {epochs: 1}\n".replace("\\'", "''")
    )
    assert run(["-q", "fit", str(tmp_path / "c.yaml"), "--run-dir", str(tmp_path / "run")]) == 0
    assert run(["-q", "report", str(tmp_path / "run"), "-o", str(tmp_path / "report.html")]) == 0
    dom = open_in_browser(tmp_path / "report.html", tmp_path / "profile")
    assert_harmless(dom)
    assert "&lt;" in dom
    drawings = [*(tmp_path / "run").glob("*.svg")]
    assert drawings
    for drawing in drawings:
        assert_harmless(open_in_browser(drawing, tmp_path / "profile"))
    assert not asked
