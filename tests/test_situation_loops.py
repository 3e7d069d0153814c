"""Loops at their edges: nothing to train, evaluation alone, a single step."""

from tensorboard_picasso import summary
from tests import events
from tests.test_keras import IMAGES, LABELS, fit, network, probe, steps_in
from tests.test_torch_loops import METHODS, train
from tests.test_torch_loops import probe as torch_probe


def test_keras_without_epochs_or_training_logs_nothing(tmp_path):
    model = network()
    callback = summary.KerasCallback(
        probe(), tmp_path, summary.EverySteps(4), methods=[], strict=True
    )
    fit(model, callback, epochs=0)
    model.evaluate(IMAGES, LABELS, verbose=0, callbacks=[callback])
    model.predict(IMAGES, verbose=0, callbacks=[callback])
    assert steps_in(tmp_path) == []
    fit(model, callback, epochs=1)  # 8 steps
    model.evaluate(IMAGES, LABELS, verbose=0, callbacks=[callback])
    fit(model, callback, epochs=1)
    assert steps_in(tmp_path) == [0, 4, 8, 12, 16]


def test_transformers_of_one_step_that_reports_to_nobody(tmp_path):
    callback = summary.TransformersCallback(
        torch_probe(), tmp_path / "run", summary.EverySteps(5), methods=METHODS, strict=True
    )
    train(tmp_path / "a", callback, max_steps=1)
    assert sorted(events.whole_scores(tmp_path / "run")) == [0, 1]
