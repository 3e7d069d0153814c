"""Layers of tokens, of windows and with channels last, and what `postprocess=` makes of them."""

import numpy as np
import torch
from captum import attr
from torch import nn

from tensorboard_picasso.summary import Captum, GradCAM, Occlusion, Probe, Saliency
from tests.kit.explained import noise, stored
from tests.remedies import Row, explained

IMAGES = noise(2, 3, 16, 8, seed=4)


class Tokens(nn.Module):
    """4 × 2 patches behind a class token, which alone is read."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.norm = nn.LayerNorm(8)
        self.heads = nn.Identity()
        self.last = nn.LayerNorm(8)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = self.patches(x).flatten(2).mT
        x = self.norm(torch.cat([self.token.expand(len(x), -1, -1), x], 1))
        q = self.heads(x.reshape(len(x), 9, 2, 4).transpose(1, 2))
        weights = (q @ q.mT).softmax(-1)
        x = x + (weights @ q).transpose(1, 2).reshape(len(x), 9, 8)
        return self.head(self.last(x)[:, 0])


class Windows(nn.Module):
    """Two windows an image, and a layer that takes each for an image."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.features, self.windows = nn.Conv2d(3, 4, 1), nn.ReLU()
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        x = self.features(x)
        x = self.windows(x.reshape(2 * len(x), 4, 8, 8))
        return self.head(x.reshape(-1, 2, 4, 64).mean((1, 3)))


class Last(nn.Module):
    """A layer with channels last."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.patches, self.norm, self.head = nn.Conv2d(3, 8, 4, 4), nn.LayerNorm(8), nn.Linear(8, 3)

    def forward(self, x):
        x = self.norm(self.patches(x).permute(0, 2, 3, 1))
        return self.head(x.relu().mean((1, 2)))


class Summed(attr.LayerGradientXActivation):
    """A tool that sums over the channels of tokens: one number a token."""

    def attribute(self, *given, **named):
        return super().attribute(*given, **named).sum(-1)


def unnamed(model):
    """A tool that takes a layer which it was not given."""
    (norm,) = (each for each in model.modules() if isinstance(each, nn.LayerNorm))
    return attr.LayerActivation(model, norm)


def by(make, method, **options):
    """Explain, and look whether there are maps."""

    def try_it():
        options.setdefault("data_format", "channels_first")
        found = explained(Probe("p", IMAGES, output="logits", **options), make(), method)
        for index in range(len(IMAGES)):
            _, planes = stored(found, index)
            maps = [planes.decode(each.target) for each in planes.planes]
            assert {each.shape for each in maps} == {(16, 8)}
            assert np.ptp(maps) > 0

    return try_it


def scripted():
    return torch.jit.script(Last())


def made_from():
    """What a scripted module was made from, with its weights."""
    model = Last()
    model.load_state_dict(scripted().state_dict())
    return model


def windows():
    probe = Probe("p", IMAGES, output="logits", data_format="channels_first")
    explained(probe, scripted(), Occlusion(4, 4))


def flat(values):
    return values.reshape(len(values), -1)


def placed(values):
    """Of heads and tokens, the class token aside."""
    return np.moveaxis(values[:, :, 1:], 1, 2).reshape(len(values), 4, 2, -1)


def summed(values):
    return placed(values).sum(-1)


def of_numbers(values):
    return values[:, 1:].reshape(len(values), 4, 2)


ROWS = [
    Row("layer 'windows' returns .* no row an image for several: name another one", by(Windows, GradCAM("windows")), by(Windows, GradCAM("features"))),
    Row("layer 'heads' returns .* name another layer=", by(Tokens, GradCAM("heads")), by(Tokens, GradCAM("norm"))),
    Row("or give the probe a postprocess= that makes .n, height, width, channels. of it", by(Tokens, GradCAM("heads")), by(Tokens, GradCAM("heads"), postprocess=placed)),
    Row("layer 'last': of its tokens only those .* pass layer='norm', or one before it", by(Tokens, GradCAM("last")), by(Tokens, GradCAM("norm"))),
    Row("pass layer='norm', or one before it", by(Tokens, Saliency(layer="last")), by(Tokens, Saliency(layer="patches"))),
    Row("postprocess makes .* return .\\d, height, width, channels.", by(Tokens, Saliency(layer="heads"), postprocess=flat), by(Tokens, Saliency(layer="heads"), postprocess=placed)),
    Row("postprocess makes .* or maps .\\d, height, width.", by(Tokens, Saliency(layer="heads"), postprocess=flat), by(Tokens, Saliency(layer="heads"), postprocess=summed)),
    Row("postprocess makes .* and Grad-CAM weighs channels: return .*height, width, channels.", by(Tokens, GradCAM("heads"), postprocess=summed), by(Tokens, GradCAM("heads"), postprocess=placed)),
    Row("LayerGradCam makes .* it takes channels to come first; use GradCAM.layer=.", by(Last, Captum("LayerGradCam", layer="norm")), by(Last, GradCAM("norm"))),
    Row("or Saliency.layer=.", by(Last, Captum("LayerGradCam", layer="norm")), by(Last, Saliency(layer="norm"))),
    Row("or give the probe a postprocess= that makes .n, height, width. of it", by(Tokens, Captum(Summed, layer="norm")), by(Tokens, Captum(Summed, layer="norm"), postprocess=of_numbers)),
    Row("made .* of .*: give it a layer=", by(Last, Captum(unnamed)), by(Last, Captum(attr.LayerActivation, layer="norm"))),
    Row("^RecursiveScriptModule is compiled by TorchScript, .* pass the module that it was made from", by(scripted, GradCAM()), by(made_from, GradCAM())),
    Row("is compiled by TorchScript, .* or methods=.summary.Occlusion", by(scripted, GradCAM()), windows),
    Row("^layer 'norm' is compiled by TorchScript, .* pass the module", by(scripted, GradCAM("norm")), by(made_from, GradCAM("norm"))),
    Row("^DeepLift: RecursiveScriptModule is compiled by TorchScript", by(scripted, Captum("DeepLift")), by(made_from, Captum("DeepLift"))),
]  # fmt: skip
