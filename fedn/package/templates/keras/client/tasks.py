"""Trains and validates the network of `model.py` on the client's data."""

import json
import os
from pathlib import Path

import numpy as np
from model import build, keras

import fedn
from fedn.utils.helpers import get_helper

DATA = Path("../data/points.npz")
EPOCHS, LEARNING_RATE, BATCH = 5, 0.01, 32

network = build()  # once, as some backends compile it when it is first used
helper = get_helper("keras")


def parameters():
    """What the session sets: `fedn session start -P epochs=2 -P learning_rate=0.1`."""
    path = os.environ.get("FEDN_PARAMETERS")
    return json.loads(Path(path).read_text()) if path else {}


def points(kind):
    """The coordinates, float32 (n, 2), and the classes, int64 (n,), to `train` or to `test` with."""
    with np.load(DATA) as data:
        return data[f"{kind}_points"], data[f"{kind}_labels"]


def train(in_path, out_path):
    (inputs, labels), chosen = points("train"), parameters()
    network.set_weights(helper.load_model(in_path))
    for variable in network.optimizer.variables:  # it starts anew, as it would in a new process
        variable.assign(np.zeros(variable.shape))
    network.optimizer.learning_rate = chosen.get("learning_rate", LEARNING_RATE)
    keras.utils.set_random_seed(int(os.environ.get("FEDN_ROUND", "0")))  # the same order when the round is repeated
    network.fit(inputs, labels, BATCH, chosen.get("epochs", EPOCHS), verbose=0)
    helper.save_model(network.get_weights(), out_path)
    return {"num_examples": len(labels)}


def validate(in_path, out_path):
    inputs, labels = points("test")
    network.set_weights(helper.load_model(in_path))
    Path(out_path).write_text(json.dumps(network.evaluate(inputs, labels, verbose=0, return_dict=True)))
    return {"num_examples": len(labels)}


if __name__ == "__main__":
    fedn.serve(train=train, validate=validate)
