"""Users' own loops on scans, from training to what is read back: arrays are natural, numbers those computed."""

import keras
import numpy as np
import pytest
import torch
from torch.utils.tensorboard import SummaryWriter

from tensorboard_picasso import read, summary
from tensorboard_picasso.numbers import maps
from tensorboard_picasso.summary import Occlusion, Probe, Saliency

SHAPE = (6, 8, 7)
BALL = np.zeros(SHAPE, bool)
BALL[2:5, 3:6, 2:5] = True


def scans(count):
    """Noise, and on every second one a ball."""
    random = np.random.default_rng(0)
    images = random.random((count, *SHAPE, 1)).astype(np.float32) / 2
    labels = np.arange(count) % 2
    images[labels == 1] += BALL[..., None] / 2
    return images, labels


def trained(folder, probe, methods):
    """Steps of a training in PyTorch, logged; the module as it was at each."""
    torch.manual_seed(0)
    images, labels = scans(16)
    x, y = torch.from_numpy(images).movedim(-1, 1), torch.from_numpy(labels)
    model = torch.nn.Sequential(
        torch.nn.Conv3d(1, 3, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(360, 2)
    )
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    states = {}
    with SummaryWriter(folder) as writer:
        for step in range(5):
            if step % 4 == 0:
                states[step] = {name: each.clone() for name, each in model.state_dict().items()}
                given = {"writer": writer, "step": step, "strict": True}
                summary.attribution(probe, model, methods=methods, **given)
                summary.edited(probe, model, edits=["regions", "mirrored"], **given)
            loss = torch.nn.functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        summary.flush()
    return model.eval(), states


def odds(model, images):
    """Log-odds of class 1 of volumes (n, depth, height, width, 1)."""
    with torch.no_grad():
        logits = model(torch.from_numpy(images).movedim(-1, 1)).numpy()
    return logits[:, 1] - logits[:, 0]


def test_a_training_on_scans_is_read_back_in_their_axes(tmp_path):
    images, labels = scans(4)
    methods = [
        Occlusion((2, 3, 3), (2, 2, 2), fill="black"),
        Occlusion(segments=BALL.astype(int), fill="black", label="parts"),
        Saliency(precision="float32"),
    ]
    probe = Probe(
        "scans",
        images,
        labels=labels,
        regions={"ball": {1: BALL, 3: BALL}},
        region_fill="black",
        output="logits",
    )
    model, states = trained(tmp_path / "run", probe, methods)
    logged = read(tmp_path)["run"]["scans"]
    picture = logged.picture(1)
    np.testing.assert_array_equal(picture.pixels[..., 0], np.rint(images[1, ..., 0] * 255))
    np.testing.assert_array_equal(picture.regions["ball"], BALL)
    windows, parts = logged.windows(1), logged.segments(1, "parts")
    assert windows.window == (2, 3, 3)
    assert windows.hidden.shape == (2, 3, 4, 3, 2)
    np.testing.assert_array_equal(parts.labels, BALL)
    occluded, saliency = logged.maps(1, "occlusion", 1), logged.maps(1, "saliency", 1)
    assert occluded.values.shape == saliency.values.shape == (2, *SHAPE)
    for at, step in enumerate((0, 4)):
        model.load_state_dict(states[step])
        image = images[1]
        batch = [image]
        painted, count = np.zeros(SHAPE), np.zeros(SHAPE)
        boxes = [
            np.s_[front : front + 2, top : top + 3, left : left + 3]
            for front in windows.fronts
            for top in windows.tops
            for left in windows.lefts
        ]
        for box in boxes:
            hidden = image.copy()
            hidden[box] = 0
            batch.append(hidden)
        whole, *without = odds(model, np.stack(batch))
        np.testing.assert_allclose(windows.whole[at, 1], whole, atol=1e-4)
        np.testing.assert_allclose(windows.hidden[at, ..., 1].ravel(), without, atol=1e-4)
        for box, value in zip(boxes, without, strict=True):
            painted[box] += whole - value
            count[box] += 1
        np.testing.assert_allclose(occluded.values[at], painted / count, atol=1e-4)
        x = torch.from_numpy(image).movedim(-1, 0)[None].requires_grad_()
        (model(x)[0, 1] - model(x)[0, 0]).backward()
        slopes = np.abs(x.grad[0, 0].numpy())
        np.testing.assert_allclose(saliency.values[at], slopes, rtol=1e-4, atol=1e-6)
        ballless = odds(model, np.where(BALL[..., None], 0, image)[None].astype(np.float32))[0]
        hidden = logged.scores(1).hidden["ball", "black"]
        assert hidden[at, 1] == pytest.approx(ballless, abs=1e-4)
        assert parts.hidden[at, 1, 1] == pytest.approx(ballless, abs=1e-4)
    asked = logged.edits()
    assert asked.names[:3] == ("ball, swapped", "ball, hidden", "all but ball, swapped")
    mirrored = asked.names.index("mirrored")
    both = maps.probability(odds(model, np.stack([image, image[:, :, ::-1]])))
    assert asked.moves[1, mirrored, 1] == pytest.approx(abs(both[1] - both[0]), abs=1e-4)


def test_keras_trains_on_scans_with_the_callback(tmp_path):
    keras.utils.set_random_seed(0)
    images, labels = scans(16)
    model = keras.Sequential(
        [
            keras.Input((*SHAPE, 1)),
            keras.layers.Conv3D(2, 3, activation="relu"),
            keras.layers.GlobalMaxPooling3D(),
            keras.layers.Dense(2),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    probe = Probe("scans", images[:2], labels=labels[:2], regions={"ball": BALL})
    callback = summary.KerasCallback(
        probe,
        tmp_path / "run",
        summary.EveryEpochs(1),
        edited=probe,
        edits=["mirrored"],
        strict=True,
    )
    model.fit(images, labels, batch_size=8, epochs=1, verbose=0, callbacks=[callback])
    logged = read(tmp_path)["run/picasso"]["scans"]
    assert {"occlusion", "saliency"} == set(logged.methods)
    windows = logged.windows(0)
    # By default a quarter of each side every eighth.
    assert windows.window == (2, 2, 2)
    assert [len(each) for each in (windows.fronts, windows.tops, windows.lefts)] == [5, 7, 6]
    assert logged.maps(1, "occlusion", 1).values.shape[1:] == SHAPE
