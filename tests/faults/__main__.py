"""Try faults and print what broke.

python -m tests.faults [COMMAND ...] [--faults EIO,ENOSPC+,KILL,around] [--every N]

The fault "around" stands for all that surroundings.py lists.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.faults.box import Box, Trouble, try_all
from tests.faults.commands import CASES, OFTEN, begin
from tests.faults.surroundings import LIMITS, ODD, SILENT

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("commands", nargs="*", default=list(CASES))
parser.add_argument("--faults", default="EIO")
parser.add_argument("--every", type=int, default=1)
options = parser.parse_args()
with tempfile.TemporaryDirectory(prefix="faults-") as folder:
    box = Box(Path(folder))
    begin(box)
    for name in options.commands:
        case = CASES[name](box)
        code = OFTEN if name == "fit" else ""
        box.fill(case.kept)
        calls = len(box.command(case.words, Trouble(code=code)).calls)
        for fault in options.faults.split(","):
            started = time.monotonic()
            if fault == "around":
                troubles = [replace(trouble, code=f"{code}\n{trouble.code}") for trouble in [*SILENT, *ODD, *LIMITS]]
            else:
                troubles = [Trouble(at=at, fault=fault, code=code) for at in range(1, calls + 1, options.every)]
            report = try_all(box, case.kept, case.words, troubles, case.looks)
            print(f"{name}, {fault}: {report.tried} of {calls}, {len(report.broken)} broken, {time.monotonic() - started:.0f} s")
            print(*(f"  {line[:500]}" for line in report.broken[:12]), sep="\n", flush=True)
    box.close()
