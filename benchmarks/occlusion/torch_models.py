"""The models in PyTorch, with random weights."""

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.occlusion import weights


def build(name: str, calibration: np.ndarray) -> nn.Module:
    """A model whose activations and scores have a sensible scale.

    Args:
      name: of the model.
      calibration: images (n, h, w, c), or volumes, that the scale is taken from.
    """
    made = {"cnn28": _cnn28, "resnet20": _resnet20, "mobilenetv2": _mobilenetv2,
            "resnet50": _resnet50, "vgg16": _vgg16, "vitb16": _vitb16, "cnn3d64": _cnn3d64}[name]()  # fmt: skip
    model: nn.Module = made
    random = np.random.default_rng(0)
    modules = list(model.modules())
    layers = [each for each in modules if isinstance(each, nn.Conv2d | nn.Conv3d | nn.Linear)]
    batch = torch.from_numpy(np.ascontiguousarray(np.moveaxis(calibration, -1, 1)))
    with torch.no_grad():
        for layer in layers:
            shape = tuple(layer.weight.shape)
            kernel = weights.kernel(random, shape, int(np.prod(shape[1:])))
            if layer is layers[0]:
                kernel, offset = weights.first(kernel, tuple(range(1, kernel.ndim)))
            else:
                offset = np.zeros(shape[0], np.float32)
            layer.weight.copy_(torch.from_numpy(kernel))
            if layer.bias is not None:
                layer.bias.copy_(torch.from_numpy(offset))
        norms = [each for each in modules if isinstance(each, nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = 1.0
        if norms:
            model.train()(batch)
        model.eval()
        scale, shift = weights.head(model(batch).numpy())
        layers[-1].weight.mul_(float(scale))
        layers[-1].bias.copy_(torch.from_numpy(shift))
    return model


def activations(model: nn.Module, x: np.ndarray) -> dict[str, np.ndarray]:
    """What each layer makes of a batch (n, h, w, c)."""
    found: dict[str, np.ndarray] = {}
    handles = [
        each.register_forward_hook(
            lambda _, __, y, name=name: found.update({name: y.cpu().numpy()})
        )
        for name, each in model.named_modules()
        if not list(each.children())
    ]
    with torch.no_grad():
        batch = torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))
        model(batch.to(next(model.parameters()).device))
    for handle in handles:
        handle.remove()
    return found


def _cnn28() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 25, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip


def _cnn3d64() -> nn.Module:
    return nn.Sequential(
        nn.Conv3d(1, 16, 3), nn.ReLU(), nn.MaxPool3d(2),
        nn.Conv3d(16, 32, 3), nn.ReLU(), nn.MaxPool3d(2),
        nn.Conv3d(32, 64, 3), nn.ReLU(),
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def _convolution(
    inputs: int,
    outputs: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    act: type | None = None,
) -> nn.Sequential:
    """Convolution and batch norm, and an activation where one is given."""
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([act()] if act else []))


class _Residual(nn.Module):
    """Adds what a body makes to its input, or to a projection of it."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None, end: nn.Module) -> None:
        super().__init__()
        self.body, self.shortcut, self.end = body, shortcut or nn.Identity(), end

    def forward(self, x: Tensor) -> Tensor:
        """Of (n, channels, h, w)."""
        return self.end(self.body(x) + self.shortcut(x))


def _pooled(channels: int, classes: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]


def _resnet20() -> nn.Module:
    layers: list[nn.Module] = [_convolution(3, 16, 3, act=nn.ReLU)]
    inputs = 16
    for outputs in (16, 32, 64):
        for _ in range(3):
            stride = 1 if inputs == outputs else 2
            body = nn.Sequential(
                _convolution(inputs, outputs, 3, stride, act=nn.ReLU),
                _convolution(outputs, outputs, 3),
            )
            shortcut = None if stride == 1 else _convolution(inputs, outputs, 1, stride)
            layers.append(_Residual(body, shortcut, nn.ReLU()))
            inputs = outputs
    return nn.Sequential(*layers, *_pooled(64, 10))


def _resnet50() -> nn.Module:
    layers: list[nn.Module] = [_convolution(3, 64, 7, 2, act=nn.ReLU), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, count in enumerate((3, 4, 6, 3)):
        width = 64 << stage
        for block in range(count):
            stride = 2 if stage and not block else 1
            body = nn.Sequential(
                _convolution(inputs, width, 1, act=nn.ReLU),
                _convolution(width, width, 3, stride, act=nn.ReLU),
                _convolution(width, 4 * width, 1),
            )
            shortcut = None if block else _convolution(inputs, 4 * width, 1, stride)
            layers.append(_Residual(body, shortcut, nn.ReLU()))
            inputs = 4 * width
    return nn.Sequential(*layers, *_pooled(2048, 1000))


def _mobilenetv2() -> nn.Module:
    layers: list[nn.Module] = [_convolution(3, 32, 3, 2, act=nn.ReLU6)]
    inputs = 32
    for expansion, outputs, count, first in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
        (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ):  # fmt: skip
        for block in range(count):
            stride, hidden = (1 if block else first), inputs * expansion
            body = nn.Sequential(
                *([_convolution(inputs, hidden, 1, act=nn.ReLU6)] if expansion > 1 else []),
                _convolution(hidden, hidden, 3, stride, hidden, nn.ReLU6),
                _convolution(hidden, outputs, 1),
            )
            same = stride == 1 and inputs == outputs
            layers.append(_Residual(body, None, nn.Identity()) if same else body)
            inputs = outputs
    return nn.Sequential(*layers, _convolution(320, 1280, 1, act=nn.ReLU6), *_pooled(1280, 1000))


def _vgg16() -> nn.Module:
    layers: list[nn.Module] = []
    inputs = 3
    for outputs, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU()]
            inputs = outputs
        layers.append(nn.MaxPool2d(2))
    head = [nn.Linear(512 * 49, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), *head, nn.Linear(4096, 1000))


class _Tokens(nn.Module):
    """Patches of 16 pixels as tokens, behind one for the class, with their positions."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 16, 16)
        self.first = nn.Parameter(torch.zeros(1, 1, width))
        self.places = nn.Parameter(0.02 * torch.randn(1, 1 + count, width))

    def forward(self, x: Tensor) -> Tensor:
        """Of (n, 3, h, w), (n, tokens, width)."""
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        return torch.cat([self.first.expand(len(x), -1, -1), tokens], 1) + self.places


class _Attention(nn.Module):
    """Of tokens to each other."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.given, self.made = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Of (n, tokens, width)."""
        parts = self.given(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        made = nn.functional.scaled_dot_product_attention(*parts.unbind(0))
        return self.made(made.transpose(1, 2).flatten(2))


class _Encoder(nn.Module):
    """Attention and what follows it, each beside a shortcut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.one, self.other = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = _Attention(width, heads)
        self.body = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Of (n, tokens, width)."""
        x = x + self.attention(self.one(x))
        return x + self.body(self.other(x))


class _First(nn.Module):
    """The token for the class."""

    def forward(self, x: Tensor) -> Tensor:
        """Of (n, tokens, width)."""
        return x[:, 0]


def _vitb16(width: int = 768, depth: int = 12, heads: int = 12) -> nn.Module:
    blocks = [_Encoder(width, heads) for _ in range(depth)]
    end = nn.LayerNorm(width), _First(), nn.Linear(width, 1000)
    return nn.Sequential(_Tokens(width, 14 * 14), *blocks, *end)
