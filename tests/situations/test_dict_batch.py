"""A loop whose batches and whose model's input are dicts, from the loader to the log read back."""

import numpy as np
import pytest

from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind
from tests.kit import events

torch = pytest.importorskip("torch")

X = np.random.default_rng(0).random((12, 1, 6, 6)).astype(np.float32)
CLASSES = np.arange(12) % 3


class Examples(torch.utils.data.Dataset):
    def __init__(self, image, label, more=()):
        self.image, self.label, self.more = image, label, more

    def __len__(self):
        return len(X)

    def __getitem__(self, index):
        found = {self.image: torch.from_numpy(X[index]), self.label: int(CLASSES[index])}
        return {**found, **dict.fromkeys(self.more, index)}


class OneDict(torch.nn.Module):
    """Takes the batch as it comes."""

    def __init__(self, image):
        super().__init__()
        self.image, self.head = image, torch.nn.Linear(36, 3)

    def forward(self, batch):
        return self.head(batch[self.image].flatten(1))


class ByName(torch.nn.Module):
    """As models of `transformers` are."""

    def __init__(self, image):
        super().__init__()
        self.head = torch.nn.Linear(36, 3)

    def forward(self, pixel_values=None, labels=None, **more):
        found = {"logits": self.head(pixel_values.flatten(1))}
        if labels is not None:
            found["loss"] = torch.nn.functional.cross_entropy(found["logits"], labels)
        return found


@pytest.mark.parametrize(
    ("image", "label", "kind", "more", "options"),
    [
        ("image", "label", OneDict, (), {}),
        ("image", "label", OneDict, ("index", "path"), {}),
        ("pixel_values", "labels", ByName, (), {}),
        ("img", "fine_label", OneDict, ("label",), {"keys": ("img", "fine_label")}),
    ],
)
def test_a_loop_of_dict_batches(tmp_path, image, label, kind, more, options):
    torch.manual_seed(0)
    loader = torch.utils.data.DataLoader(Examples(image, label, more), batch_size=5, shuffle=True)
    model = kind(image)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    probe = summary.Probe.from_dataset(loader, n=6, inputs={image: None}, **options)
    methods = [summary.Occlusion(2, 2, fill=0), summary.Saliency(signed=True, precision="float32")]
    weights, steps = {}, (0, 3)
    for step in range(4):
        if step in steps:
            weights[step] = [each.detach().double().numpy().copy() for each in model.parameters()]
            summary.attribution(probe, model, methods=methods, writer=str(tmp_path), step=step)
        for batch in loader:
            found = model(batch) if kind is OneDict else model(**batch)["logits"]
            loss = torch.nn.functional.cross_entropy(found, batch[label])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert model.training

    found = events.records(tmp_path)
    pictures = [np.moveaxis(each, -1, 0) for each in probe.images]
    drawn = [int(np.flatnonzero((each == X).all((1, 2, 3)))[0]) for each in pictures]
    assert [int(CLASSES[each]) for each in drawn] == list(probe.labels)
    assert sorted(probe.labels) == [0, 0, 1, 1, 2, 2]
    for step in steps:
        weight, bias = weights[step]
        for (at, series), scores in found.items():
            if at != step or series.kind is not Kind.SCORES:
                continue
            index = series.image
            logits = weight @ X[drawn[index]].ravel() + bias
            odds = [
                logits[each] - np.log(np.exp(np.delete(logits, each)).sum()) for each in range(3)
            ]
            np.testing.assert_allclose(scores.values, odds, atol=1e-5)
            # Of log-odds: a class's own weights, less those of the others as they count.
            target = probe.labels[index]
            others = np.exp(np.delete(logits, target))
            slope = weight[target] - others @ np.delete(weight, target, 0) / others.sum()
            maps = next(
                each
                for (when, one), each in found.items()
                if when == step and one.image == index and one.kind is Kind.MAP
            )
            np.testing.assert_allclose(maps.decode(target).ravel(), slope, atol=1e-5)
