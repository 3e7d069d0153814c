"""Grad-CAM, and what else reads a layer, on vision transformers: as computed by hand, from the log."""

import copy

import numpy as np
import pytest
import timm
import torch
import torchvision
import transformers
from torch import nn

from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary import Captum, GradCAM, Probe, Saliency
from tests.kit.events import records

TIMM = {
    "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 3,
}  # fmt: skip
PEERS = {
    "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48,
    "patch_size": 8, "num_labels": 3,
}  # fmt: skip


def drawn(model):
    """The model with every weight drawn: some heads begin as zeros, where all maps would be."""
    with torch.no_grad():
        for each in model.parameters():
            each.normal_(0, 0.3)
    return model.eval()


def timm_vit(size, **options):
    return timm.models.vision_transformer.VisionTransformer(size, **{**TIMM, **options})


def timm_deit(size):
    return timm.models.deit.VisionTransformerDistilled(size, **TIMM)


def timm_swin(size):
    return timm.models.swin_transformer.SwinTransformer(
        size, 2, embed_dim=12, depths=(1, 2), num_heads=(2, 2), window_size=4, num_classes=3
    )


def torchvision_vit(size):
    return torchvision.models.VisionTransformer(size[0], 8, 2, 2, 24, 48, num_classes=3)


def torchvision_swin(size):
    return torchvision.models.SwinTransformer([2, 2], 12, [1, 2], [2, 2], [4, 4], num_classes=3)


def peers_vit(size):
    config = transformers.ViTConfig(image_size=size, **PEERS)
    return transformers.ViTForImageClassification(config)


def peers_deit(size):
    config = transformers.DeiTConfig(image_size=size, **PEERS)
    return transformers.DeiTForImageClassificationWithTeacher(config)


def peers_swin(size):
    config = transformers.SwinConfig(
        image_size=size, patch_size=2, embed_dim=12, depths=[1, 2], num_heads=[2, 2],
        window_size=4, num_labels=3,
    )  # fmt: skip
    return transformers.SwinForImageClassification(config)


class Headed(nn.Module):
    """`ViTModel` with a head of one's own on its class token."""

    def __init__(self, size):
        super().__init__()
        self.vit = transformers.ViTModel(transformers.ViTConfig(image_size=size, **PEERS))
        self.head = nn.Linear(24, 3)

    def forward(self, x):
        return self.head(self.vit(x).last_hidden_state[:, 0])


def tokens(aside, rows, columns):
    return lambda values: values[:, aside:].reshape(len(values), rows, columns, -1)


def channels_first(values):
    return values.permute(0, 2, 3, 1)


def channels_last(values):
    return values


# The model, height and width of its input, the layer that is meant, how it lies; how many tokens
# stand for no place.
DEFAULTS = {
    "timm ViT": (timm_vit, (32, 32), "blocks.1.norm1", tokens(1, 4, 4), 1),
    "timm ViT upright": (timm_vit, (32, 16), "blocks.1.norm1", tokens(1, 4, 2), 1),
    "timm ViT lying": (timm_vit, (16, 40), "blocks.1.norm1", tokens(1, 2, 5), 1),
    "timm ViT registers": (
        lambda size: timm_vit(size, reg_tokens=3), (32, 16), "blocks.1.norm1", tokens(4, 4, 2), 4,
    ),
    "timm ViT mean": (
        lambda size: timm_vit(size, global_pool="avg", class_token=False), (32, 16), "norm",
        tokens(0, 4, 2), 0,
    ),
    "timm DeiT": (timm_deit, (24, 16), "blocks.1.norm1", tokens(2, 3, 2), 2),
    "timm Swin": (timm_swin, (16, 32), "norm", channels_last, 0),
    "torchvision ViT": (
        torchvision_vit, (32, 32), "encoder.layers.encoder_layer_1.ln_1", tokens(1, 4, 4), 1,
    ),
    "torchvision Swin": (torchvision_swin, (32, 16), "permute", channels_first, 0),
    "transformers ViT": (peers_vit, (32, 16), "vit.layers.1.layernorm_before", tokens(1, 4, 2), 1),
    "transformers ViTModel": (Headed, (32, 32), "vit.layers.1.layernorm_before", tokens(1, 4, 4), 1),
    "transformers DeiT": (
        peers_deit, (32, 16), "deit.layers.1.layernorm_before", tokens(2, 4, 2), 2,
    ),
    "transformers Swin": (peers_swin, (16, 32), "swin.layernorm", tokens(0, 4, 8), 0),
}  # fmt: skip
NAMED = {
    "timm ViT's block": (timm_vit, (32, 16), "blocks.0", tokens(1, 4, 2), 1),
    "timm ViT's patches": (timm_vit, (32, 16), "patch_embed.proj", channels_first, 0),
    "timm ViT's keys": (timm_vit, (32, 16), "blocks.1.attn.qkv", tokens(1, 4, 2), 1),
    "timm Swin's block": (timm_swin, (16, 32), "layers.0.blocks.0", channels_last, 0),
    "timm Swin's norm": (timm_swin, (16, 32), "layers.1.blocks.1.norm1", channels_last, 0),
    "timm Swin's tokens": (timm_swin, (16, 32), "layers.1.blocks.1.norm2", tokens(0, 4, 8), 0),
    "torchvision Swin's block": (torchvision_swin, (32, 16), "features.3.1.norm1", channels_last, 0),
    "torchvision Swin's patches": (torchvision_swin, (32, 16), "features.0.0", channels_first, 0),
    "transformers Swin's norm": (
        peers_swin, (16, 32), "swin.encoder.layers.1.blocks.1.layernorm_before", tokens(0, 4, 8), 0,
    ),
}  # fmt: skip


def scores_of(output):
    return output if isinstance(output, torch.Tensor) else output.logits


def odds(z, target):
    others = [each for each in range(z.shape[1]) if each != target]
    return z[:, target] - z[:, others].logsumexp(1)


def seen(model, layer, image, target):
    """A layer's activations, and the gradient of the log-odds by them."""
    kept = []
    module = dict(model.named_modules())[layer]
    hook = module.register_forward_hook(lambda _, __, output: kept.append(output))
    z = scores_of(model(torch.from_numpy(image[None])))
    hook.remove()
    (gradient,) = torch.autograd.grad(odds(z, target).sum(), kept)
    return kept[0].detach(), gradient


def enlarged(coarse, size):
    large = nn.functional.interpolate(coarse[None, None], size=size, mode="bilinear")
    return large[0, 0].double().numpy()


def by_hand(model, layer, lies, image, target):
    activations, gradient = (lies(each)[0] for each in seen(model, layer, image, target))
    weights = gradient.mean((0, 1))
    return enlarged((activations @ weights).relu(), image.shape[1:])


def logged(folder, model, images, *methods, **options):
    """What is said of each image and the maps of each class, by the method's label."""
    options = {"pick": "logits"} if hasattr(model, "distillation_classifier") else options
    probe = Probe(
        "p", images, value_range=(-4, 4), targets=[0, 1, 2], top_k=0, output="logits",
        data_format="channels_first",
        **options,
    )  # fmt: skip
    summary.attribution(probe, model, methods=methods, writer=str(folder), step=0, strict=True)
    found = {}
    for (_, series), each in records(folder).items():
        if series.kind in (Kind.METHOD, Kind.MAP):
            found.setdefault(series.label, {})[series.image, series.kind] = each
    return found


def pictures(size, count=2):
    values = np.random.default_rng(3).standard_normal((count, 3, *size))
    return values.clip(-4, 4).astype(np.float32)


EXACT = {"precision": "float32"}


@pytest.mark.parametrize("kind", [*DEFAULTS, *NAMED])
def test_grad_cam_is_as_computed_by_hand(tmp_path, kind):
    make, size, layer, lies, aside = {**DEFAULTS, **NAMED}[kind]
    torch.manual_seed(0)
    model, images = drawn(make(size)), pictures(size)
    method = GradCAM(**EXACT) if kind in DEFAULTS else GradCAM(layer, **EXACT)
    found = logged(tmp_path, copy.deepcopy(model), images, method)["grad-cam"]
    strongest = 0.0
    for index, image in enumerate(images):
        about = found[index, Kind.METHOD]
        assert about.layer == layer
        said = {0: None, 1: "1 token set aside"}.get(aside, f"{aside} tokens set aside")
        assert about.parameters.get("tokens") == said
        for target in range(3):
            expected = by_hand(model, layer, lies, image, target)
            strongest = max(strongest, expected.max())
            np.testing.assert_allclose(
                found[index, Kind.MAP].decode(target), expected, atol=1e-5 * expected.max()
            )
    assert strongest > 0


def test_saliency_of_tokens_leaves_the_class_token_out(tmp_path):
    torch.manual_seed(0)
    size, layer = (32, 16), "blocks.1.norm1"
    model, images = drawn(timm_vit(size)), pictures(size, 1)
    found = logged(tmp_path, copy.deepcopy(model), images, Saliency(layer=layer, **EXACT))
    _, gradient = seen(model, layer, images[0], 1)
    expected = enlarged(tokens(1, 4, 2)(gradient)[0].abs().amax(-1), size)
    planes = found["saliency"][0, Kind.MAP]
    np.testing.assert_allclose(planes.decode(1), expected, atol=1e-5 * expected.max())
    about = found["saliency"][0, Kind.METHOD]
    assert about.parameters["tokens"] == "1 token set aside"


@pytest.mark.parametrize(
    ("make", "size", "layer", "lies"),
    [
        (timm_vit, (32, 16), "blocks.1.norm1", tokens(1, 4, 2)),
        (timm_swin, (16, 32), "layers.1.blocks.1.norm1", channels_last),
    ],
)
def test_captums_layer_methods_read_layers_alike(tmp_path, make, size, layer, lies):
    torch.manual_seed(0)
    model, images = drawn(make(size)), pictures(size, 1)
    method = Captum("LayerGradientXActivation", layer=layer, **EXACT)
    found = logged(tmp_path, copy.deepcopy(model), images, method)
    activations, gradient = seen(model, layer, images[0], 1)
    expected = enlarged(lies(activations * gradient)[0].sum(-1), size)
    planes = found["captum-layergradientxactivation"][0, Kind.MAP]
    np.testing.assert_allclose(planes.decode(1), expected, atol=1e-5 * np.abs(expected).max())


def test_postprocess_reads_what_is_read_otherwise_alike(tmp_path):
    torch.manual_seed(0)
    size, layer = (32, 16), "blocks.1.norm1"
    model, images = drawn(timm_vit(size)), pictures(size, 1)
    kinds = [
        GradCAM(layer, **EXACT), Saliency(layer=layer, **EXACT),
        Captum("LayerGradientXActivation", layer=layer, **EXACT),
    ]  # fmt: skip
    shapes = []

    def postprocess(values):
        shapes.append(values.shape)
        return values[:, 1:].reshape(len(values), 4, 2, -1)

    own = logged(tmp_path / "own", model, images, *kinds)
    theirs = logged(tmp_path / "theirs", model, images, *kinds, postprocess=postprocess)
    assert set(shapes) == {(3, 9, 24), (1, 9, 24)}
    assert own.keys() == theirs.keys()
    for label, maps in own.items():
        assert theirs[label][0, Kind.METHOD].parameters["tokens"] == "by postprocess"
        for target in range(3):
            np.testing.assert_allclose(
                theirs[label][0, Kind.MAP].decode(target), maps[0, Kind.MAP].decode(target)
            )


def test_postprocess_may_make_maps_but_not_for_grad_cam(tmp_path):
    model, images = timm_vit((32, 16)).eval(), pictures((32, 16), 1)
    layer = "blocks.1.attn.q_norm"  # heads, tokens and their numbers

    def postprocess(values):
        return np.abs(values).sum((1, 3))[:, 1:].reshape(len(values), 4, 2)

    found = logged(tmp_path, model, images, Saliency(layer=layer), postprocess=postprocess)
    assert found["saliency"][0, Kind.MAP].decode(0).shape == (32, 16)
    with pytest.raises(ValueError, match=r"makes \(1, 4, 2\) of \(1, 2, 9, 12\), and Grad-CAM"):
        logged(tmp_path / "b", model, images, GradCAM(layer), postprocess=postprocess)

    def placed(values):
        return np.moveaxis(values[:, :, 1:], 1, 2).reshape(len(values), 4, 2, -1)

    found = logged(tmp_path / "c", model, images, GradCAM(layer), postprocess=placed)
    assert found["grad-cam"][0, Kind.METHOD].parameters["positions"] == "4 × 2"


@pytest.mark.parametrize(
    ("make", "size", "method", "match"),
    [
        (timm_vit, (32, 16), GradCAM("blocks.1.attn.k_norm"),
         r"returns \(2, 9, 12\) for an image: it is inside an attention; name another layer="),
        (timm_vit, (32, 16), GradCAM("blocks.1"),
         r"'blocks.1': of its tokens only those that .* pass layer='blocks.1.norm1'"),
        (timm_vit, (32, 16), Saliency(layer="norm"), "so its maps are zero"),
        (timm_swin, (16, 32), GradCAM("layers.1.blocks.1.attn"),
         "no row an image for several: name another one"),
        (torchvision_swin, (32, 16), Captum("LayerGradCam", layer="norm"),
         r"LayerGradCam makes .* it takes channels to come first; use GradCAM\(layer=\)"),
        (lambda size: torchvision.models.SwinTransformer([2, 2], 8, [1, 1], [2, 2], [4, 4]), (16, 16),
         GradCAM("features.1.0"), "its channels may come first or last; name another layer="),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_an_error_with_the_remedy(tmp_path, make, size, method, match):
    with pytest.raises(ValueError, match=match):
        logged(tmp_path, make(size), pictures(size, 1), method)


class Shuffled(nn.Module):
    """Patches column by column, the class token last."""

    def __init__(self, turned):
        super().__init__()
        self.turned = turned
        self.patches = nn.Conv2d(3, 8, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.norm = nn.LayerNorm(8)
        self.mixing = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = self.patches(x)
        x = (x.mT if self.turned else x).flatten(2).mT
        x = self.norm(torch.cat([x, self.token.expand(len(x), -1, -1)], 1))
        return self.head((x + self.mixing(x, x, x)[0])[:, -1])


def test_a_class_token_is_found_wherever_it_stands_and_columns_are_no_rows(tmp_path):
    torch.manual_seed(0)
    model, images = drawn(Shuffled(turned=False)), pictures((32, 32), 1)
    found = logged(tmp_path, model, images, GradCAM("norm", **EXACT))["grad-cam"]

    def lies(values):
        return values[:, :-1].reshape(len(values), 4, 4, -1)

    for target in range(3):
        expected = by_hand(model, "norm", lies, images[0], target)
        np.testing.assert_allclose(
            found[0, Kind.MAP].decode(target), expected, atol=1e-5 * expected.max()
        )
    with pytest.raises(ValueError, match="its tokens do not run row by row; name another layer="):
        logged(tmp_path / "b", drawn(Shuffled(turned=True)), images, GradCAM("norm"))


def test_the_layer_hangs_on_the_models_structure_not_on_its_weights(tmp_path):
    """A head of zeros, as torchvision's begins: nothing reaches the scores as yet."""
    model = torchvision_vit((32, 32)).eval()
    assert not model.heads.head.weight.any()
    found = logged(tmp_path, model, pictures((32, 32), 1), GradCAM(**EXACT))["grad-cam"]
    assert found[0, Kind.METHOD].layer == "encoder.layers.encoder_layer_1.ln_1"
    assert not found[0, Kind.MAP].decode(0).any()
