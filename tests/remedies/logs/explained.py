"""What `explain` says: it is run again as it says, and its log is read."""

from functools import cache
from pathlib import Path

import torch
import torchvision
from PIL import Image

from tensorboard_picasso.stored.metadata import Kind
from tests.kit import events
from tests.remedies import Row, directory
from tests.remedies.logs import given
from tests.remedies.logs.commands import run

OWN = "tests.remedies.logs.given:build"
SMALL = "torchvision:shufflenet_v2_x0_5"


@cache
def folder():
    """Weights, names, and pictures of two sizes."""
    path = Path(directory())
    state = given.trained().state_dict()
    for name in ("it.pt", "it.bin"):
        torch.save(state, path / name)
    network = torchvision.models.get_model(SMALL.partition(":")[2], weights=None)
    torch.save(network.state_dict(), path / "network.pt")
    (path / "names.txt").write_text("crane\ncrane\nsnail\n")
    (path / "sizes").mkdir()
    for side in (6, 7):
        Image.new("RGB", (side, side), (90, side * 9, 200)).save(path / "sizes" / f"{side}.png")
    return path


def explain(changes, logdir):
    options = {
        "--model": OWN, "--images": given.folder() / "pictures", "--methods": "occlusion",
        "--window": "2", "--stride": "2", "--logdir": logdir, **changes,
    }  # fmt: skip
    words = []
    for option, value in options.items():
        if value is not None:
            values = value if isinstance(value, list) else [value]
            words += [option, *(str(each).format(folder()) for each in values)]
    return run("explain", *words, "--no-serve")


def said(changes, logdir=None):
    raise ValueError(explain(changes, logdir or directory())[2])


def logged(changes, images=6, explained=None, logdir=None):
    path = Path(logdir or directory())
    status, _, err = explain(changes, path)
    assert status == 0, err
    scores = [each for (_, of), each in events.records(path).items() if of.kind is Kind.SCORES]
    assert len(scores) == images
    assert all(explained is None or explained in each.targets for each in scores)


def of(message, wrong, right, **expected):
    return Row(message, lambda: said(wrong), lambda: logged(right, **expected))


@cache
def taken():
    path = directory()
    (Path(path) / "mine").touch()
    return path


def in_the_list():
    assert "resnet50" in torchvision.models.list_models()


NETWORK = {"--model": SMALL, "--weights": "{}/network.pt", "--window": "0.5", "--stride": "0.5"}
NAMED = {"--class-names": "{}/names.txt"}

ROWS = [
    of("--model VGG16: pass .*keras:NAME, .* or my_module:build", {"--model": "VGG16"}, {"--model": OWN}),
    of("--size beside --model torchvision:.*, which has a preprocessing of its own: leave it out", {**NETWORK, "--size": 6}, NETWORK),
    of("--max-images 0: pass a number from 1", {"--max-images": 0}, {"--max-images": 1}, images=1),
    of("--size 6 6 6: pass a side", {"--size": [6, 6, 6]}, {"--size": 6}),
    of("--size 6 6 6: .*or HEIGHT WIDTH", {"--size": [6, 6, 6]}, {"--size": [6, 6]}),
    of("given pictures of 2 sizes: pass --size PIXELS", {"--images": "{}/sizes"}, {"--images": "{}/sizes", "--size": 6}, images=2),
    of("ends as that of no format: name it .pt,", {"--weights": "{}/it.bin"}, {"--weights": "{}/it.pt"}),
    of('classes 0 and 1 are called "crane": pass an index', {**NAMED, "--targets": "crane"}, {**NAMED, "--targets": 1}, explained=1),
    of('no class is called "zebu": pass its index', {**NAMED, "--targets": "zebu"}, {**NAMED, "--targets": 2}, explained=2),
    Row("holds other files: pass another", lambda: said({}, taken()), lambda: logged({})),
    Row("there is no zzzz: see torchvision.models.list_models", lambda: said({"--model": "torchvision:zzzz"}), in_the_list),
]  # fmt: skip
