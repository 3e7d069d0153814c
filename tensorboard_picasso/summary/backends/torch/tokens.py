"""Vision transformers whose tokens can be left out before the first attention.

Their positions are in them by then, so those that stay are what they were.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tensorboard_picasso.summary.backends.base import Array, no_tokens
from tensorboard_picasso.summary.kit import frameworks

Grid = tuple[int, int]


@dataclass(frozen=True)
class Tokens:
    """Where a vision transformer has its tokens.

    name: of the model's type. block: of the module that takes them first. aside: how many
    come before those of the image, such as the class token. grid: rows and columns of those.
    """

    name: str
    block: str
    aside: int
    grid: Grid

    @classmethod
    def of(cls, model: Any, name: str, shape: tuple[int, ...]) -> "Tokens":
        """Of the one vision transformer in a module.

        Args:
          model: the module. name: of its type.
          shape: of a batch as the module takes it.

        Raises:
          UnsupportedError: there is none that is known, or several.
        """
        found = [
            tokens
            for path, module in model.named_modules()
            if (tokens := _of(name, module, f"{path}." if path else "", shape))
        ]
        if len(found) != 1:
            raise no_tokens(name)
        return found[0]

    @contextmanager
    def only(self, block: Any, kept: Any) -> Iterator[None]:
        """Hand on some of the tokens of one image for each of several: (n, tokens) of them.

        The image's own rows are made once, however many it is handed on for.
        """

        def some(_: Any, args: Any, options: Any) -> Any:
            tokens = args[0] if args else options["hidden_states"]
            if tokens.ndim != 3 or tokens.shape[1] != self.aside + self.grid[0] * self.grid[1]:
                raise no_tokens(self.name)
            left = tokens[0][kept.to(tokens.device)]
            return (
                ((left, *args[1:]), options) if args else (args, {**options, "hidden_states": left})
            )

        hook = block.register_forward_pre_hook(some, with_kwargs=True)
        try:
            yield
        finally:
            hook.remove()

    def kept(self, dropped: Array) -> dict[int, tuple[Array, Any]]:
        """Of (n, rows, columns), which are dropped: those that keep as many, and what they keep.

        Returns:
          By how many are kept, the numbers of the rows and (n, tokens) of what each keeps.
        """
        flat = dropped.reshape(len(dropped), -1)
        counts = (~flat).sum(1)
        aside = np.arange(self.aside)
        found = {}
        for count in np.unique(counts):
            rows = np.flatnonzero(counts == count)
            each = [np.append(aside, self.aside + np.flatnonzero(~flat[row])) for row in rows]
            found[int(count)] = rows, torch.from_numpy(np.stack(each))
        return found


def _of(name: str, module: Any, path: str, shape: tuple[int, ...]) -> Tokens | None:
    if frameworks.is_a(module, "timm", "models.vision_transformer.VisionTransformer"):
        patches = module.patch_embed
        height, width = patches.patch_size
        # Where any size is taken, the grid is the image's.
        free = getattr(patches, "dynamic_img_pad", False) or not patches.strict_img_size
        grid = (shape[-2] // height, shape[-1] // width) if free else patches.grid_size
        return Tokens(name, f"{path}blocks.0", module.num_prefix_tokens, tuple(grid))
    if frameworks.is_a(module, "torchvision", "models.vision_transformer.VisionTransformer"):
        side = module.image_size // module.patch_size
        first = next(iter(dict(module.encoder.layers.named_children())))
        return Tokens(name, f"{path}encoder.layers.{first}", 1, (side, side))
    if frameworks.is_a(module, "transformers", "models.vit.modeling_vit.ViTModel"):
        sizes = (_pair(getattr(module.config, each)) for each in ("image_size", "patch_size"))
        (height, width), (down, across) = sizes
        layers = "layers" if hasattr(module, "layers") else "encoder.layer"
        return Tokens(name, f"{path}{layers}.0", 1, (height // down, width // across))
    return None


def _pair(size: Any) -> Grid:
    return (size, size) if isinstance(size, int) else tuple(size)
