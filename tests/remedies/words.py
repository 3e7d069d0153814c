"""Words of routes and of the commands, as they are read."""

import argparse

from werkzeug import wrappers
from werkzeug.test import EnvironBuilder

from tensorboard_picasso import plugin
from tensorboard_picasso.checkpoints import settings
from tensorboard_picasso.export.order import Order
from tests.remedies import Row


def order(**words):
    return lambda: Order.parse({"format": "png", **words})


def option(*words):
    def parsed():
        parser = argparse.ArgumentParser()
        settings.add_options(parser)
        given = [
            "--checkpoints",
            "checkpoints",
            "--images",
            "images",
            "--logdir",
            "logs",
            "--model",
            "m:build",
        ]
        return settings.parse(parser.parse_args([*given, *words]))

    return parsed


def beside_probe(*words):
    def parsed():
        parser = argparse.ArgumentParser()
        settings.add_options(parser)
        given = [
            "--checkpoints",
            "checkpoints",
            "--probe",
            "m:probe",
            "--logdir",
            "logs",
            "--model",
            "m:build",
        ]
        return settings.parse(parser.parse_args([*given, *words]))

    return parsed


def route(read, expected=None, **words):
    """Read words of a request."""

    def try_it():
        found = read(wrappers.Request(EnvironBuilder(query_string=words).get_environ()))
        assert expected is None or found == expected

    return try_it


def flag(request):
    return plugin._flag(request, "sampled")


def image(request):
    return plugin._index("image", request.args["image"])


MEAN = {"run": "r", "probe": "p", "label": "occlusion"}

ROWS = [
    Row('sampled "1": give true or false', route(flag, sampled="1"), route(flag, True, sampled="true")),
    Row('image "-1": give an index such as 3', route(image, image="-1"), route(image, 3, image="3")),
    Row('images "a": give indices such as 0,3', route(plugin._images, images="a"), route(plugin._images, [0, 3], images="0,3")),
    Row('groups "all": give probe, or classes such as 0,3', route(plugin._groups, groups="all"), route(plugin._groups, [0, 3], groups="0,3")),
    Row('group "all": give probe or a class', route(plugin._subject, group="all", **MEAN), route(plugin._subject, group="probe", **MEAN)),
    Row('grids "some": give none, overview, all or steps such as 0,100', route(plugin._grids, grids="some"), route(plugin._grids, grids="0,100")),
    Row('of "1": give image:step:wall', route(plugin._of, of="1"), route(plugin._of, [(1, 2, 3.5)], of="1:2:3.5")),
    Row('format "tiff": give', lambda: Order.parse({"format": "tiff"}), order()),
    Row("give a format:", lambda: Order.parse({}), order()),
    Row('scale "big": give', order(scale="big"), order(scale="shared")),
    Row('opacity "2": give a number from 0 to 1', order(opacity="2"), order(opacity="0.5")),
    Row('step "last": give a whole number', order(step="last"), order(step="30")),
    Row('size "2": give', order(size="2"), order(size="256")),
    Row("--logdir s3://x: pass a local directory, as it is read too", option("--logdir", "s3://x"), option()),
    Row("--workers 0: pass a number from 1", option("--workers", "0"), option("--workers", "1")),
    Row("--max-images 0: pass a number from 1", option("--max-images", "0"), option("--max-images", "1")),
    Row("--value-range 1 0: pass LOW HIGH", option("--value-range", "1", "0"), option("--value-range", "0", "1")),
    Row("--model build: pass module:function", option("--model", "build"), option("--model", "m:build")),
    Row("beside --probe: give the probe that itself", beside_probe("--max-images", "3"), beside_probe()),
    Row("--normalized .*: pass a number, or one a channel with commas", option("--normalized", "a", "b"), option("--normalized", "0.5,0.5,0.5", "0.25")),
]  # fmt: skip
