#!/usr/bin/env python3
"""Writes the Keras files of test/recorded/keras, and beside each what Keras itself computes with it.

    python -m venv /tmp/keras && /tmp/keras/bin/pip install tensorflow-cpu==2.21.0 keras==3.15.1 h5py==3.14.0
    /tmp/keras/bin/python scripts/record_keras_files.py    # the files are committed
"""

import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import h5py
import keras
import numpy as np
from keras import layers as L

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "test" / "recorded" / "keras"
random = np.random.default_rng(1)


def numbers(*shape):
    return np.round(random.normal(size=shape), 3).astype(np.float32)


def tokens(limit, *shape):
    return random.integers(0, limit, shape).astype(np.int32)


def draw_weights(model):
    """Weights that leave nothing at its default, such as a bias of 0; variances are above 0."""
    for variable in model.weights:
        if variable.dtype != "float32":
            continue
        values = np.round(random.normal(size=variable.shape) * 0.5, 3)
        variable.assign(np.abs(values) + 0.5 if "variance" in variable.path else values)


def described(value):
    value = np.asarray(value)
    kind = "i32" if value.dtype.kind == "i" else "f32"
    return {"dtype": kind, "shape": list(value.shape), "data": [round(float(x), 7) for x in value.reshape(-1)]}


def record(name, model, calls, suffix=".keras"):
    """One call or several (of stateful models), each a list of inputs."""
    draw_weights(model)
    results = []
    for inputs in calls:
        outputs = model.predict_on_batch(inputs if len(inputs) > 1 else inputs[0])
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        results.append({"inputs": [described(x) for x in inputs], "outputs": [described(y) for y in outputs]})
    model.save(FOLDER / f"{name}{suffix}")
    (FOLDER / f"{name}.json").write_text(json.dumps(results) + "\n")


def sequential():
    model = keras.Sequential(
        [
            L.Input((None,), name="words"),
            L.Embedding(7, 4, mask_zero=True),
            L.Bidirectional(L.LSTM(3, return_sequences=True)),
            L.Dropout(0.3),
            L.GRU(3, return_sequences=True),
            L.TimeDistributed(L.Dense(3, activation="relu")),
            L.BatchNormalization(),
            L.LayerNormalization(),
            L.GlobalAveragePooling1D(),
            L.Dense(2, activation="softmax", name="classes"),
        ]
    )
    words = np.array([[1, 2, 3, 0, 0], [4, 5, 6, 1, 2], [3, 0, 0, 0, 0]], np.int32)
    record("sequential", model, [[words]])
    model.save(FOLDER / "sequential.h5")
    model.save_weights(FOLDER / "sequential.weights.h5")


def functional():
    """An encoder and a decoder that begins with its states, and most layers that only move numbers."""
    source = L.Input((4, 3), name="source")
    target = L.Input((None, 2), name="target")
    _, h, c = L.LSTM(3, return_state=True, name="encoder")(source)
    y = L.LSTM(3, return_sequences=True, name="decoder", activation="softsign")(target, initial_state=[h, c])
    shared = L.Dense(3, activation="gelu", name="shared")
    both = L.Add(name="both")([shared(y), shared(L.Activation("elu", name="elu")(y))])
    first = L.Concatenate(name="first")([both, L.Multiply(name="product")([y, both])])
    flat = L.Flatten(name="flat")(L.Permute((2, 1), name="turned")(source))
    square = L.Reshape((3, -1), name="square")(flat)
    many = L.RepeatVector(2, name="many")(L.Dense(2, use_bias=False, name="small")(flat))
    second = L.Average(name="mean")([L.Subtract(name="less")([h, c]), L.Maximum(name="most")([h, c]), L.Minimum(name="least")([h, c])])
    rows = L.Concatenate(axis=1, name="rows")([many, L.Softmax(name="soft")(many)])
    model = keras.Model([source, target], [first, second, square, rows], name="pair")
    record("functional", model, [[numbers(2, 4, 3), numbers(2, 5, 2)]])


def convolution():
    x = signal = L.Input((12, 2), name="signal")
    x = L.Conv1D(4, 3, padding="same", strides=2, activation="silu", name="same")(x)
    x = L.Conv1D(3, 2, padding="causal", dilation_rate=2, name="causal")(x)
    x = L.BatchNormalization(scale=False, name="no_scale")(x)
    x = L.ReLU(max_value=1.0, negative_slope=0.1, threshold=0.2, name="relu")(x)
    x = L.LayerNormalization(center=False, name="no_center")(x)
    last = L.GlobalMaxPooling1D(name="largest")(x)
    pools = [
        L.MaxPooling1D(2, name="max")(x),
        L.MaxPooling1D(3, strides=2, padding="same", name="max_same")(x),
        L.AveragePooling1D(3, strides=1, padding="same", name="mean_same")(x),
        L.AveragePooling1D(2, name="mean")(x),
    ]
    valid = L.LeakyReLU(0.2, name="leaky")(L.ELU(0.7, name="elu")(L.SpatialDropout1D(0.5, name="spatial")(L.Conv1D(2, 2, name="valid")(x))))
    model = keras.Model(signal, [last, *pools, valid])
    record("convolution", model, [[numbers(2, 12, 2)]])


def recurrent():
    """The options of recurrent layers, with a mask."""
    x = L.Input((5, 3), name="x")
    m = L.Masking(-1.0, name="masked")(x)
    outputs = [
        L.GRU(2, reset_after=False, recurrent_activation="hard_sigmoid", name="before")(m),
        L.GRU(2, go_backwards=True, return_sequences=True, use_bias=False, name="backwards")(m),
        L.SimpleRNN(2, activation="relu", dropout=0.1, recurrent_dropout=0.1, name="simple")(m),
        L.LSTM(2, return_sequences=True, go_backwards=True, name="held")(m),
        L.LSTM(2, return_sequences=True, zero_output_for_mask=True, name="zeroed")(m),
        L.Bidirectional(L.GRU(2, return_sequences=True), merge_mode="sum", name="sum")(m),
        L.Bidirectional(L.SimpleRNN(2), merge_mode="ave", name="ave")(m),
        L.Bidirectional(L.LSTM(2), merge_mode="mul", name="mul")(m),
        *L.Bidirectional(L.LSTM(2, return_sequences=True, return_state=True), name="all")(m),
        *L.Bidirectional(L.GRU(2), merge_mode=None, name="apart")(m),
    ]
    values = numbers(3, 5, 3)
    values[0, 3:] = -1
    values[1, 4:] = -1
    model = keras.Model(x, outputs)
    record("recurrent", model, [[values]], suffix=".h5")


def stateful():
    model = keras.Sequential(
        [
            L.Input(batch_shape=(2, 3, 2), name="frames"),
            L.LSTM(3, stateful=True, return_sequences=True, name="first"),
            L.GRU(2, stateful=True, return_sequences=True, name="second"),
            L.Dense(1, name="head"),
        ]
    )
    record("stateful", model, [[numbers(2, 3, 2)] for _ in range(3)])


def refused():
    x = L.Input((4, 2), name="x")
    y = L.Lambda(lambda value: value * 2, name="code", output_shape=(4, 2))(x)
    y = L.Dense(2, activation="sparsemax", name="sparse")(y)
    y = L.GaussianNoise(0.1, name="noise")(y)
    y = L.Conv1D(2, 1, groups=2, name="groups")(y)
    keras.Model(x, y).save(FOLDER / "refused.keras")


def bfloat16():
    model = keras.Sequential([L.Input((3,)), L.Dense(2, dtype=keras.DTypePolicy("bfloat16"), name="half")])
    for variable in model.weights:
        variable.assign(np.arange(np.prod(variable.shape)).reshape(variable.shape) / 4)
    model.save_weights(FOLDER / "bfloat16.weights.h5")


def keras_2_weights():
    """Weights alone as Keras 2 names them, written by h5py."""
    with h5py.File(FOLDER / "keras-2-weights.h5", "w") as file:
        file.attrs["backend"] = b"tensorflow"
        file.attrs["keras_version"] = b"2.15.0"
        table = {
            "input_1": {},
            "bidirectional": {
                f"bidirectional/{d}_gru/gru_cell_{i}/{name}:0": numbers(*shape)
                for i, d in enumerate(["forward", "backward"])
                for name, shape in {"kernel": (2, 9), "recurrent_kernel": (3, 9), "bias": (2, 9)}.items()
            },
            "dense": {"dense/kernel:0": numbers(6, 2).astype(np.float16), "dense/bias:0": numbers(2).astype(np.float64)},
        }
        file.attrs["layer_names"] = np.array(list(table), np.bytes_)
        for layer, weights in table.items():
            group = file.create_group(layer)
            group.attrs["weight_names"] = np.array(list(weights), np.bytes_) if weights else np.zeros(0)
            for name, values in weights.items():
                group.create_dataset(name, data=values)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(1)
    for make in (sequential, functional, convolution, recurrent, stateful, refused, bfloat16, keras_2_weights):
        make()


if __name__ == "__main__":
    main()
