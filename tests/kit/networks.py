"""Small PyTorch networks built as well-known ones are, and random ones."""

import numpy as np
import torch
from torch import nn


def settled(model, seed=0):
    """Weights and statistics with which activations keep a sensible scale, in float64."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d | nn.Linear):
            fan = module.weight[0].numel()
            module.weight.data.normal_(0, (2 / fan) ** 0.5, generator=generator)
            if module.bias is not None:
                module.bias.data.normal_(0, 0.1, generator=generator)
        norm = isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d)
        if norm and module.running_mean is not None:
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.5, 1.5, generator=generator)
            module.weight.data.uniform_(0.7, 1.3, generator=generator)
    return model.double()


def conv(given, made, kernel=3, stride=1, groups=1, act=nn.ReLU):
    layers = [
        nn.Conv2d(given, made, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(made),
    ]
    return nn.Sequential(*layers, *([act(inplace=True)] if act else []))


class Residual(nn.Module):
    """ResNet's basic block, with its in-place additions and activations."""

    def __init__(self, given, made, stride=1):
        super().__init__()
        self.one, self.two = conv(given, made, 3, stride), conv(made, made, act=None)
        self.down = conv(given, made, 1, stride, act=None) if stride > 1 else None
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        identity = x
        out = self.two(self.one(x))
        if self.down is not None:
            identity = self.down(x)
        out += identity
        return self.relu(out)


class Inverted(nn.Module):
    """MobileNetV2's block; with `squeeze` EfficientNet's."""

    def __init__(self, given, made, stride=1, squeeze=False):
        super().__init__()
        wide = 4 * given
        act = nn.SiLU if squeeze else nn.ReLU6
        self.enlarge = conv(given, wide, 1, act=act)
        self.depthwise = conv(wide, wide, 3, stride, groups=wide, act=act)
        self.squeeze = Squeeze(wide) if squeeze else nn.Identity()
        self.project = conv(wide, made, 1, act=None)
        self.skips = stride == 1 and given == made

    def forward(self, x):
        out = self.project(self.squeeze(self.depthwise(self.enlarge(x))))
        return x + out if self.skips else out


class Squeeze(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        narrow = max(1, width // 4)
        self.down, self.up = nn.Conv2d(width, narrow, 1), nn.Conv2d(narrow, width, 1)

    def forward(self, x):
        return x * self.up(self.down(self.pool(x)).relu()).sigmoid()


class Densely(nn.Module):
    """DenseNet's block: every layer sees all before it."""

    def __init__(self, given, growth=8, count=3):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(given + growth * at),
                nn.ReLU(inplace=True),
                nn.Conv2d(given + growth * at, growth, 3, padding=1, bias=False),
            )
            for at in range(count)
        )

    def forward(self, x):
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, 1)))
        return torch.cat(features, 1)


class Branches(nn.Module):
    """Inception's: other windows side by side."""

    def __init__(self, given):
        super().__init__()
        self.one, self.three = conv(given, 8, 1), conv(given, 8, 3)
        self.tall, self.wide = nn.Conv2d(given, 4, (7, 1), padding=(3, 0)), nn.Conv2d(4, 8, (1, 7))

    def forward(self, x):
        pooled = nn.functional.avg_pool2d(x, 3, 1, 1)
        wide = self.wide(nn.functional.pad(self.tall(x), (3, 3)))
        return torch.cat([self.one(x), self.three(x), wide, pooled], 1)


class ConvNeXt(nn.Module):
    """Its block: a depthwise convolution, then layers over the channels put last."""

    def __init__(self, width):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + self.down(nn.functional.gelu(self.up(y))).permute(0, 3, 1, 2)


class Transformer(nn.Module):
    """A small vision transformer, with a class token and position codes."""

    def __init__(self, side=64, patch=8, width=16):
        super().__init__()
        self.cut = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.places = nn.Parameter(torch.randn(1, (side // patch) ** 2 + 1, width))
        self.norm, self.attend = nn.LayerNorm(width), nn.MultiheadAttention(width, 2)
        self.head = nn.Linear(width, 5)

    def forward(self, x):
        x = self.cut(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.places
        y = self.norm(x).transpose(0, 1)
        x = x + self.attend(y, y, y)[0].transpose(0, 1)
        return self.head(x[:, 0])


class Subclassed(nn.Conv2d):
    """A convolution with a `forward` of its own, as weight standardisation has."""

    def forward(self, x):
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        return nn.functional.conv2d(x, weight, self.bias, self.stride, self.padding)


def head(width):
    return nn.Sequential(nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten(), nn.Linear(width, 5))


def named():
    """Networks by name, for images (3, 64, 64)."""
    vgg = [conv(3, 8), conv(8, 8), nn.MaxPool2d(2), conv(8, 16), nn.AdaptiveAvgPool2d(16)]
    vgg += [nn.AdaptiveAvgPool2d((16, 16))]
    stem = [conv(3, 8, 7, 2), nn.MaxPool2d(3, 2, 1)]
    return {
        "vgg": nn.Sequential(*vgg, nn.Flatten(), nn.Linear(16 * 256, 5)),
        "resnet": nn.Sequential(*stem, Residual(8, 8), Residual(8, 16, 2), head(16)),
        "mobilenet": nn.Sequential(conv(3, 8, 3, 2), Inverted(8, 8), Inverted(8, 12, 2), head(12)),
        "densenet": nn.Sequential(*stem, Densely(8), nn.AvgPool2d(2), Densely(32), head(56)),
        "inception": nn.Sequential(*stem, Branches(8), nn.MaxPool2d(3, 2), Branches(32), head(56)),
        "efficientnet": nn.Sequential(conv(3, 8, 3, 2), Inverted(8, 8, squeeze=True), head(8)),
        "convnext": nn.Sequential(nn.Conv2d(3, 8, 4, 4), ConvNeXt(8), head(8)),
        "transformer": Transformer(),
        "standardised": nn.Sequential(Subclassed(3, 8, 3, 2, 1), nn.ReLU(), head(8)),
        "transposed": nn.Sequential(conv(3, 8), nn.ConvTranspose2d(8, 8, 2, 2), head(8)),
    }


class Random(nn.Module):
    """A random graph of layers that are followed, and now and then of one that is not."""

    def __init__(self, seed):
        super().__init__()
        self.draw = np.random.default_rng(seed)
        self.layers, self.calls = nn.ModuleList(), []
        shapes = [(3, 24, 20)]
        for _ in range(self.draw.integers(3, 9)):
            at = int(self.draw.integers(max(0, len(shapes) - 3), len(shapes)))
            shapes.append(self._add(at, shapes))
        self.join = len(shapes) - 1
        channels, height, width = shapes[-1]
        flat = self.draw.random() < 0.5
        self.mean = not flat
        self.last = nn.Linear(channels * (height * width if flat else 1), 4)

    def _add(self, at, shapes):
        channels, height, width = shape = shapes[at]
        alike = [each for each, other in enumerate(shapes) if other == shape and each != at]
        kind = self.draw.choice(["conv", "conv", "conv", "pool", "point", "pad", "norm", "merge"])
        if kind == "merge":
            if alike:
                other = int(self.draw.choice(alike))
                how = str(self.draw.choice(["add", "multiply", "concatenate"]))
                self.calls.append((how, at, other))
                return (2 * channels, height, width) if how == "concatenate" else shape
            kind = "point"
        if kind == "norm":
            layer = nn.BatchNorm2d(channels)
        elif kind == "point":
            layer = self._one(nn.ReLU(), nn.GELU(), nn.Hardswish(), nn.Dropout(), Squeeze(channels))
        elif kind == "pad":
            layer = nn.ZeroPad2d(tuple(self.draw.integers(0, 3, 4).tolist()))
        elif kind == "pool" and min(height, width) > 6:
            stride, padding = self.draw.integers(1, 4), self.draw.integers(0, 2)
            options = {"stride": int(stride), "padding": int(padding)}
            ceil, counted = (bool(each) for each in self.draw.integers(0, 2, 2))
            layer = self._one(
                nn.MaxPool2d(3, **options, ceil_mode=ceil),
                nn.AvgPool2d(3, **options, ceil_mode=ceil, count_include_pad=counted),
            )
        else:
            layer = self._convolution(channels, min(height, width))
        layer.eval().double()
        self.layers.append(layer)
        self.calls.append((len(self.layers) - 1, at, None))
        made = layer(torch.zeros(1, *shape, dtype=torch.float64)).shape[1:]
        return tuple(made)

    def _convolution(self, channels, room):
        kernel = tuple(self.draw.integers(1, 4, 2).tolist())
        grouped = self.draw.random() < 0.3
        options = {"groups": channels if grouped else 1, "bias": bool(self.draw.integers(2))}
        if self.draw.random() < 0.2 or room < 8:
            return nn.Conv2d(
                channels, channels if grouped else 6, kernel, padding="same", **options
            )
        options["stride"] = tuple(self.draw.integers(1, 4, 2).tolist())
        options["dilation"] = tuple(self.draw.integers(1, 3, 2).tolist())
        options["padding"] = tuple(self.draw.integers(0, 3, 2).tolist())
        return nn.Conv2d(channels, channels if grouped else 6, kernel, **options)

    def _one(self, *layers):
        return layers[self.draw.integers(len(layers))]

    def forward(self, x):
        values = [x]
        for what, at, other in self.calls:
            if what == "add":
                values.append(values[at] + 0.5 * values[other])
            elif what == "multiply":
                values.append(values[at].sigmoid() * values[other])
            elif what == "concatenate":
                values.append(torch.cat([values[at], values[other]], dim=1))
            else:
                values.append(self.layers[what](values[at]))
        last = values[self.join]
        return self.last(last.mean((2, 3)) if self.mean else torch.flatten(last, 1))
