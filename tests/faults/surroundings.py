"""What is not as usual around a command from its start: streams, the environment, the clock, limits of the shell."""

from __future__ import annotations

from pathlib import Path

from tests.faults.box import Trouble

FULL = "/dev/full" if Path("/dev/full").exists() else "/dev/null"
NEVER = 1 << 40  # no call has this number; then none is written down, which the limits would cut
# What another of `SILENT` does as well, or a fit without a console in the tests of the command line.
HALVES = [
    Trouble(stdout=FULL),
    Trouble(stderr=FULL),
    Trouble(stdout=FULL, stderr=FULL),
    Trouble(stdout=None),
    Trouble(stdout=None, stderr=None),
    Trouble(environment={"HOME": None}),
    Trouble(environment={"LC_ALL": "C", "LANG": "C", "COLUMNS": "20"}),
]
# The answer is the usual one.
SILENT = [
    *HALVES,
    Trouble(environment={"HOME": "/nonexistent"}),
    Trouble(environment={"TERM": None, "TMPDIR": "/nonexistent"}),
    Trouble(code="import time; real = time.time; time.time = lambda: real() - 1e9 * (real() % 2 > 1)"),
]
ODD = [
    Trouble(stderr=None),
    Trouble(environment={"HOME": "/dev/null"}),
    Trouble(environment={"LC_ALL": "xx_YY.latin-9", "COLUMNS": "0"}),
    Trouble(environment={"COLUMNS": "-3", "LINES": "x"}),
    Trouble(environment={"TZ": "Nowhere/Nothing"}),
    Trouble(environment={"DLTRAIN_CACHE": "/dev/null/cache"}),
    Trouble(code="import time; time.time = lambda: 0.0"),
]
# The answer is one of the table.
LIMITS = [
    Trouble(at=NEVER, limits={"RLIMIT_FSIZE": size})
    for size in (0, 1, 100, 500, 1000, 2000, 3000, 5000, 8000, 10_000, 20_000, 40_000)
]
LIMITS += [Trouble(at=NEVER, limits={"RLIMIT_NOFILE": number}) for number in (8, 12, 16, 24, 31, 32, 40)]
LIMITS += [Trouble(at=NEVER, limits={"RLIMIT_CORE": 0, "RLIMIT_STACK": 1 << 20})]
LIMITS += [Trouble(at=1, fault="EROFS!")]
