"""The entry point: light to import, so that TensorBoard starts whatever happens here."""

import argparse
import logging
from typing import Any

from tensorboard.plugins import base_plugin

PLUGIN = "picasso"
# How many steps of a series TensorBoard keeps in memory, where the user does not say.
SAMPLES = 500


class PicassoLoader(base_plugin.TBLoader):
    """Loads the plugin when TensorBoard asks for it."""

    def fix_flags(self, flags: argparse.Namespace) -> None:
        """Keep more steps than TensorBoard's ten; `--samples_per_plugin` still wins."""
        flags.samples_per_plugin.setdefault(PLUGIN, SAMPLES)

    def load(self, context: base_plugin.TBContext) -> Any:
        """The plugin, or None with the reason in TensorBoard's log."""
        try:
            from tensorboard_picasso.serving.plugin import PicassoPlugin

            return PicassoPlugin(context)
        except Exception:
            logging.getLogger(__name__).exception("tensorboard-picasso cannot be loaded")
            return None
