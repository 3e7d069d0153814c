"""Peers' situation: a vision transformer in a PyTorch loop of one's own, and Grad-CAM of it."""

import numpy as np
import timm
import torch

from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind
from tests.kit.events import records


def squares(count, seed):
    """White squares on grey noise: above in class 1, below in class 0; twice as high as wide."""
    draw = np.random.default_rng(seed)
    images = draw.uniform(0.3, 0.5, (count, 3, 32, 16)).astype(np.float32)
    labels = draw.integers(2, size=count)
    for image, label in zip(images, labels, strict=True):
        top = 8 * draw.integers(2) + (0 if label else 16)
        left = 8 * draw.integers(2)
        image[:, top : top + 8, left : left + 8] = 1
    return images, labels


def test_a_vision_transformer_is_explained_while_it_learns(tmp_path):
    torch.manual_seed(0)
    model = timm.models.vision_transformer.VisionTransformer(
        (32, 16), 4, embed_dim=16, depth=2, num_heads=2, num_classes=2
    )
    images, labels = squares(64, seed=0)
    x, y = torch.from_numpy(images), torch.from_numpy(labels)
    held_out, truth = squares(4, seed=1)
    probe = summary.Probe("squares", torch.from_numpy(held_out), labels=truth)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for step in range(60):
        loss = torch.nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 20 == 0 or step == 59:
            summary.attribution(
                probe, model, methods=["grad-cam"], writer=str(tmp_path), step=step, strict=True
            )
    assert model.training
    found = records(tmp_path)
    about = {step: each for (step, of), each in found.items() if of.kind is Kind.METHOD}
    assert sorted(about) == [0, 20, 40, 59]
    for each in about.values():
        assert each.layer == "blocks.1.norm1"
        assert each.parameters["positions"] == "8 × 4"
        assert each.parameters["tokens"] == "1 token set aside"
    maps = [each for (step, of), each in found.items() if of.kind is Kind.MAP and step == 59]
    assert all(
        each.decode(int(label)).shape == (32, 16) for each, label in zip(maps, truth, strict=True)
    )
    assert any(each.decode(int(label)).any() for each, label in zip(maps, truth, strict=True))
