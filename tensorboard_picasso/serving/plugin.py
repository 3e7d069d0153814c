"""The plugin: routes only. What they answer is made in `answers`."""

import argparse
import threading
from collections.abc import Callable, Mapping
from typing import Any

from tensorboard import errors, plugin_util
from tensorboard.backend import http_util
from tensorboard.data import provider
from tensorboard.plugins import base_plugin
from werkzeug import wrappers

from tensorboard_picasso.export.files import TYPES as TYPES_OF_EXPORT
from tensorboard_picasso.export.request import ExportRequest, make
from tensorboard_picasso.logs.bounds import MAX_ANSWER, SERVER, Room
from tensorboard_picasso.logs.errors import ExportError, NotThereError
from tensorboard_picasso.logs.lists import Lists
from tensorboard_picasso.logs.provider import ProviderReader
from tensorboard_picasso.logs.remarks import Remarks
from tensorboard_picasso.serving import answers, edits, large
from tensorboard_picasso.serving.kept import MOST, Kept
from tensorboard_picasso.serving.pack import dumped
from tensorboard_picasso.serving.query import (
    argument,
    flag,
    grids_of,
    groups_of,
    images_of,
    index_of,
    maps_of,
    probe_of,
    steps_of,
    subject_of,
)
from tensorboard_picasso.serving.static import Static
from tensorboard_picasso.stored.metadata import PLUGIN_NAME
from tensorboard_picasso.stored.record import RecordError

# A URL that names content says so for as long as browsers remember.
FOREVER = 365 * 24 * 3600
# Bytes of PNGs beside the names of the images; larger ones are asked for one by one.
PNG_ROOM = 8 << 20
MAX_RUNS = 50
# One export at a time.
_EXPORTING = threading.Lock()
PACK = "application/octet-stream"
NEAR = ("localhost", "127.0.0.1", "[::1]")

Route = Callable[[wrappers.Request], Any]


class PicassoPlugin(base_plugin.TBPlugin):
    """Serves attribution records to the dashboard."""

    plugin_name = PLUGIN_NAME

    def __init__(self, context: base_plugin.TBContext) -> None:
        self._provider: provider.DataProvider = context.data_provider
        self._multiplexer = context.multiplexer
        self._remarks = Remarks(_samples(context.flags))
        self._static = Static()
        self._lists = Lists()
        # Of a data server that somebody else started it is not known what its lists tell.
        foreign = bool(getattr(context.flags, "grpc_data_provider", None))
        self._kept = Kept(most=0 if foreign else MOST)

    def get_plugin_apps(self) -> Mapping[str, Any]:
        """Routes to WSGI applications."""
        routes: dict[str, Route] = {
            "/index": self._serve_index,
            "/inputs": self._serve_inputs,
            "/image": self._serve_image,
            "/scores": self._serve_scores,
            "/attributions": self._serve_attributions,
            "/means": self._serve_means,
            "/maps": self._serve_maps,
            "/edits": self._serve_edits,
            "/examples": self._serve_examples,
            "/scalars": self._serve_scalars,
            "/scalar": self._serve_scalar,
            "/export": self._serve_export,
            "/static/*": self._serve_static,
        }
        return {path: _application(route) for path, route in routes.items()}

    def is_active(self) -> bool:
        """Always: without a probe the tab says how to log one."""
        return True

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """Where the dashboard starts."""
        return base_plugin.FrontendMetadata(
            es_module_path=self._static.entry(), tab_name="Picasso", disable_reload=False
        )

    def _reader(self, request: wrappers.Request) -> ProviderReader:
        context = plugin_util.context(request.environ)
        experiment = plugin_util.experiment_id(request.environ)
        return ProviderReader(self._provider, context, experiment, self._multiplexer, self._lists)

    def _once(
        self,
        request: wrappers.Request,
        make: Callable[[ProviderReader], bytes | None],
        missing: str = "",
    ) -> Any:
        """A pack that follows from the records of a run, made once until there are newer ones.

        missing: what is said where there is none.
        """
        reader = self._reader(request)
        route = request.path.rsplit("/", 1)[-1]
        asked = (reader.experiment, route, tuple(sorted(request.args.items(multi=True))))
        state = reader.state(argument(request, "run"))
        answer = self._kept.answer(asked, state, lambda: make(reader))
        if answer is None:
            raise errors.NotFoundError(missing)
        headers = [("ETag", answer.tag), ("Vary", "Accept-Encoding")]
        if answer.tag in request.headers.get("If-None-Match", ""):
            return _not_modified(http_util.Respond(request, b"", PACK, headers=headers))
        data, encoding = answer.data, None
        if "gzip" in request.headers.get("Accept-Encoding", "") and not _is_near(request):
            packed = self._kept.packed(answer)
            data, encoding = (data, None) if packed is None else (packed, "gzip")
        return http_util.Respond(request, data, PACK, content_encoding=encoding, headers=headers)

    def _serve_index(self, request: wrappers.Request) -> Any:
        read = flag(request, "steps")
        answer = answers.index(self._reader(request), self._remarks, read)
        return _json(request, answer)

    def _serve_inputs(self, request: wrappers.Request) -> Any:
        room = PNG_ROOM if flag(request, "pngs") else 0
        where, images = probe_of(request), images_of(request)
        return self._once(request, lambda reader: answers.inputs(reader, *where, images, room))

    def _serve_image(self, request: wrappers.Request) -> Any:
        run, probe = probe_of(request)
        number = index_of("image", argument(request, "image"))
        digest = argument(request, "hash")
        answer = answers.image(self._reader(request), run, probe, number, digest)
        if answer is None:
            raise errors.NotFoundError(f'no image {number} with hash "{digest}" was kept')
        return http_util.Respond(request, answer, "image/png", expires=FOREVER)

    def _serve_scores(self, request: wrappers.Request) -> Any:
        where, images = probe_of(request), images_of(request)
        return self._once(
            request, lambda reader: answers.scores(reader, *where, images, self._remarks)
        )

    def _serve_attributions(self, request: wrappers.Request) -> Any:
        run, probe = probe_of(request)
        label, images = argument(request, "label"), images_of(request)
        grids, kept = grids_of(request), steps_of(request)
        return self._once(
            request,
            lambda reader: answers.attributions(reader, run, probe, label, images, grids, kept),
            f'no method "{label}" in probe "{probe}" of run "{run}"',
        )

    def _serve_means(self, request: wrappers.Request) -> Any:
        run, probe = probe_of(request)
        label, groups = argument(request, "label"), groups_of(request)
        kept = steps_of(request)
        return self._once(
            request,
            lambda reader: answers.means(reader, run, probe, label, groups, kept),
            f'no means "{label}" in probe "{probe}" of run "{run}"',
        )

    def _serve_maps(self, request: wrappers.Request) -> Any:
        run, probe = probe_of(request)
        label = argument(request, "label")
        answer = answers.maps(self._reader(request), run, probe, label, maps_of(request))
        if answer is None:
            raise errors.NotFoundError(f'no maps "{label}" in probe "{probe}" of run "{run}"')
        data, whole = answer
        return http_util.Respond(request, data, PACK, expires=FOREVER if whole else 0)

    def _serve_edits(self, request: wrappers.Request) -> Any:
        run, probe = probe_of(request)
        name = request.args.get("edit")
        if name is not None:
            return self._once(
                request,
                lambda reader: edits.answer_one(reader, run, probe, name),
                f'no edit "{name}" of probe "{probe}" in run "{run}"',
            )
        return self._once(
            request,
            lambda reader: edits.answer(reader, run, probe),
            f'no edits of probe "{probe}" in run "{run}"',
        )

    def _serve_examples(self, request: wrappers.Request) -> Any:
        where = probe_of(request)
        return self._once(request, lambda reader: edits.examples(reader, *where))

    def _serve_scalars(self, request: wrappers.Request) -> Any:
        answer = answers.scalars(self._reader(request), argument(request, "run"))
        return _json(request, answer)

    def _serve_scalar(self, request: wrappers.Request) -> Any:
        run, tag = argument(request, "run"), argument(request, "tag")
        answer = answers.scalar(self._reader(request), run, tag)
        if answer is None:
            raise errors.NotFoundError(f'no scalar "{tag}" in run "{run}"')
        return http_util.Respond(request, answer, PACK)

    def _serve_export(self, request: wrappers.Request) -> Any:
        subject = subject_of(request)
        runs = request.args.getlist("runs") or [subject.run]
        if len(runs) > MAX_RUNS:
            raise errors.InvalidArgumentError(f"{len(runs)} runs: at most {MAX_RUNS}")
        try:
            asked = ExportRequest.parse(request.args)
            with _EXPORTING:
                made = make(self._reader(request), subject, asked, runs, limits=SERVER)
        except NotThereError as e:
            raise errors.NotFoundError(str(e)) from e
        except (ExportError, RecordError) as e:
            raise errors.InvalidArgumentError(str(e)) from e
        headers = [("Content-Disposition", f'attachment; filename="{made.name}"')]
        return http_util.Respond(request, made.data, TYPES_OF_EXPORT[asked.kind], headers=headers)

    def _serve_static(self, request: wrappers.Request) -> Any:
        name = request.path.rsplit("/static/", 1)[-1]
        found = self._static.find(name)
        if found is None:
            raise errors.NotFoundError(f'no file "{name}"')
        file, lasting = found
        known = file.tag in request.headers.get("If-None-Match", "")
        packed = file.packed is not None and not known
        answer = http_util.Respond(
            request,
            b"" if known else (file.packed or file.data),
            file.kind,
            expires=FOREVER if lasting else 0,
            content_encoding="gzip" if packed else None,
            headers=[("ETag", file.tag)],
        )
        return _not_modified(answer) if known else answer


def _json(request: wrappers.Request, answer: dict[str, Any]) -> Any:
    text = dumped(answer)
    Room(MAX_ANSWER, "the list of series", "choose fewer runs with --logdir").check(len(text))
    return http_util.Respond(request, text, "application/json")


def _samples(flags: argparse.Namespace | None) -> int | None:
    """How many steps of a series TensorBoard keeps, 0 for all; None where it is not known."""
    # A data server that somebody else started samples as it was told there.
    if flags is None or getattr(flags, "grpc_data_provider", None):
        return None
    limits: Mapping[str, int] = getattr(flags, "samples_per_plugin", None) or {}
    return limits.get(PLUGIN_NAME)


def _not_modified(answer: wrappers.Response) -> Any:
    """304 with the headers of an answer, but for those of its body.

    werkzeug takes the type off its own 304 answers, and TensorBoard warns of
    each answer without one.
    """
    body = ("Content-Length", "Content-Encoding")
    headers = [each for each in answer.headers.to_wsgi_list() if each[0] not in body]

    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("304 Not Modified", headers)
        return []

    return application


def _is_near(request: wrappers.Request) -> bool:
    """Whether the browser runs on this machine: bytes are then cheaper than compressing them.

    Behind a tunnel it looks as if it did; a proxy says for whom it asks, or names another host.
    """
    host = request.host.rsplit(":", 1)[0]
    near = host in NEAR and (request.remote_addr or "").startswith(("127.", "::1"))
    return near and "X-Forwarded-For" not in request.headers


def _application(route: Route) -> Any:
    @wrappers.Request.application
    def application(request: wrappers.Request) -> Any:
        if request.method not in ("GET", "HEAD"):
            raise errors.InvalidArgumentError(f"{request.method}: only GET is served")
        with large.request():
            return route(request)

    return application
