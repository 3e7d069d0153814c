"""What the attacks on disks and processes log with: each kind of writer, and a small probe."""

import sys
import types

import numpy as np

from tensorboard_picasso import summary

NAME = "p"
IMAGES = np.random.default_rng(0).random((12, 16, 16)).astype(np.float32)
WEIGHTS = np.random.default_rng(1).normal(size=(256, 5))
METHODS = [summary.Occlusion(window=4, stride=2)]


def scores(images):
    return np.asarray(images).reshape(-1, 256) @ WEIGHTS


def probe():
    return summary.Probe(NAME, IMAGES, labels=[0] * len(IMAGES), output="raw")


def log(writer, step):
    """One call of an op; whether it says that the record was accepted."""
    return summary.attribution(PROBE, scores, methods=METHODS, writer=writer, step=step)


PROBE = probe()
# What a step holds, beside the inputs: of each image scores and a map; means, of all and of a class.
SERIES = 2 * len(IMAGES) + 2


class Path:
    """A log directory."""

    def __init__(self, directory):
        self.writer = directory

    @staticmethod
    def load():
        """Import what it needs."""

    def own(self, step):
        """What a user logs with the same writer: nothing, as it is none."""

    def close(self):
        summary.flush()


class TensorboardX(Path):
    @staticmethod
    def load():
        import tensorboardX

        return tensorboardX.SummaryWriter

    def __init__(self, directory):
        self.writer = self.load()(directory)

    def own(self, step):
        self.writer.add_text("mine", "x" * 3000, step)

    def close(self):
        self.writer.close()


class Torch(TensorboardX):
    @staticmethod
    def load():
        from torch.utils.tensorboard import SummaryWriter

        return SummaryWriter


class TorchAlone(Torch):
    """Beside no TensorFlow: files are opened anew for each event."""

    @staticmethod
    def load():
        sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")
        return Torch.load()


class TensorFlow(Path):
    @staticmethod
    def load():
        import tensorflow as tf

        return tf.summary

    def __init__(self, directory):
        self.writer = self.load().create_file_writer(directory)

    def own(self, step):
        with self.writer.as_default(step=step):
            self.load().text("mine", "x" * 3000)
        self.writer.flush()

    def close(self):
        self.writer.close()


KINDS = {
    "path": Path,
    "tensorboardX": TensorboardX,
    "torch": Torch,
    "torch alone": TorchAlone,
    "tensorflow": TensorFlow,
}
