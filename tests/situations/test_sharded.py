"""Peers' situation: a run of two processes that share a model's parameters (FSDP, both kinds; DTensors)."""

import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tensorboard_picasso import __main__ as command
from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind
from tests.kit import events

ROOT = Path(__file__).parents[2]
KINDS = ["wrapped", "wrapped with its own parameters", "fully", "tensor parallel", "apart"]

SCRIPT = """
import os, sys, threading
import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from tensorboard_picasso import summary
from tensorboard_picasso.summary.backends.torch import shards
from tensorboard_picasso.summary.log.request import Terms
from tensorboard_picasso.summary.loops._training import Training
from tensorboard_picasso.summary.loops._watch import Watch

kind, what, rank, port, out = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5]
os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=port)
torch.set_num_threads(1)
dist.init_process_group("gloo", rank=rank, world_size=2)

class Network(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.norm = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.drop, self.head = nn.Dropout(0.5), nn.Linear(144, 4)

    def forward(self, x):
        meanwhile()
        return self.head(self.drop(torch.relu(self.norm(self.conv(x))).flatten(1)))

meanwhile = lambda: None

def sharded(model):
    from torch.distributed.device_mesh import init_device_mesh
    if kind.startswith("wrapped"):
        from torch.distributed.fsdp import FullyShardedDataParallel
        from torch.distributed.fsdp.wrap import ModuleWrapPolicy
        return FullyShardedDataParallel(
            model, auto_wrap_policy=ModuleWrapPolicy({nn.Linear}),
            use_orig_params="own" in kind, device_id=torch.device("cpu"),
        )
    mesh = init_device_mesh("cpu", (2,))
    if kind == "tensor parallel":
        from torch.distributed.tensor.parallel import ColwiseParallel, parallelize_module
        from torch.distributed.tensor import Replicate
        plan = {"head": ColwiseParallel(output_layouts=Replicate())}
        return parallelize_module(model, mesh, plan)
    from torch.distributed.fsdp import fully_shard
    fully_shard(model.head, mesh=mesh)
    return model if kind == "apart" else fully_shard(model, mesh=mesh)

random = np.random.default_rng(0)
images = random.random((8, 1, 8, 8)).astype(np.float32)
labels = torch.arange(8) % 4
probe = summary.Probe("p", images[:2], labels=[0, 1], data_format="channels_first")
sample = summary.Probe("sample", images, labels=labels.tolist(), data_format="channels_first")
methods = [summary.Occlusion(2, 2), summary.Saliency(), summary.GradCAM()]
# Without data parallelism both have the same batches.
mine = slice(0, 8) if kind in ("tensor parallel", "apart") else slice(4 * rank, 4 * rank + 4)

def refused(model, **options):
    try:
        summary.attribution(probe, model, writer=out, step=0, **options)
    except TypeError as e:
        sys.stdout.write(f"refused: {e}\\n")  # at once: threads say so together

def aside(*calls):
    threads = [threading.Thread(target=each, name="aside") for each in calls]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

def train(logs):
    global meanwhile
    model, accepted = sharded(Network()), []
    if what == "part":
        refused(model.module)
    if what == "alone":
        shards.WAIT = 3.0
        if rank == 0:
            refused(model)
        dist.barrier()
        shards.WAIT = 60.0
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)

    def log(step):
        if logs:
            # Only the first process has a writer.
            writer = {"writer": out} if rank == 0 else {}
            accepted.append(summary.attribution(
                probe, model, methods=methods, step=step, strict=True, **writer
            ))
            edited = summary.edited(sample, model, edits=["top"], step=step, strict=True, **writer)
            assert edited == (rank == 0)

    if what == "threads":
        # A thread while the one that trains is in a pass.
        meanwhile = (lambda: aside(lambda: refused(model, strict=True))) if logs else lambda: None
        model(torch.from_numpy(images[mine]))
        meanwhile = lambda: None
        aside(lambda: log(0))  # and while that one does nothing
    else:
        log(0)
    torch.manual_seed(1)
    for step in range(1, 4):
        model.train()
        loss = nn.functional.cross_entropy(model(torch.from_numpy(images[mine])), labels[mine])
        loss.backward()
        if step == 2:
            log(step)  # between the gradients and the step that they are for
        optimizer.step()
        optimizer.zero_grad()
        if step != 2:
            log(step)
    if what == "threads" and logs:
        aside(*[lambda: refused(model, strict=True)] * 2)
    if what == "both" and logs:
        # As a callback does it; raw outputs are read of a backend of their own.
        raw = summary.Probe(
            "raw", images, labels=labels.tolist(), data_format="channels_first", output="raw"
        )
        watch = Watch(probe, [], raw, ["top"], Terms(strict=True))
        training = Training(summary.EverySteps(1), watch)
        training.begin(model, f"{out}-loop" if rank == 0 else None, 0, None, leads=rank == 0)
        training.reached(1, None)
        training.finish()
    assert model.training
    summary.flush()
    print("accepted", accepted, flush=True)
    if kind.startswith("wrapped"):
        with type(model).summon_full_params(model, writeback=False):
            full = {name: each.detach().clone() for name, each in model.state_dict().items()}
    else:
        full = {
            name: each.full_tensor() if hasattr(each, "full_tensor") else each
            for name, each in model.state_dict().items()
        }
    return {name.replace("_fsdp_wrapped_module.", ""): each for name, each in full.items()}

logged = train(True)
state = torch.random.get_rng_state()
if what in ("both", "threads"):
    alone = train(False)
    assert torch.equal(state, torch.random.get_rng_state())
    assert logged.keys() == alone.keys()
    for name, each in logged.items():
        assert torch.equal(each, alone[name]), name
if rank == 0:
    network = Network()
    network.load_state_dict(logged)
    network.eval()
    with torch.no_grad():
        np.save(os.path.join(out, "scores.npy"), network(torch.from_numpy(images[:2])).numpy())
dist.barrier()
dist.destroy_process_group()
# As PyTorch's threads end with the process, they now and then take its exit status along.
sys.stdout.flush()
sys.stderr.flush()
os._exit(0)
"""


def run(directory, kind, what):
    """What both processes say."""
    directory.mkdir(exist_ok=True)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, kind, what, str(rank), str(port), str(directory)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    try:
        return [(*each.communicate(timeout=300), each.returncode) for each in processes]
    finally:
        for each in processes:
            each.kill()


def explained(directory, said):
    """That both took part, and one file has the scores of the whole model at the last step."""
    for rank, (told, errors, code) in enumerate(said):
        assert code == 0, errors
        assert f"accepted {[not rank] * 4}" in told
    assert len(list(directory.glob("*tfevents*"))) == 1
    found = events.records(directory)
    assert {step for step, _ in found} == {0, 1, 2, 3}
    for image, raw in enumerate(np.load(directory / "scores.npy").astype(np.float64)):
        odds = events.logged(directory, Kind.SCORES, image).values
        expected = [raw[k] - np.log(np.exp(np.delete(raw, k)).sum()) for k in range(4)]
        np.testing.assert_allclose(odds, expected, rtol=1e-4)
    logged = {step: each for (step, series), each in found.items() if series.kind is Kind.EDITS}
    assert list(logged) == [0, 1, 2, 3]
    assert np.isfinite(logged[3].moves).all()
    # Of an image that both probes have, by the same model.
    whole = [events.logged(directory, Kind.SCORES, image).values[image] for image in range(2)]
    np.testing.assert_allclose(logged[3].whole[:2, 0], whole, rtol=1e-5)
    labels = {series.label for step, series in found if step == 3 and series.kind is Kind.METHOD}
    assert labels == {"occlusion", "saliency", "grad-cam"}


@pytest.mark.parametrize("kind", KINDS)
def test_all_take_part_one_writes_and_training_stays_the_same(kind, tmp_path):
    explained(tmp_path, run(tmp_path, kind, "both"))
    looped = events.records(tmp_path.with_name(f"{tmp_path.name}-loop"))
    assert {step for (step, series) in looped if series.kind is Kind.EDITS} == {0, 1}


def test_where_the_first_process_calls_alone_it_is_told_so(tmp_path):
    said = run(tmp_path, "fully", "alone")
    assert (
        "refused: Network is sharded over 2 processes, and not all of them called within 3 s:"
        " call it in every process"
    ) in said[0][0]
    explained(tmp_path, said)


@pytest.mark.parametrize("kind", ["wrapped", "fully"])
def test_another_thread_than_the_one_that_trains_is_refused_at_once(kind, tmp_path):
    said = run(tmp_path, kind, "threads")
    for told, errors, code in said:
        assert code == 0, errors
        refused = [each for each in told.splitlines() if each.startswith("refused:")]
        assert refused == [
            "refused: Network is sharded, and thread 'aside' is not the one that trains it: call it"
            " from that thread alone, in each process"
        ] * 3  # fmt: skip
    # What the thread that trains calls, and one while that waits, is logged.
    explained(tmp_path, said)


def test_a_part_of_what_is_wrapped_is_refused(tmp_path):
    said = run(tmp_path, "wrapped with its own parameters", "part")
    for told, _, _ in said:
        assert (
            "refused: Network is a part of what FullyShardedDataParallel wraps: pass the module"
        ) in told
    explained(tmp_path, said)


def test_what_deepspeed_shards_is_refused(tmp_path, monkeypatch):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
    model[1].weight.ds_status = "NOT_AVAILABLE"  # as its third stage marks each parameter
    images = np.zeros((1, 8, 8, 1), np.float32)
    with pytest.raises(TypeError, match=r"DeepSpeed shards .*: log its checkpoints"):
        summary.attribution("p", model, images, writer=tmp_path, step=0)
    assert not list(tmp_path.iterdir())
    # What its script makes of a checkpoint: PyTorch's weights, whole.
    (tmp_path / "converted").mkdir()
    torch.save(torch.nn.Sequential(*model).state_dict(), tmp_path / "converted" / "step5.pt")
    np.save(tmp_path / "images.npy", images)
    (tmp_path / "networks_of_ours.py").write_text(
        "import numpy as np\nfrom torch import nn\nfrom tensorboard_picasso import summary\n"
        "def build():\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))\n"
        "def probe():\n    return summary.Probe('p', np.load('images.npy'))\n"
    )
    monkeypatch.chdir(tmp_path)
    options = ["--model", "networks_of_ours:build", "--probe", "networks_of_ours:probe"]
    command.main(["log", "--checkpoints", "converted", *options, "--logdir", "log"])
    assert list(events.whole_scores(tmp_path / "log")) == [5]
