"""Modules in one: what runs when, what is refused, and where a debugger finds the lines."""

import json

import pytest

from tensorboard_picasso.serving.joined import joined, modules
from tensorboard_picasso.serving.static import FOLDER

FILES = {
    "page.js": b"""\
import { add, Sum as Total } from "./kit/add.js";
import { seen } from "./seen.js";

seen.push("page");
export async function begin() {
  const before = seen.join();
  const { late } = await import("./kit/late.js");
  return [before, late, new Total(add(1, 2)).value, seen.join()];
}
export const TWO = 2;
""",
    "kit/add.js": b"""\
import { seen } from "../seen.js";
/** @import { T } from "./types.js" */

seen.push("add");
export function add(a, b) {
  return a + b;
}

export class Sum {
  constructor(value) {
    this.value = value;
  }
}
""",
    "kit/late.js": b"""\
import { seen } from "../seen.js";

seen.push("late");
export const late = "late";
""",
    "seen.js": b"export const seen = [];\n",
    "no.js": b"throw new Error();\n",
}


def data(files=FOLDER):
    return {each.relative_to(files).as_posix(): each.read_bytes() for each in files.rglob("*.js")}


@pytest.mark.browser
def test_a_module_runs_once_when_it_is_first_needed(browser):
    text, _ = joined(FILES, "page.js")
    page = browser.new_page()
    found = page.evaluate(
        """async (text) => {
          const { begin, TWO } = await import(`data:text/javascript,${encodeURIComponent(text)}`);
          return [await begin(), await begin(), TWO];
        }""",
        text,
    )
    page.close()
    first = ["add,page", "late", 3, "add,page,late"]
    assert found == [first, ["add,page,late", *first[1:]], 2]
    assert "no.js" not in text


def test_every_line_of_ours_is_at_the_place_that_the_map_tells():
    files = data()
    text, mapped = joined(files, "begin.js")
    lines = text.splitlines()
    sections = json.loads(mapped)["sections"]
    assert [each["map"]["sources"] for each in sections] == [
        [name] for name in modules(files, "begin.js")
    ]
    for section in sections:
        (name,) = section["map"]["sources"]
        own = files[name].decode().splitlines()
        # A line of the file for each of the text: the first to the first, and one more each time.
        assert section["map"]["mappings"] == ";".join(["AAAA"] + ["AACA"] * (len(own) - 1))
        first = section["offset"]["line"]
        for line, there in zip(own, lines[first : first + len(own)], strict=True):
            assert (
                line == there or line.startswith(("import ", "export ")) or "await import(" in line
            )


def test_every_module_but_the_entry_and_those_of_types_is_in_it():
    files = data()
    code = {name for name, text in files.items() if not text.endswith(b"\nexport {};\n")}
    assert set(modules(files, "begin.js")) == code - {"index.js"}


@pytest.mark.parametrize(
    "line",
    [
        'import * as kit from "./kit.js";',
        'import kit from "./kit.js";',
        'import "./kit.js";',
        'export { one } from "./kit.js";',
        "export default 1;",
        "export let one = 1;",
        "import {",
    ],
)
def test_another_form_of_import_and_export_is_refused(line):
    with pytest.raises(
        ValueError, match=r"page\.js: .*: import and export as the other modules do"
    ):
        joined({"page.js": f"{line}\n".encode(), "kit.js": b""}, "page.js")
