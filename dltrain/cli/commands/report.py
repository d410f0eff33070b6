"""`dltrain report RUN…`: one page to show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import click

from dltrain.cli.console import Console
from dltrain.cli.options import ForceOption, RunsOption
from dltrain.cli.typer_import import typer
from dltrain.wording import one_line


def command(
    context: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="RUN...", help="A run, a sweep, or several runs.", show_default=False)],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE|-", help="The file; if not given, report.html, or Markdown to stdout."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", click_type=click.Choice(["html", "md"]), help="By FILE's suffix if not given, else html."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="OLD", help="Say what has become of metrics and config since an older run or sweep."),
    ] = None,
    force: ForceOption = False,
    runs: RunsOption = Path("runs"),
) -> int:
    """Write one page of a run, a sweep or several runs: the answer, metrics with intervals, pictures, config, environment.

    The HTML file needs no network and runs no script. `--format md` is for `$GITHUB_STEP_SUMMARY` and comments on GitHub.
    """
    from dltrain.cli.reports.html import render_html
    from dltrain.cli.reports.markdown import render_markdown
    from dltrain.cli.reports.several import form_of, page_of
    from dltrain.storage.atomic import write_atomically
    from dltrain.storage.outputs import check_output, is_stream
    from dltrain.storage.run_list import find_run

    console: Console = context.obj
    form = form_of(output or "", form, "html")
    output = output or ("report.html" if form == "html" else "-")
    if output != "-":
        check_output(output, force=force)
    paths = [find_run(word, runs) for word in words]
    page = page_of(paths, None if against is None else find_run(against, runs))
    for lack in page.lacks:
        console.warning(lack)
    text = render_html(page) if form == "html" else render_markdown(page)
    document = {"status": "finished", "runs": [str(path) for path in paths], "format": form, "output": output}
    console.document(document | ({"page": text} if output == "-" else {}))
    if output == "-":
        console.verbatim(text)
        return 0
    path = Path(output)
    write_atomically(path if is_stream(path) else path.resolve(), text.encode("utf-8", errors="replace"))
    console.goes_on = True
    console.result(f"report: {one_line(str(output))}")
    return 0
