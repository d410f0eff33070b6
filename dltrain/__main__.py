"""The command `dltrain`, also as `python -m dltrain`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    _open_what_is_closed()
    try:
        if sys.argv[1:3] == ["completion", "words"]:  # a shell asks at every press of a key: not even the command line is read
            from dltrain.cli.completion import answer

            code = answer(sys.argv[3:])
        else:
            from dltrain.cli.app import run

            code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while the command line itself was being imported
        sys.stderr.write("error: interrupted\n")
        code = 130
    sys.exit(code)


def _open_what_is_closed() -> None:
    """Give standard streams that were closed (`>&-`) to nobody: the next file that is opened would get their number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    main()
