"""`python3 -m benchmarks.gpu` in its smallest form, and its tables."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu import report, rows

ROOT = Path(__file__).parents[2]


def test_it_writes_rows_and_training_and_holds_itself_to_its_time(tmp_path):
    file = tmp_path / "new" / "gpu.json"
    command = [sys.executable, "-m", "benchmarks.gpu", "--device", "cpu", "--quick"]
    command += ["--parts", "rows", "training", "--minutes", "9", "--json", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    kept = json.loads(file.read_text())
    assert [each["framework"] for each in kept["rows"]] == ["torch", "jax"]
    names = {"ours", "ours, a probe", "ours, dense", "dense limit", "plain loop"}
    for row in kept["rows"]:
        assert names <= row["contenders"].keys()
        for name, each in row["contenders"].items():
            assert "refused" not in each, name
            assert min(each["seconds"]) > 0
    (training,) = kept["training"]
    took = statistics.median(training["record_seconds"])
    assert training["share"] == pytest.approx(took / training["epoch_seconds"])
    assert training["training_mode_kept"]
    assert "CNN, 28×28, PyTorch | 8/2 | 121 | float32" in done.stdout
    assert report.document(kept) == done.stdout.rstrip("\n")
    # No time: nothing is begun, and what was left out is said.
    late = tmp_path / "late.json"
    done = subprocess.run(
        [*command[:-3], "0", "--json", str(late)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.returncode, done.stderr
    assert json.loads(late.read_text())["left"]


def test_a_row_whose_scores_are_others_is_refused_by_name():
    row = {
        "model": "vgg16", "framework": "torch", "window": 16, "stride": 8, "windows": 729, "precision": "TF32",
        "contenders": {
            "ours": {"seconds": [1.0, 2.0, 1.0], "told": "reuse. 729 windows\n  more"},
            "ours, a probe": {"seconds": [0.5, 0.5, 0.5]},
            "ours, dense": {"seconds": [4.0, 4.0, 4.0]},
            "dense limit": {"seconds": [3.0, 8.0, 5.0], "setting": "CUDA graph, batches of 64"},
            "plain loop": {"seconds": [9.0] * 3, "refused": "scores differ by 2.0e+00, allowed 1e-2"},
        },
    }  # fmt: skip
    assert rows.ratio(row, "dense limit") == 4
    assert rows.ratio(row, "dense limit", "ours, a probe") == 10
    assert rows.ratio(row, "plain loop") is None
    about = {"device": "X", "machine": "y", "versions": {"torch": "3"}, "minutes": 1.0}
    text = report.document(
        {"about": about, "checks": [{"name": "a", "failed": ""}, {"name": "b", "failed": "E: no"}],
         "rows": [row], "training": [], "left": []}
    )  # fmt: skip
    assert "1 of 2 checks hold" in text
    assert "**b**: E: no" in text
    assert "4.00× (CUDA graph, batches of 64) | 10.00×" in text
    assert "refused: scores differ by 2.0e+00" in text
