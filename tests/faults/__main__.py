"""Try faults and print what broke.

python -m tests.faults [COMMAND ...] [--faults EIO,ENOSPC+,EACCES,TERM,KILL,CLOCK,around] [--every N] [--slice K/M]

Of several slices each tries its own share of the calls, so that all together try all. The fault "around" stands for all that surroundings.py lists; "KILL" is looked at for every call, whatever N is.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from tests.faults.box import Box, try_all, try_calls, try_kills
from tests.faults.commands import CASES
from tests.faults.filling import begin
from tests.faults.surroundings import LIMITS, ODD, SILENT

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("commands", nargs="*", default=list(CASES))
parser.add_argument("--faults", default="EIO")
parser.add_argument("--every", type=int, default=1)
parser.add_argument("--slice", default="1/1")
options = parser.parse_args()
share, shares = map(int, options.slice.split("/"))
tried = broken = 0
with tempfile.TemporaryDirectory(prefix="faults-") as folder:
    box = Box(Path(folder))
    begin(box)
    for name in options.commands:
        case = CASES[name](box)
        for fault in options.faults.split(","):
            started = time.monotonic()
            if fault == "around":
                report = try_all(box, case, [*SILENT, *ODD, *LIMITS][share - 1 :: shares])
            elif fault == "KILL":
                report = try_kills(box, case)
            else:
                report = try_calls(box, case, fault, options.every * shares, share * options.every)
            tried, broken = tried + report.tried, broken + len(report.broken)
            print(f"{name}, {fault}: {report.tried} tried, {len(report.broken)} broken, {time.monotonic() - started:.0f} s")
            print(*(f"  {line[:500]}" for line in report.broken[:12]), sep="\n", flush=True)
    box.close()
print(f"{tried} faults, {broken} broken")
