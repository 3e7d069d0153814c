"""Occlusion that drops tokens of vision transformers: as a loop that removes them does."""

import numpy as np
import pytest
import timm
import torch
import torchvision
import transformers
from torch import nn

from tensorboard_picasso import read, summary
from tensorboard_picasso.summary import RISE, IntegratedGradients, Occlusion, Probe
from tensorboard_picasso.summary.backends import UnsupportedError
from tensorboard_picasso.summary.methods.occlusion import covered
from tensorboard_picasso.summary.probe import alignment
from tests.kit.explained import explain, noise, stored

SIDE, PATCH = 16, 4
DROPPED = Occlusion(8, 4, fill="dropped tokens")
OPTIONS = {"targets": [0, 1, 2], "top_k": 0, "output": "logits", "data_format": "channels_first"}


def drawn(model):
    torch.manual_seed(0)
    with torch.no_grad():
        for each in model.parameters():
            each.normal_(0, 0.3)
    return model.eval()


def of_timm(**options):
    options = {"embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 3, **options}
    return timm.models.vision_transformer.VisionTransformer(SIDE, PATCH, **options)


def of_torchvision():
    return torchvision.models.VisionTransformer(SIDE, PATCH, 2, 2, 24, 48, num_classes=3)


def of_transformers():
    config = transformers.ViTConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48,
        image_size=SIDE, patch_size=PATCH, num_labels=3,
    )  # fmt: skip
    return transformers.ViTForImageClassification(config)


def loop_timm(model, x, kept):
    tokens = model.norm_pre(model._pos_embed(model.patch_embed(x)))[:, kept]
    return model.forward_head(model.norm(model.blocks(tokens)))


def loop_torchvision(model, x, kept):
    """Attention that may not see a token, which stays in its place: hand-made."""
    tokens = model._process_input(x)
    tokens = torch.cat([model.class_token, tokens], 1) + model.encoder.pos_embedding
    unseen = torch.ones(1, tokens.shape[1], dtype=bool)
    unseen[:, kept] = False
    for block in model.encoder.layers:
        given = block.ln_1(tokens)
        tokens = tokens + block.self_attention(given, given, given, key_padding_mask=unseen)[0]
        tokens = tokens + block.mlp(block.ln_2(tokens))
    return model.heads(model.encoder.ln(tokens)[:, 0])


def loop_transformers(model, x, kept):
    tokens = model.vit.embeddings(x)[:, kept]
    for block in model.vit.layers:
        tokens = block(tokens)
    return model.classifier(model.vit.layernorm(tokens)[:, 0])


WAYS = {
    "timm": (of_timm, loop_timm, 1),
    "timm, registers and their mean": (
        lambda: of_timm(reg_tokens=3, global_pool="avg", class_token=False), loop_timm, 3,
    ),
    "timm, any size": (lambda: of_timm(dynamic_img_size=True), loop_timm, 1),
    "torchvision": (of_torchvision, loop_torchvision, 1),
    "transformers": (of_transformers, loop_transformers, 1),
}  # fmt: skip


def log_odds(raw):
    raw = raw.double().detach().numpy()
    p = np.exp(raw) / np.exp(raw).sum(-1, keepdims=True)
    return np.log(p) - np.log1p(-p)


@pytest.mark.parametrize("way", WAYS)
def test_scores_are_those_of_a_loop_that_removes_the_tokens(way):
    make, loop, aside = WAYS[way]
    model, image = drawn(make()), noise(1, 3, SIDE, SIDE)
    result = explain(model, Probe("p", image, **OPTIONS), DROPPED)
    grid = stored(result)[0].grid
    count = SIDE // PATCH
    for row, top in enumerate(grid.tops):
        for column, left in enumerate(grid.lefts):
            hidden = np.zeros((count, count), bool)
            hidden[top // PATCH : (top + 8) // PATCH, left // PATCH : (left + 8) // PATCH] = True
            kept = np.append(np.arange(aside), aside + np.flatnonzero(~hidden))
            with torch.no_grad():
                expected = log_odds(loop(model, torch.from_numpy(image), kept))[0]
            np.testing.assert_allclose(grid.values[row, column], expected, rtol=1e-4, atol=1e-4)
    assert np.abs(grid.values - grid.whole).max() > 0.01
    with torch.no_grad():
        whole = model(torch.from_numpy(image))
    expected = log_odds(getattr(whole, "logits", whole))[0]
    np.testing.assert_allclose(grid.whole, expected, rtol=1e-4, atol=1e-4)


def test_a_window_that_covers_no_token_by_half_changes_nothing():
    probe = Probe("p", noise(1, 3, SIDE, SIDE), **OPTIONS)
    method = Occlusion(2, 2, fill="dropped tokens")
    grid = stored(explain(drawn(of_timm()), probe, method))[0].grid
    np.testing.assert_allclose(grid.values, np.broadcast_to(grid.whole, grid.values.shape), 1e-5)


def test_a_token_is_dropped_where_half_of_its_patch_or_more_is_covered():
    boxes = np.array([[0, 0, 0, 0], [0, 0, 4, 4], [2, 0, 4, 4], [3, 0, 4, 4], [2, 2, 4, 4]])
    found = covered(boxes, alignment.same((8, 8)), (2, 2)).astype(int).tolist()
    upper, lower = [[1, 0], [0, 0]], [[0, 0], [1, 0]]
    assert found == [[[0, 0], [0, 0]], upper, [[1, 0], [1, 0]], lower, [[0, 0], [0, 0]]]
    # Of a model that is given the image at half its size and mirrored.
    matrix = np.array([[-0.5, 0, 4], [0, 0.5, 0]])
    half = alignment.given(matrix, (8, 8), (4, 4))
    assert covered(boxes[1:2], half, (2, 2)).astype(int).tolist() == [[[0, 1], [0, 0]]]
    with pytest.raises(alignment.AlignmentError, match="turns or shears the image"):
        covered(boxes, alignment.given(np.array([[0, 1, 0], [1, 0, 0]]), (8, 8), (8, 8)), (2, 2))


def test_what_preprocess_and_a_wrapper_make_of_the_image_is_embedded_once_a_batch():
    seen = []

    class Wrapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.vit = drawn(of_timm())

        def forward(self, x):
            seen.append(len(x))
            return self.vit(2 * x)

    image = noise(1, 2 * SIDE, 2 * SIDE, 3)

    def preprocess(x):
        halved = np.asarray(x).reshape(-1, SIDE, 2, SIDE, 2, 3).mean((2, 4))
        return np.ascontiguousarray(np.moveaxis(halved, -1, 1))

    options = {**OPTIONS, "data_format": "channels_last", "preprocess": preprocess}
    model, method = Wrapped().eval(), Occlusion(16, 8, fill="dropped tokens")
    grid = stored(explain(model, Probe("p", image, **options), method))[0].grid
    assert set(seen) == {1}
    plain = Probe("p", 2 * preprocess(image), value_range=(0, 2), **OPTIONS)
    other = stored(explain(model.vit, plain, DROPPED))[0].grid
    np.testing.assert_allclose(grid.values, other.values, rtol=1e-4, atol=1e-4)


def test_the_log_says_that_tokens_were_dropped(tmp_path):
    probe = Probe("p", noise(2, 3, SIDE, SIDE), **OPTIONS)
    model = drawn(of_timm())
    assert "tokens dropped: 10 passes" in summary.explain_plan(probe, model, DROPPED)
    assert summary.attribution(
        probe, model, methods=[DROPPED], writer=tmp_path, step=0, strict=True
    )
    summary.flush()
    (run,) = read(tmp_path).values()
    text = repr(stored(explain(model, probe, DROPPED))[0].parameters)
    assert "'fill': 'dropped tokens'" in text
    assert run


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: RISE(fill="dropped tokens"), "hides windows of Occlusion alone"),
        (lambda: IntegratedGradients("dropped tokens"), "hides windows of Occlusion alone"),
        (lambda: Probe("p", noise(1, 8, 8, 3), region_fill="dropped tokens"), "of Occlusion alone"),
    ],
)
def test_what_paints_images_does_not_take_it(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_other_models_are_refused_with_a_remedy():
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(2 * 14 * 14, 3))
    for model in (network, lambda x: np.asarray(x).reshape(len(x), -1)[:, :3]):
        with pytest.raises(UnsupportedError, match=r"is no vision transformer.*pass fill='mean'"):
            explain(model, Probe("p", noise(1, 3, SIDE, SIDE), **OPTIONS), DROPPED)
