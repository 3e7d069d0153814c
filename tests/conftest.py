"""What holds for all tests.

Where there is no Chromium the tests of the tab do not run, loudly; in CI that is a failure.
With `--no-reuse` occlusion recomputes all of every window where a test does not say otherwise.
With `--attack N` the trials of `tests/attack` are N times as many.
"""

import os
from collections.abc import Callable

import pytest

from tensorboard_picasso import summary
from tests.kit import chromium
from tests.kit.browser import browser

__all__ = ["browser"]

MISSING = "no Chromium: the tests of the dashboard do not run (Debian: apt-get install chromium)"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-reuse", action="store_true", help="make Occlusion's default reuse=False")
    help = "run N times as many trials in tests/attack"
    parser.addoption("--attack", type=int, default=1, metavar="N", help=help)


@pytest.fixture(scope="session")
def trials(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """How many trials to run where a plain run makes so many."""
    return lambda number: number * request.config.getoption("attack")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("no_reuse"):
        for made in (summary.Occlusion.__init__, summary.occlusion):
            made.__kwdefaults__["reuse"] = False


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
