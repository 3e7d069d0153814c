// What is shown where nothing is logged yet: the lines that log something.

import { code } from "../kit/code.js";
import { el } from "../kit/dom.js";

const LOOP = `import tensorflow as tf
from tensorboard_picasso import summary

probe = summary.Probe("digits", images, labels=labels, class_names=names)
writer = tf.summary.create_file_writer("logs/run1")
for step, batch in enumerate(batches):
    train_step(batch)
    if step % 100 == 0:
        with writer.as_default(step=step):
            summary.attribution(probe, model)`;

const CALLBACK = `from tensorboard_picasso import summary

probe = summary.Probe("digits", images, labels=labels, class_names=names)
model.fit(x, y, epochs=5, callbacks=[summary.KerasCallback(probe, log_dir="logs/run1")])`;

export function emptyPage() {
  return el(
    "div", {},
    el("h1", { text: "See what your network uses, as it trains" }),
    el("p", { text: "No probe is logged here yet. A probe is a handful of images that are explained at every checkpoint; it appears in this tab as soon as the first step is written." }),
    code("In your own training loop", LOOP),
    code("With model.fit", CALLBACK),
  );
}
