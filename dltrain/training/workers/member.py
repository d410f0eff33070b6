"""What a process does that is not the chief: it trains along, in a run of its own that is thrown away.

On this machine it is started as `python -c "from dltrain.training.workers.member import main; main(3, 4)"`, with a socket to the
chief and a pipe that says, by its end, that the chief is gone.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

from dltrain.config.types import Config
from dltrain.errors import DltrainError
from dltrain.processes.child import begin_child
from dltrain.processes.helper import receive_message, send_message
from dltrain.reporting import Reporter
from dltrain.training.fit import fit
from dltrain.training.result import FitResult
from dltrain.training.workers.folder import RUN, own_folder
from dltrain.training.workers.group import Group
from dltrain.training.workers.local import GO, READY, TASK


def train_along(
    config: Config, group: Group, *, threads: int | None, card: int | None = None, reporter: Reporter | None = None
) -> FitResult:
    """Train with the other processes; nothing is left of it on this machine.

    Args:
        config: the chief's.
        group: all processes, this one not the chief.
        threads: for one operation.
        card: which one this process computes on; None: by its place among those of its machine.
        reporter: is told what happens.

    Raises:
        DltrainError: as `fit`; WorkerLostError where another process is gone.
    """
    with own_folder() as folder:
        options: dict[str, Any] = {"group": group, "card": card, "draws": False, "tracks": False}
        return fit(config, run_dir=folder / RUN, threads=threads, reporter=reporter, **options)


def main(descriptor: int, lifeline: int) -> None:
    """Train what the chief sends over the socket.

    Args:
        descriptor: of the socket.
        lifeline: of the reading end of a pipe whose other end only the chief holds.
    """
    channel = begin_child(descriptor, lifeline)
    kind, task = receive_message(channel)
    if kind != TASK:
        sys.exit(1)

    def meet() -> None:
        send_message(channel, READY, None)
        if receive_message(channel)[0] != GO:
            sys.exit(1)

    code = 1
    try:
        train_along(task.config, Group(task.cluster, before=meet), threads=task.threads, card=task.card)
        code = 0
    except DltrainError as error:
        print(error, file=sys.stderr)
        code = error.exit_code
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)  # TensorFlow would wait for processes that are gone
