"""Every remedy is tried, and every message of the sources that names one has its row."""

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import tests.remedies as table
from tests.remedies import pattern, said

ROOT = Path(__file__).parents[2] / "tensorboard_picasso"

PARTS = [
    each.name for each in pkgutil.iter_modules(table.__path__) if not each.name.startswith("test_")
]
ROWS = [
    pytest.param(row, id=f"{part}-{number}")
    for part in PARTS
    for number, row in enumerate(importlib.import_module(f"tests.remedies.{part}").ROWS)
]

# What a message says that names a remedy.
REMEDY = re.compile(
    r"(: |; |, |\(|^)(pass|use|give|bring|return|leave (it )?out|name|call it|check|mark|remove|explain it"
    r"|move|wrap|see|set|install|pip install|where it takes)\b|=\S* (keeps|limits|says|reads)"
    r"|compile\(|, or writer|Probe\.from_dataset reads|need a|needs a|which needs none"
)
# Messages without a row, by what they have in common: why.
NO_ERROR = "no error"
COMMAND = "a process of the command: tests/test_command.py, tests/test_log_command.py"
PACKAGE = "needs a package to be missing"
VISION = "tests/test_vision_transformers.py, tests/test_grad_cam.py"
TENSORFLOW = (
    "a graph or a writer of TensorFlow's: tests/test_ops.py, tests/test_backend_tensorflow.py"
)
NOT_YET = "not tried yet"
UNTRIED = {
    "needs {}; {}": NO_ERROR,
    "needs settings": NO_ERROR,
    "default: the image's label": NO_ERROR,
    "output={} says so": NO_ERROR,
    "needs all of its input": NO_ERROR,
    "give --run": COMMAND,
    "give --tag": COMMAND,
    "no directory {}": COMMAND,
    "give the images as training did": COMMAND,
    "pass --step-pattern": COMMAND,
    "pass --model my_module:build": COMMAND,
    "call it in --model": COMMAND,
    "--name": COMMAND,
    "return a Probe": COMMAND,
    "pass --images or --probe": COMMAND,
    "pass --logdir": COMMAND,
    "give a local path": COMMAND,
    "give it functions that stand at the top of a module": COMMAND,
    "pass fewer --workers": COMMAND,
    "pip install": PACKAGE,
    "name another one": VISION,
    "name another layer=": VISION,
    "pass layer={}, or one before it": VISION,
    "it takes channels to come first": VISION,
    "postprocess makes": VISION,
    "pass model.signatures": TENSORFLOW,
    "the SavedModel takes": TENSORFLOW,
    "or writer.as_default(step": TENSORFLOW,
    "pass a Probe, not tensors": TENSORFLOW,
    "a step that XLA compiles": TENSORFLOW,
    "pass a tf.summary writer there": TENSORFLOW,
    "move its cast to preprocess=": "tests/test_integrated_gradients.py",
    "bring the probe's images to what training feeds": "tests/test_arrivals.py",
    "are too much for the server": NOT_YET,
    "wrap what inputs=": NOT_YET,
    "once and returns one array": NOT_YET,
    "is not built: call it": NOT_YET,
    "pass the one that is trained": NOT_YET,
    "give it a layer=": NOT_YET,
    "taken as numbers too": NOT_YET,
    "batches= limits it": NOT_YET,
}


@pytest.mark.parametrize("row", ROWS)
def test_the_remedy_that_is_named_works(row):
    message = said(row)
    assert re.search(row.message, message, re.DOTALL), message
    row.right()


def texts():
    """Each text of the sources, `{}` for its values, with where it stands."""
    for path in sorted(ROOT.rglob("*.py")):
        if path.name.endswith("_pb2.py"):
            continue
        tree = ast.parse(path.read_text())
        within = set()
        for node in ast.walk(tree):
            # Docstrings, and what another text holds, are none of their own.
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                within.add(id(node.value))
            if id(node) in within:
                within |= {id(each) for each in ast.iter_child_nodes(node)}
                continue
            text = joined(node)
            if text is not None:
                within |= {id(each) for each in ast.walk(node)}
                yield f"{path.relative_to(ROOT)}:{node.lineno}", text


def joined(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [each.value if isinstance(each, ast.Constant) else "{}" for each in node.values]
        return "".join(parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = joined(node.left), joined(node.right)
        return None if sides == (None, None) else "".join(each or "{}" for each in sides)
    return None


def test_every_message_that_names_a_remedy_has_a_row():
    messages = [said(each.values[0]) for each in ROWS]
    missing = [
        f"{place}: {text}"
        for place, text in texts()
        if " " in text.strip()
        and REMEDY.search(text)
        and not any(each in text for each in UNTRIED)
        and not any(pattern(text).search(message) for message in messages)
    ]
    assert not missing, "add a row to tests/remedies for:\n" + "\n".join(missing)
