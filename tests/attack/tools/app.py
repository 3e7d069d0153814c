"""The plugin's routes in this process, as TensorBoard serves them under its Python loader."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tensorboard import errors
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.plugins import base_plugin
from werkzeug import test as werkzeug_test

from tensorboard_picasso.serving import plugin
from tensorboard_picasso.stored.metadata import PLUGIN_NAME


class App:
    """Answers requests on a log directory."""

    def __init__(self, logdir: Path, samples: int = 500) -> None:
        multiplexer = plugin_event_multiplexer.EventMultiplexer(
            tensor_size_guidance={PLUGIN_NAME: samples}
        )
        multiplexer.AddRunsFromDirectory(str(logdir))
        multiplexer.Reload()
        source = data_provider.MultiplexerDataProvider(multiplexer, str(logdir))
        context = base_plugin.TBContext(data_provider=source, multiplexer=multiplexer)
        self.routes = plugin.PicassoPlugin(context).get_plugin_apps()

    def get(
        self, route: str, query: Mapping[str, Any] | str = "", **more: Any
    ) -> tuple[int, bytes]:
        """Status and body; what TensorBoard tells of an error is a status like any other."""
        named = "/static/*" if route.startswith("/static/") else route
        client = werkzeug_test.Client(self.routes[named])
        method = more.pop("method", "GET")
        try:
            answer = client.open(quote(route), method=method, query_string=query, **more)
        except errors.PublicError as e:
            return e.http_code, str(e).encode()
        return answer.status_code, answer.data
