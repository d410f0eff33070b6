"""How many comparisons the tests of agreement made, in the summary at the end."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for found in terminalreporter.stats.values() for report in found if isinstance(report, pytest.TestReport)]
    counts = [value for report in reports for name, value in report.user_properties if name == "comparisons"]
    if counts:
        terminalreporter.write_line(f"{sum(counts):,} comparisons in {len(counts):,} tests of agreement")
