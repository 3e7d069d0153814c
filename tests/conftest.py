"""Where there is no Chromium the tests of the tab do not run, loudly; in CI that is a failure."""

import os

import pytest

from tests import chromium
from tests.browser import browser

__all__ = ["browser"]

MISSING = "no Chromium: the tests of the dashboard do not run (Debian: apt-get install chromium)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if chromium.PATH or os.environ.get("CI"):
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=MISSING))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if any(MISSING in str(report.longrepr) for report in skipped):
        terminalreporter.section("NOT TESTED")
        terminalreporter.line(MISSING)
