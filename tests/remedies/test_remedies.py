"""Every remedy is tried, and every message of the sources that names one has its row."""

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import tests.remedies as table
from tests.remedies import holds, said

ROOT = Path(__file__).parents[2] / "tensorboard_picasso"

PARTS = [
    name
    for _, name, is_room in pkgutil.walk_packages(table.__path__, "tests.remedies.")
    if not is_room and ".test_" not in name
]
ROWS = [
    pytest.param(row, id=f"{part.removeprefix('tests.remedies.')}-{number}")
    for part in PARTS
    for number, row in enumerate(importlib.import_module(part).ROWS)
]

# What a message says that names a remedy.
REMEDY = re.compile(
    r"(: |; |, |\(|^)(pass|use|give|bring|return|leave (it )?out|name|call it|check|mark|remove|explain it"
    r"|move|wrap|see|set|start|choose|install|pip install|where it takes)\b|=\S* (keeps|limits|says|reads)"
    r"|compile\(|, or writer|Probe\.from_dataset reads|need a|needs a|which needs none"
    r"|(: |; )(put|convert|log|export one|update|build|count)\b|another --logdir\b|or copy it"
    r"|--\S+ (takes|reads)\b|takes all\b"
)
# Messages without a row: no error, or the test that raises it and then does as it says.
NO_ERROR = "no error"
TO_COME = "written by a version to come"
UNTRIED = {
    "default: the image's label": NO_ERROR,
    "output={} says so": NO_ERROR,
    "needs all of its input": NO_ERROR,
    "const need = ": NO_ERROR,
    "return { {} };": NO_ERROR,
    "update tensorboard-picasso": TO_COME,
    "is there: pass --force": (
        "tests/export/test_command.py::test_a_file_that_is_there_is_kept_and_a_full_disk_is_told"
    ),
    "has other windows": "tests/export/test_export.py::test_windows_that_change_are_no_array",
    "give the model's own order of classes": (
        "tests/checkpoints/test_log_options.py::test_another_order_of_classes_is_warned_of"
    ),
    "log_dir= says otherwise": (
        "tests/situations/test_lightning_loggers.py::test_of_two_loggers_that_of_tensorboard_is_taken"
    ),
    "is a part of what FullyShardedDataParallel wraps": (
        "tests/situations/test_sharded.py::test_a_part_of_what_is_wrapped_is_refused"
    ),
    "DeepSpeed shards": "tests/situations/test_sharded.py::test_what_deepspeed_shards_is_refused",
    "is not the one that trains it": (
        "tests/situations/test_sharded.py"
        "::test_another_thread_than_the_one_that_trains_is_refused_at_once"
    ),
    "and not all of them called within": (
        "tests/situations/test_sharded.py::test_where_the_first_process_calls_alone_it_is_told_so"
    ),
    "is a fork of": (
        "tests/attack/test_forks.py::test_ops_in_forks_leave_the_log_of_their_parent_alone"
    ),
    "Ray is not installed": "tests/checkpoints/test_log_ray.py::test_where_ray_is_not_installed_it_is_said",
    "; pip install 'tensorboard-picasso[{}]'": (
        "tests/trained/test_refused.py::test_a_missing_package_is_named_with_what_installs_it"
    ),
    "which has a place of its own": (
        "tests/trained/test_timm.py::test_a_folder_with_a_configuration_of_its_own"
    ),
    "and pass the folder that": "tests/trained/test_hf.py::test_a_folder_as_save_pretrained_makes_it",
    "nothing here reads": "tests/logs/test_remote.py::test_what_is_said_to_be_installed_reads_it",
    "pip install boto3": "tests/logs/test_remote.py::test_what_is_said_to_be_installed_reads_it",
    "start TensorBoard with --load_fast": (
        "tests/logs/test_bounds.py::test_what_the_default_loader_does_not_hand_over_the_other_one_does"
    ),
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
        and not any(holds(message, text) for message in messages)
    ]
    assert not missing, "add a row to tests/remedies for:\n" + "\n".join(missing)


def test_what_has_no_row_is_still_said_and_the_test_that_is_named_is_there():
    said_now = [text for _, text in texts()]
    for part, where in UNTRIED.items():
        assert any(part in text for text in said_now), part
        if "::" in where:
            file, _, name = where.partition("::")
            tree = ast.parse((ROOT.parent / file).read_text())
            assert name in {
                each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)
            }
