"""`docs/api.md` is what signatures, docstrings and parsers say, and they say it all."""

import subprocess
import sys
from pathlib import Path

import pytest

from tensorboard_picasso import summary
from tests.kit import api

ROOT = Path(__file__).parents[2]


def test_the_page_is_that_of_the_code():
    # In a process of its own: `--no-reuse` has changed a default in this one.
    made = subprocess.run(
        [sys.executable, "-m", "tests.kit.api"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    written = (ROOT / "docs" / "api.md").read_text()
    assert written == made.stdout, "make it anew: python -m tests.kit.api > docs/api.md"
    assert "(docs/api.md)" in (ROOT / "README.md").read_text()


def test_every_public_name_is_on_it():
    assert sorted(name for names in api.GROUPS.values() for name in names) == sorted(
        summary.__all__
    )


@pytest.mark.parametrize("name", [*summary.__all__, "Probe.from_dataset"])
def test_every_parameter_is_explained(name):
    thing = summary
    for part in name.split("."):
        thing = getattr(thing, part)
    assert api.first_sentence(thing).endswith(".")
    if name in ("Method", "Schedule", "PicassoWarning"):  # not called
        return
    known = {*api.documented(thing), *api.elsewhere(thing)}
    assert {each.name for each in api.parameters(thing)} - {"options"} <= known


def test_every_option_of_the_commands_is_explained():
    for name, parser in api.commands().items():
        assert parser.description
        for action in parser._actions:
            assert action.help, (name, action.option_strings)
