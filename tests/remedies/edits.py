"""Edits: which ones, of which images, under which name."""

import io
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np

import tensorboard_picasso
from tensorboard_picasso import summary
from tensorboard_picasso.__main__ import main
from tensorboard_picasso.extend import Edit, EditRecord, Variant, WholeImage
from tensorboard_picasso.summary import Probe
from tensorboard_picasso.summary.log.request import Terms
from tensorboard_picasso.summary.loops._watch import Watch
from tests.remedies import Row, X, linear

LABELS = [0, 1, 2][: len(X)]


def asked(edits=None, name="p", before=None, images=X):
    """Ask edits, and read them back; `before` logs something there first."""

    def try_it():
        with tempfile.TemporaryDirectory() as path:
            if before is not None:
                before(path)
            probe = Probe(name, images, labels=LABELS, output="logits")
            given = {"writer": path, "step": 1, "strict": True}
            assert summary.edited(probe, linear, edits=edits() if edits else None, **given)
            summary.flush()
            assert len(tensorboard_picasso.read(path)["."][name].edits().names)

    return try_it


def maps_of_others(path):
    probe = Probe("p", X[::-1].copy(), output="logits")
    assert summary.class_probabilities(probe, linear, writer=path, step=0, strict=True)
    summary.flush()


def scores(name, before):
    """Log scores of other images than those that were edited."""

    def try_it():
        with tempfile.TemporaryDirectory() as path:
            before(path)
            probe = Probe(name, X[::-1].copy(), output="logits")
            given = {"writer": path, "step": 2, "strict": True}
            assert summary.class_probabilities(probe, linear, **given)
            summary.flush()

    return try_it


def edits_of_others(path):
    probe = Probe("p", X, labels=LABELS, output="logits")
    assert summary.edited(probe, linear, edits=["blurred"], writer=path, step=1, strict=True)


class Cut(WholeImage):
    name, takes = "cut", "the lowest row"

    def edited(self, view):
        return view.image[:-1]


class Kept(Cut):
    def edited(self, view):
        return np.where(np.arange(len(view.image))[:, None, None] < 1, 0, view.image).astype(
            view.image.dtype
        )


class Same(Edit):
    name = "same"
    names = ("one", "one")

    def variants(self, probe):
        return [
            Variant(EditRecord(name, "nothing"), lambda view: view.image[::-1])
            for name in self.names
        ]


class Apart(Same):
    names = ("one", "other")


def read_back(log):
    """Read the edits of what was logged."""

    def try_it():
        with tempfile.TemporaryDirectory() as path:
            log(path)
            summary.flush()
            assert tensorboard_picasso.read(path)["."]["p"].edits().names == ("blurred",)

    return try_it


def exported(kind):
    def try_it():
        with tempfile.TemporaryDirectory() as path:
            edits_of_others(path)
            summary.flush()
            out = f"{path}/edits.{kind}"
            error = io.StringIO()
            with redirect_stderr(error), redirect_stdout(io.StringIO()):
                status = main(["export", "--logdir", path, "--tag", "p/edits", "--out", out])
            if status:
                raise ValueError(error.getvalue())
            assert Path(out).stat().st_size

    return try_it


OTHERS = Probe("p", X[::-1].copy(), output="logits")


def watched(edited, edits=None):
    """What a callback is given."""
    return lambda: Watch(Probe("p", X, output="logits"), [], edited, edits, Terms())


ROWS = [
    Row(r"edits are numbers, give csv or npz", exported("png"), exported("csv")),
    Row(r"edits are numbers, give csv or npz", exported("gif"), exported("npz")),
    Row(
        r"has no edits: log them with summary.edited",
        read_back(maps_of_others),
        read_back(edits_of_others),
    ),
    Row(r"edited is str: pass a summary.Probe", watched("p"), watched(Probe("s", X))),
    Row(
        r"edits=.* of no images: pass edited=, a probe",
        watched(None, ["top"]),
        watched(Probe("s", X), ["top"]),
    ),
    Row(
        r"and have other images: give one another name=",
        watched(OTHERS),
        watched(Probe("s", X[::-1])),
    ),
    Row(
        r"pass a list, such as \['no colour'", asked(lambda: "blurred"), asked(lambda: ["blurred"])
    ),
    Row(r"unknown: pass one of .*blurred", asked(lambda: ["sepia"]), asked(lambda: ["blurred"])),
    Row(r"pass a name, such as 'blurred'", asked(lambda: [3]), asked(lambda: ["blurred"])),
    Row(r"pass at least one, or leave it out", asked(list), asked(lambda: ["top"])),
    Row(r"pass at least one, or leave it out", asked(list), asked()),
    Row(r"pass each once", asked(lambda: ["top", "top"]), asked(lambda: ["top"])),
    Row(r"return the same kind", asked(lambda: [Cut()]), asked(lambda: [Kept()])),
    Row(r"give each variant a name of its own", asked(lambda: [Same()]), asked(lambda: [Apart()])),
    Row(
        r"has other images: give the probe a name of its own, name=",
        asked(before=maps_of_others),
        asked(before=maps_of_others, name="sample"),
    ),
    Row(
        r"edits of other images: give the probe a name of its own, name=",
        scores("p", edits_of_others),
        scores("maps", edits_of_others),
    ),
]
