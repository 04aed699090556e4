"""Trains and validates a linear classifier of scikit-learn on the client's data."""

import json
import os
from pathlib import Path

import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss

import fedn
from fedn.utils.helpers import get_helper

DATA = Path("../data/points.npz")
EPOCHS, LEARNING_RATE = 2, 0.01

helper = get_helper("sklearn")


def build(learning_rate=LEARNING_RATE):
    seed = int(os.environ.get("FEDN_ROUND", "0"))  # the same order of the points when the round is repeated
    return SGDClassifier(loss="log_loss", learning_rate="constant", eta0=learning_rate, random_state=seed)


def parameters():
    """What the session sets: `fedn session start -P epochs=2 -P learning_rate=0.1`."""
    path = os.environ.get("FEDN_PARAMETERS")
    return json.loads(Path(path).read_text()) if path else {}


def points(kind):
    """The features, float64 (n, 8), and the classes, int64 (n,), to `train` or to `test` with."""
    with np.load(DATA) as data:
        return data[f"{kind}_points"], data[f"{kind}_labels"]


def train(in_path, out_path):
    (inputs, labels), chosen = points("train"), parameters()
    estimator = helper.restore(build(chosen.get("learning_rate", LEARNING_RATE)), helper.load_model(in_path))
    for _ in range(chosen.get("epochs", EPOCHS)):
        estimator.partial_fit(inputs, labels)
    helper.save_model(helper.parameters(estimator), out_path)
    return {"num_examples": len(labels)}


def validate(in_path, out_path):
    inputs, labels = points("test")
    estimator = helper.restore(build(), helper.load_model(in_path))
    loss = log_loss(labels, estimator.predict_proba(inputs), labels=estimator.classes_)
    Path(out_path).write_text(json.dumps({"loss": loss, "accuracy": estimator.score(inputs, labels)}))
    return {"num_examples": len(labels)}


if __name__ == "__main__":
    fedn.serve(train=train, validate=validate)
