"""The log command on a local Ray cluster of two workers; where Ray is not installed it is skipped."""

import os
import subprocess

import pytest

from tests.checkpoints.trained import ROOT, command, folder, values, whole, words

__all__ = ["folder", "whole"]


@pytest.fixture
def cluster():
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False)
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


def test_a_cluster_writes_the_same_events(cluster, folder, whole, tmp_path):
    status, out, err = command(folder, tmp_path, "--ray", cluster)
    assert (status, out) == (0, f"logged 6 steps to {tmp_path}\n"), err
    assert values(tmp_path) == values(whole)


# The command where Ray is not installed.
WITHOUT = (
    "import sys; sys.modules['ray'] = None;"
    " from tensorboard_picasso.__main__ import main; sys.exit(main())"
)


def test_where_ray_is_not_installed_it_is_said(request, folder, whole, tmp_path):
    given = words(tmp_path, "--ray", "127.0.0.1:1")
    without = [given[0], "-c", WITHOUT, *given[3:]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(without, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--ray: Ray is not installed: pip install 'tensorboard-picasso[ray]'" in done.stderr
    assert values(tmp_path) == []
    # Where it is installed the same command logs.
    cluster = request.getfixturevalue("cluster")
    status, out, err = command(folder, tmp_path, "--ray", cluster)
    assert (status, out) == (0, f"logged 6 steps to {tmp_path}\n"), err
    assert values(tmp_path) == values(whole)


def test_no_cluster_there(folder, tmp_path):
    pytest.importorskip("ray")
    status, _, err = command(folder, tmp_path, "--ray", "127.0.0.1:1")
    assert status == 2
    assert "--ray 127.0.0.1:1: no cluster answers there" in err.splitlines()[-1]
