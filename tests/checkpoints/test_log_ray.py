"""The log command on a local Ray cluster of two workers; where Ray is not installed it is skipped."""

import pytest

from tests.checkpoints.test_log_command import command, folder, values, whole

ray = pytest.importorskip("ray")

__all__ = ["folder", "whole"]


@pytest.fixture
def cluster():
    ray.init(num_cpus=2, include_dashboard=False)
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


def test_a_cluster_writes_the_same_events(cluster, folder, whole, tmp_path):
    status, out, err = command(folder, tmp_path, "--ray", cluster)
    assert (status, out) == (0, f"logged 6 steps to {tmp_path}\n"), err
    assert values(tmp_path) == values(whole)


def test_no_cluster_there(folder, tmp_path):
    status, _, err = command(folder, tmp_path, "--ray", "127.0.0.1:1")
    assert status == 2
    assert "--ray 127.0.0.1:1: no cluster answers there" in err.splitlines()[-1]
