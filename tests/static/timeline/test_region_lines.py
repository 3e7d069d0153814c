"""The lines that the tab offers for a drawn region, taken from it and run with the user's own probe."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind
from tests.kit.browser import tab
from tests.kit.events import records
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
SIDE = 12
WINDOW = {"window": 4, "stride": 4}


class Photographs(Dataset):
    """Normalised tensors, whose class is where they are bright."""

    classes = ("cat", "dog", "owl")

    def __len__(self):
        return 40

    def __getitem__(self, index):
        image = np.random.default_rng(index).random((3, SIDE, SIDE)).astype(np.float32)
        image[:, 4 * (index % 3) :][:, :4] = 1
        mean, std = (torch.tensor(each)[:, None, None] for each in (MEAN, STD))
        return (torch.from_numpy(image) - mean) / std, index % 3


def drawn():
    """Of a loader that shuffles, with all that a user may say besides."""
    return summary.Probe.from_dataset(
        DataLoader(Photographs(), batch_size=8, shuffle=True),
        n=6,
        seed=3,
        name="val",
        normalized=(MEAN, STD),
        region_fill=["black", "mean"],
        regions={"top": np.arange(SIDE)[:, None] < np.full(SIDE, 3)},
        targets=["owl"],
        top_k=1,
    )


def middle(batch):
    """The middle of each image, as floats, channels first."""
    top, left = (batch.shape[1] - SIDE) // 2, (batch.shape[2] - SIDE) // 2
    found = batch[:, top : top + SIDE, left : left + SIDE].astype(np.float32) / 255
    return np.ascontiguousarray(np.moveaxis(found, -1, 1))


def of_sizes():
    """By hand, of images of several sizes, which only `preprocess` brings to one."""
    random = np.random.default_rng(0)
    sizes = [(16, 14), (12, 18), (16, 14), (20, 12)]
    images = [random.integers(0, 256, (*size, 3), np.uint8) for size in sizes]
    return summary.Probe(
        "sizes",
        images,
        labels=["b", "a", "c", "a"],
        class_names=["a", "b", "c"],
        preprocess=middle,
        region_fill=0,
        output="logits",
        names=["one", "two", "three", "four"],
    )


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * SIDE * SIDE, 3)).eval()


def log(probe, network, directory):
    summary.attribution(
        probe, network, writer=str(directory), step=0, methods=[summary.Occlusion(**WINDOW)]
    )
    summary.flush()


def rectangle(picasso, numbers, of):
    """Draw by the keyboard."""
    panel = picasso.frame.get_by_role("dialog", name="region")
    if not panel.is_visible():
        picasso.frame.locator(".menu.region > button").click()
    for name, value in zip(("top", "left", "height", "width"), numbers, strict=True):
        panel.get_by_label(name, exact=True).fill(str(value))
    panel.get_by_label("of which images").select_option(label=of)
    picasso.page.keyboard.press("Tab")
    panel.get_by_role("button", name="Add").press("Enter")
    return panel


def rename(panel, before, after):
    field = panel.get_by_label(f"name of {before}", exact=True)
    field.fill(after)
    field.press("Enter")


def lines(panel, name):
    """What stands there to be copied."""
    section = panel.locator(f'section[data-region="{name}"]')
    section.get_by_text("Code that hides it as a whole, for the next training").click()
    return section.locator("pre").inner_text()


def mask_of(probe, image, *rectangles):
    mask = np.zeros(probe.images[image].shape[:2], bool)
    for top, left, height, width in rectangles:
        mask[top : top + height, left : left + width] = True
    return mask


def log_odds(network, batch):
    with torch.no_grad():
        logits = network(torch.from_numpy(batch)).double()
    others = [logits[:, [j for j in range(3) if j != k]].logsumexp(1) for k in range(3)]
    return (logits - torch.stack(others, 1)).numpy()


def check(path, probe, network, expected):
    """Both runs say the same, but that the second one has the regions too, hidden."""
    first, second = records(path / "first"), records(path / "second")
    assert first.keys() == second.keys()
    for (step, series), after in second.items():
        before = first[step, series]
        if series.kind is Kind.INPUT:
            assert (after.hash, after.png, after.source_index) == (
                before.hash,
                before.png,
                before.source_index,
            )
            own = expected.get(series.image, {})
            assert set(after.regions) - set(before.regions) == set(own)
            for name, mask in own.items():
                np.testing.assert_array_equal(after.regions[name], mask)
        elif series.kind is Kind.METHOD:
            assert after.input_hash == before.input_hash
            np.testing.assert_allclose(after.grid.values, before.grid.values, atol=1e-5)
        elif series.kind is Kind.SCORES:
            np.testing.assert_allclose(after.values, before.values, atol=1e-5)
            hidden = {(each.region, each.fill): each.values for each in after.hidden}
            known = {(each.region, each.fill) for each in before.hidden}
            fills = {probe.fill_name(each): each for each in probe.region_fills}
            own = expected.get(series.image, {})
            assert hidden.keys() - known == {(name, fill) for name in own for fill in fills}
            image = probe.images[series.image]
            for (name, fill), values in hidden.items():
                if name not in own:
                    continue
                filled = probe.filled(series.image, fills[fill])
                without = np.where(own[name][:, :, None], filled, image)
                given = probe.model_input(without[None])
                np.testing.assert_allclose(values, log_odds(network, given)[0], atol=1e-4)


def test_of_a_probe_that_was_drawn_from_a_loader(browser, tmp_path, network):
    probe = drawn()
    log(probe, network, tmp_path / "first")
    with tensorboard(tmp_path) as url, tab(browser, url) as picasso:
        picasso.open(sort="number").at(0)
        # On the mean's own picture, by pointer.
        picasso.key("r")
        canvas = picasso.frame.locator("article.mean .original canvas[data-images]")
        box = canvas.bounding_box()
        side = box["width"] / SIDE
        mouse = picasso.page.mouse
        mouse.move(box["x"] + 1.5 * side, box["y"] + 2.5 * side)
        mouse.down()
        mouse.move(box["x"] + 5.5 * side, box["y"] + 3.5 * side)
        mouse.up()
        picasso.page.wait_for_function("location.hash.includes('~2.1.2.5~0-5')")
        panel = rectangle(picasso, (6, 3, 4, 2), "image 4")
        rename(panel, "region 2", 'a "bright" spot')
        panel = rectangle(picasso, (0, 0, 2, 12), "all 6 images")
        rename(panel, "region 2", "band")
        given = {"probe": probe}
        for name in ("region 1", 'a \\"bright\\" spot', "band"):
            exec(lines(panel, name), given)
    made = given["probe"]
    expected = {
        image: {
            "region 1": mask_of(probe, image, (2, 1, 2, 5)),
            "band": mask_of(probe, image, (0, 0, 2, 12)),
        }
        for image in range(6)
    }
    expected[4]['a "bright" spot'] = mask_of(probe, 4, (6, 3, 4, 2))
    log(made, network, tmp_path / "second")
    check(tmp_path, probe, network, expected)
    with tensorboard(tmp_path) as url, tab(browser, url) as picasso:
        picasso.open(runs="second").at(0)
        picasso.frame.locator(".menu.region > button").click()
        panel = picasso.frame.get_by_role("dialog", name="region")
        panel.locator(".regionof", has_text="region 1").get_by_text("logged · 10 pixels").wait_for()
        # A name that the log has is not given to what is drawn next.
        rectangle(picasso, (6, 6, 2, 2), "image 0")
        panel.get_by_label("name of region 2", exact=True).wait_for()


def test_of_a_probe_of_several_sizes_with_a_preprocess(browser, tmp_path, network):
    probe = of_sizes()
    log(probe, network, tmp_path / "first")
    with tensorboard(tmp_path) as url, tab(browser, url) as picasso:
        picasso.open(sort="number").at(0)
        # Images of several sizes have no mean, and are not drawn on all at once.
        panel = rectangle(picasso, (2, 3, 5, 4), "one")
        options = panel.get_by_label("of which images").locator("option").all_inner_texts()
        assert options == ["one", "two", "three", "four"]
        panel.get_by_role("button", name="copy to all 2 images of 16 × 14").click()
        for numbers in ((1, 8, 3, 9), (7, 0, 2, 2)):
            panel = rectangle(picasso, numbers, "two")
            rename(panel, "region 2", "region 1")
        text = lines(panel, "region 1")
        given = {"probe": probe}
        exec(text, given)
        # All of an image is no part of it.
        rectangle(picasso, (0, 0, 20, 6), "four")
        rectangle(picasso, (0, 6, 20, 6), "four")
        rename(panel, "region 2", "both")
        rename(panel, "region 3", "both")
        panel.get_by_text("Its rectangles cover all of four: take a part of it.").wait_for()
    expected = {
        0: {"region 1": mask_of(probe, 0, (2, 3, 5, 4))},
        1: {"region 1": mask_of(probe, 1, (1, 8, 3, 9), (7, 0, 2, 2))},
        2: {"region 1": mask_of(probe, 2, (2, 3, 5, 4))},
    }
    log(given["probe"], network, tmp_path / "second")
    check(tmp_path, probe, network, expected)
