"""How Hypothesis attacks: the same trials each time, as many as are asked for."""

from typing import Any

from hypothesis import HealthCheck, Verbosity, given, settings


def attack(number: int, **strategies: Any) -> Any:
    """Call a function with so many values of strategies."""

    def run(check: Any) -> None:
        settings(
            max_examples=number, derandomize=True, deadline=None, database=None,
            suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet,
        )(given(**strategies)(check))()  # fmt: skip

    return run
