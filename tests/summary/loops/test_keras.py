"""The Keras callback, and that nothing of what training computes changes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tensorboard_picasso import summary
from tensorboard_picasso.stored.metadata import Kind
from tests.kit import events

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((64, 8, 8, 1)).astype(np.float32)
LABELS = RANDOM.integers(0, 3, 64)


def network() -> keras.Model:
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.RandomFlip("horizontal"),
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Dropout(0.5),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    return model


def probe(**options: object) -> summary.Probe:
    return summary.Probe("digits", IMAGES[:4], labels=LABELS[:4], **options)


def fit(model: keras.Model, *callbacks: keras.callbacks.Callback, **options: object) -> None:
    model.fit(
        IMAGES, LABELS, batch_size=8, verbose=0, callbacks=list(callbacks),
        **{"epochs": 2, **options},
    )  # fmt: skip


def weights(model: keras.Model) -> list[np.ndarray]:
    return [np.array(each) for each in [*model.variables, *model.optimizer.variables]]


def steps_in(directory) -> list[int]:
    return sorted(events.whole_scores(directory))


def test_training_ends_in_equal_weights_with_and_without_the_callback(tmp_path):
    models = [network(), network()]
    fit(models[0])
    fit(models[1], summary.KerasCallback(probe(), tmp_path, summary.EverySteps(1)))
    assert steps_in(tmp_path) == list(range(17))
    for without, given in zip(*map(weights, models), strict=True):
        np.testing.assert_array_equal(without, given)


@pytest.mark.parametrize("kind", [tf.function, lambda step: step], ids=["graph", "eager"])
@pytest.mark.parametrize("training", [False, True])
def test_a_custom_loop_ends_in_equal_weights_unless_the_op_trained(tmp_path, training, kind):
    def train(log) -> keras.Model:
        model = network()
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(model.trainable_variables)
        writer = tf.summary.create_file_writer(str(tmp_path))

        @kind
        def step(x, y, index):
            with tf.GradientTape() as tape:
                losses = keras.losses.sparse_categorical_crossentropy(y, model(x, training=True))
            gradients = tape.gradient(losses, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
            if log:
                # What would happen if the op ran the model in training mode.
                observed = (lambda z: model(z, training=True)) if training else model
                with writer.as_default(step=index):
                    summary.attribution(found, observed)

        found = probe()
        for index in range(4):
            batch = slice(8 * index, 8 * index + 8)
            step(IMAGES[batch], LABELS[batch], tf.constant(index, tf.int64))
        return model

    pairs = [[np.array(each) for each in train(log).variables] for log in (False, True)]
    equal = all(np.array_equal(a, b) for a, b in zip(*pairs, strict=True))
    assert equal is not training


def test_the_callback_writes_beside_keras_own(tmp_path):
    fit(network(), keras.callbacks.TensorBoard(tmp_path), summary.KerasCallback(probe(), tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["picasso", "train"]
    own = [value.metadata.plugin_data.plugin_name for _, value in events.values(tmp_path / "train")]
    assert "picasso" not in own


def test_the_epoch_is_recorded(tmp_path):
    callback = summary.KerasCallback(probe(), tmp_path, summary.EverySteps(4))
    for _ in range(2):
        fit(network(), callback, epochs=2)
        said = {
            step: each.epoch
            for (step, series), each in events.records(tmp_path).items()
            if series.kind is Kind.SCORES
        }
        assert said == {0: 0.0, 4: 0.5, 8: 1.0, 12: 1.5, 16: 2.0}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (summary.EverySteps(6), [0, 6, 12, 16]),
        (summary.EveryEpochs(1), [0, 8, 16]),
        (summary.EveryEpochs(3), [0, 16]),
        (summary.LogSpaced(per_decade=2), [0, 1, 3, 10, 16]),
    ],
)
def test_schedules(tmp_path, schedule, expected):
    fit(network(), summary.KerasCallback(probe(), tmp_path, schedule))
    assert steps_in(tmp_path) == expected


def test_steps_that_are_skipped_still_fire(tmp_path):
    model = network()
    model.compile(
        "adam", "sparse_categorical_crossentropy", steps_per_execution=4, jit_compile=False
    )
    fit(model, summary.KerasCallback(probe(), tmp_path, summary.EverySteps(6)))
    assert steps_in(tmp_path) == [0, 8, 12, 16]


def test_on_checkpoint_logs_when_one_is_saved(tmp_path):
    model = network()
    saver = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "{epoch}.weights.h5"), save_weights_only=True
    )
    fit(model, saver, summary.KerasCallback(probe(), tmp_path, summary.OnCheckpoint()))
    assert steps_in(tmp_path) == [8, 16]
    assert "save_weights" not in vars(model)


def test_a_second_fit_goes_on(tmp_path):
    model, callback = network(), summary.KerasCallback(probe(), tmp_path, summary.EverySteps(8))
    fit(model, callback, epochs=1)
    fit(model, callback, epochs=1)
    assert steps_in(tmp_path) == [0, 8, 16]


def test_what_cannot_work_is_said_before_the_first_batch(tmp_path):
    model = network()
    wrong = summary.Probe("digits", IMAGES[:2, :, :, 0], labels=[0, 9])
    with pytest.raises(ValueError, match="9 is out of range"):
        fit(model, summary.KerasCallback(wrong, tmp_path))
    assert int(model.optimizer.iterations) == 0
    with pytest.raises(TypeError, match="pass a summary"):
        summary.KerasCallback("digits", tmp_path)


def test_true_class_scalars_are_what_keras_predicts(tmp_path):
    model = network()
    fit(model, summary.KerasCallback(probe(), tmp_path, summary.EverySteps(16)))
    predicted = model.predict(IMAGES[:4], verbose=0)[np.arange(4), LABELS[:4]].mean()
    assert events.scalars(tmp_path)[16, "digits/probability of the true class"] == pytest.approx(
        predicted, rel=1e-5
    )


def test_a_second_fit_remembers_the_first(tmp_path):
    model, callback = network(), summary.KerasCallback(probe(), tmp_path, summary.EverySteps(8))
    fit(model, callback, epochs=1)
    fit(model, callback, epochs=1)
    inputs = [value for _, value in events.values(tmp_path) if value.tag == "digits/00/input"]
    assert len(inputs) == 1


def dense():
    """A model whose first step with a large rate is seen in its scores."""
    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.5), loss, jit_compile=False)
    return model


class Keeping(keras.callbacks.Callback):
    """Keeps what a model says of the first image at each epoch's end."""

    def __init__(self):
        super().__init__()
        self.said = []

    def on_epoch_end(self, epoch, logs=None):
        raw = self.model(IMAGES[:1]).numpy()[0]
        others = [np.logaddexp.reduce(np.delete(raw, each)) for each in range(3)]
        self.said.append(raw - others)


@pytest.mark.parametrize("first", [False, True], ids=["after", "before"])
@pytest.mark.parametrize("patience", [1, 9], ids=["early", "to the end"])
def test_the_last_record_is_of_the_last_step_whatever_is_put_back_then(tmp_path, first, patience):
    """The monitored loss only grows, so that the first epoch is the best one."""

    class Growing(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["growing"] = epoch

    model, keeping = dense(), Keeping()
    stop = keras.callbacks.EarlyStopping(
        "growing", mode="min", patience=patience, restore_best_weights=True
    )
    callback = summary.KerasCallback(probe(), tmp_path, summary.LogSpaced(per_decade=1))
    both = [callback, stop] if first else [stop, callback]
    fit(model, Growing(), keeping, *both, epochs=3)
    count = 2 if patience == 1 else 3
    assert len(keeping.said) == count
    assert score_steps(tmp_path) == [0, 1, *[10] * (8 * count > 10), 8 * count]
    found = events.whole_scores(tmp_path)[8 * count]
    np.testing.assert_allclose(found, keeping.said[-1], rtol=1e-4, atol=1e-5)
    assert not np.allclose(found, keeping.said[0], atol=1e-2)
    last = Keeping()
    last.set_model(model)
    last.on_epoch_end(0)
    np.testing.assert_allclose(last.said[0], keeping.said[0], rtol=1e-5)


def test_each_fit_ends_in_a_record_and_none_is_written_twice(tmp_path):
    model, schedule = dense(), summary.EverySteps(100)
    callback = summary.KerasCallback(probe(), tmp_path, schedule)
    fit(model, callback, epochs=1)
    fit(model, callback, epochs=0)
    fit(model, callback, epochs=1, initial_epoch=1)
    fit(model, callback, epochs=1)
    other = summary.KerasCallback(probe(), tmp_path, schedule)
    fit(model, other, epochs=1, initial_epoch=1)
    # Files of one second stand in no order.
    assert sorted(score_steps(tmp_path)) == [0, 8, 16]


def test_an_interrupted_fit_leaves_its_end_to_the_next(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 4:
                raise KeyboardInterrupt

    model = dense()
    callback = summary.KerasCallback(probe(), tmp_path, summary.EverySteps(100))
    with pytest.raises(KeyboardInterrupt):
        fit(model, callback, Stop())
    assert score_steps(tmp_path) == [0]
    fit(model, callback, epochs=1)
    assert score_steps(tmp_path) == [0, 13]


def test_another_model_starts_its_own_history(tmp_path):
    callback = summary.KerasCallback(probe(), tmp_path, summary.EverySteps(8))
    fit(network(), callback, epochs=1)
    fit(network(), callback, epochs=1)
    steps = [step for step, value in events.values(tmp_path) if value.tag == "digits/scores"]
    assert steps == [0, 8, 0, 8]


def test_saves_are_told_to_several_callbacks_in_any_order(tmp_path):
    model = network()
    saver = keras.callbacks.ModelCheckpoint(str(tmp_path / "m.keras"), save_freq=3)
    runs = [
        summary.KerasCallback(probe(), tmp_path / name, summary.OnCheckpoint()) for name in "ab"
    ]
    fit(model, saver, *runs, epochs=1)
    assert [steps_in(tmp_path / name) for name in "ab"] == [[3, 6], [3, 6]]
    model.save(tmp_path / "later.keras")
    assert steps_in(tmp_path / "a") == [3, 6]
    assert not {"save", "save_weights"} & set(vars(model))


def test_a_training_that_raised_is_left_clean(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    model = network()
    callback = summary.KerasCallback(probe(), tmp_path, summary.OnCheckpoint())
    with pytest.raises(KeyboardInterrupt):
        fit(model, callback, Stop())
    saver = keras.callbacks.ModelCheckpoint(str(tmp_path / "m.keras"))
    fit(model, saver, callback, epochs=1)
    assert steps_in(tmp_path) == [9]


class Unbuilt(keras.Model):
    def __init__(self):
        super().__init__()
        self.drop, self.flat = keras.layers.Dropout(0.5), keras.layers.Flatten()
        self.dense = keras.layers.Dense(3, activation="softmax")

    def call(self, x, training=False):
        return self.dense(self.drop(self.flat(x), training=training))


@pytest.mark.parametrize("jit", [False, True])
def test_a_subclassed_model_that_is_built_by_training(tmp_path, jit):
    ends = []
    for callbacks in ([], [summary.KerasCallback(probe(), tmp_path, summary.EverySteps(4))]):
        keras.utils.set_random_seed(1)
        model = Unbuilt()
        model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=jit)
        fit(model, *callbacks, epochs=1)
        ends.append(weights(model))
    assert {4, 8} <= set(steps_in(tmp_path))
    for without, given in zip(*ends, strict=True):
        np.testing.assert_array_equal(without, given)


class Logging(Unbuilt):
    """Calls the op in its own `train_step`."""

    def __init__(self, writer, found):
        super().__init__()
        self.writer, self.found = writer, found

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        with self.writer.as_default(step=self.optimizer.iterations.value):
            summary.class_probabilities(self.found, self)
        return {"loss": loss}


def test_the_op_in_a_train_step_runs_unless_keras_compiles_with_xla(tmp_path):
    model = Logging(tf.summary.create_file_writer(str(tmp_path)), probe())
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=True)
    with pytest.raises(RuntimeError, match=r"compile\(jit_compile=False\).*KerasCallback"):
        fit(model, epochs=1)
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    fit(model, epochs=1)
    assert steps_in(tmp_path) == list(range(1, 9))


def score_steps(directory):
    """Steps of image 0's scores in the order in which they were written."""
    return [step for step, value in events.values(directory) if value.tag == "digits/scores"]


@pytest.mark.parametrize("anew", [False, True], ids=["one callback", "a callback each"])
def test_fine_tuning_goes_on_where_training_stopped(tmp_path, anew):
    model = network()
    callback = summary.KerasCallback(probe(), tmp_path, summary.EverySteps(4))
    fit(model, callback, epochs=2)
    model.layers[1].trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    if anew:
        callback = summary.KerasCallback(probe(), tmp_path, summary.EverySteps(4))
    fit(model, callback, initial_epoch=2, epochs=4)
    assert score_steps(tmp_path) == list(range(0, 33, 4))
    said = events.records(tmp_path)
    epochs = {step: each.epoch for (step, s), each in said.items() if s.kind is Kind.SCORES}
    assert epochs == {step: step / 8 for step in range(0, 33, 4)}


class Adversarial(Unbuilt):
    """Has an optimizer of its own, that Keras does not know as the model's."""

    def __init__(self):
        super().__init__()
        self.own = keras.optimizers.SGD(0.1)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(
                keras.losses.sparse_categorical_crossentropy(y, self(x, training=True))
            )
        variables = self.trainable_variables
        self.own.apply(tape.gradient(loss, variables), variables)
        return {"loss": loss}


def test_a_model_with_its_own_optimizer_is_logged_at_every_due_step(tmp_path):
    model = Adversarial()
    model(IMAGES[:1])
    model.compile()
    fit(model, summary.KerasCallback(probe(), tmp_path, summary.EverySteps(4)))
    assert score_steps(tmp_path) == [0, 4, 8, 12, 16]


def test_with_accumulated_gradients_steps_and_epochs_are_those_of_batches(tmp_path):
    model = network()
    optimizer = keras.optimizers.Adam(gradient_accumulation_steps=4)
    model.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=False)
    for _ in range(2):
        fit(model, summary.KerasCallback(probe(), tmp_path, summary.EverySteps(2)), epochs=1)
    assert score_steps(tmp_path) == list(range(0, 17, 2))
    first = [
        (step, each.epoch)
        for (step, s), each in events.records(tmp_path).items()
        if s.kind is Kind.SCORES and s.image == 0
    ]
    assert dict(first)[6] == 0.75


def test_a_dataset_of_unknown_length_loses_no_step(tmp_path):
    def examples():
        for at in range(0, 40, 8):
            yield IMAGES[at : at + 8], LABELS[at : at + 8]

    signature = (tf.TensorSpec([8, 8, 8, 1]), tf.TensorSpec([8], tf.int64))
    data = tf.data.Dataset.from_generator(examples, output_signature=signature)
    callback = summary.KerasCallback(probe(), tmp_path, summary.EverySteps(2))
    network().fit(data, epochs=3, verbose=0, callbacks=[callback])
    assert score_steps(tmp_path) == [*range(0, 15, 2), 15]


def test_a_restored_backup_is_gone_on_from(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    for stop in ([Stop()], []):
        callbacks = [
            summary.KerasCallback(probe(), tmp_path / "log", summary.EverySteps(4)),
            keras.callbacks.BackupAndRestore(tmp_path / "backup"),
            *stop,
        ]
        try:
            fit(network(), *callbacks)
        except KeyboardInterrupt:
            assert score_steps(tmp_path / "log") == [0, 4, 8]
    assert score_steps(tmp_path / "log") == [0, 4, 8, 12, 16]


def test_methods_and_their_settings_are_checked_when_the_callback_is_made(tmp_path):
    for methods, error, match in (
        ([4], TypeError, "is no method"),
        (["oclusion"], ValueError, "is unknown"),
        (summary.Occlusion(), TypeError, "pass a list"),
        ([summary.Occlusion(), summary.Occlusion(4)], ValueError, "pass label="),
        ([summary.Occlusion(40)], ValueError, "window 40 exceeds image 8x8"),
    ):
        with pytest.raises(error, match=match):
            summary.KerasCallback(probe(), tmp_path, methods=methods)


def test_a_model_that_cannot_be_traced_is_said_before_the_first_batch(tmp_path):
    class Eager(Unbuilt):
        def call(self, x, training=False):
            return super().call(tf.constant(x.numpy()), training)

    model = Eager()
    model(IMAGES[:1])
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    for schedule in (summary.EverySteps(4), summary.OnCheckpoint()):
        with pytest.raises(TypeError, match="cannot be traced with any batch size"):
            fit(model, summary.KerasCallback(probe(), tmp_path, schedule))
    assert int(model.optimizer.iterations) == 0


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5"])
@pytest.mark.parametrize("first", [False, True])
def test_each_way_to_save_is_told_once(tmp_path, name, first):
    class Save(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 3 and name.endswith(".keras"):
                keras.saving.save_model(self.model, tmp_path / name)
            elif batch == 3:
                self.model.save_weights(tmp_path / name)

    model = network()
    callback = summary.KerasCallback(probe(), tmp_path / "log", summary.OnCheckpoint())
    fit(model, *([Save(), callback] if first else [callback, Save()]), epochs=1)
    assert score_steps(tmp_path / "log") == [4]
    assert not {"save", "save_weights", "save_own_variables"} & set(vars(model))


def test_two_callbacks_of_one_directory_share_its_file_and_scores(tmp_path):
    found = probe()
    callbacks = [
        summary.KerasCallback(found, tmp_path, summary.EverySteps(4), methods=[method])
        for method in (summary.Occlusion(), summary.Saliency())
    ]
    fit(network(), *callbacks, epochs=1)
    assert len(list(tmp_path.rglob("*tfevents*"))) == 1
    tags = [
        (step, value.tag)
        for step, value in events.values(tmp_path)
        if value.metadata.plugin_data.plugin_name == "picasso"
    ]
    assert len(tags) == len(set(tags))
    assert {tag for _, tag in tags} >= {f"digits/00/{s}" for s in ("occlusion", "saliency")}


def test_two_callbacks_with_the_same_methods_write_them_once_and_say_so(tmp_path):
    callbacks = [summary.KerasCallback(probe(), tmp_path, summary.EverySteps(8)) for _ in range(2)]
    with pytest.warns(summary.PicassoWarning, match="already has occlusion, saliency at step 0"):
        fit(network(), *callbacks, epochs=1)
    assert score_steps(tmp_path) == [0, 8]
