"""`dltrain warm start|stop|status`: a process from which the next commands begin at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

from dltrain import system
from dltrain.cli.commands import WARM
from dltrain.cli.console import Console
from dltrain.cli.typer_import import typer
from dltrain.errors import UsageError
from dltrain.wording import counted, did_you_mean

if TYPE_CHECKING:
    from dltrain.processes.warm.manage import WarmProcess


def command(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="start|stop|status", hidden=True)],
) -> None:
    """Keep a process that has imported TensorFlow, so that the next commands begin at once.

    \b
    start   begin one; it is gone after 10 minutes without a command
    status  which there are, what they hold
    stop    end them; commands that are running go on

    DLTRAIN_WARM=1 starts one with the first command, DLTRAIN_WARM=0 uses none. A command gets what it would have had by itself:
    its own folder, variables, limits, signals, terminal and exit code. Whoever has other limits, another interpreter or other
    variables of TensorFlow begins by itself. Linux only.
    """
    console: Console = context.obj
    if what not in WARM:
        raise UsageError(f"expected start, stop or status, found {what!r}", hint=did_you_mean(what, WARM))
    if not system.can_fork():
        raise UsageError("a warm process is offered on Linux only")
    from dltrain.processes.warm.manage import running, start, stop
    from dltrain.processes.warm.server import IDLE_SECONDS

    began = time.monotonic()
    if what == "start":
        found = [start()]
        seconds = time.monotonic() - began
        console.result(f"warm: {_described(found[0])}, ready in {seconds:.1f} s; gone after {IDLE_SECONDS / 60:.0f} idle minutes")
    elif what == "stop":
        found = stop()
        console.result(f"ended {counted(len(found), 'warm process')}" if found else "there is no warm process")
    else:
        found = running()
        for one in found:
            console.result(f"warm: {_described(one)}" + ("" if one.is_ours else ", for other circumstances than these"))
        if not found:
            console.result("there is no warm process: `dltrain warm start` begins one")
    console.document({"status": "finished", "warm": [_document(one) for one in found]})


def _described(one: WarmProcess) -> str:
    return (
        f"process {one.pid}, {one.num_bytes / 1e6:.0f} MB, {counted(one.served, 'command')} since"
        f" {time.strftime('%H:%M:%S', time.localtime(one.began))}, {one.running} running"
    )


def _document(one: WarmProcess) -> dict[str, object]:
    return {
        "pid": one.pid,
        "memory_bytes": one.num_bytes,
        "began": time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(one.began)),
        "served": one.served,
        "running": one.running,
        "used_here": one.is_ours,
    }
