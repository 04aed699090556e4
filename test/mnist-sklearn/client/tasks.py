"""Trains and validates on the client's digits, in one process that stays up from task to task."""

import json
import os
import zlib
from pathlib import Path

import model
import numpy as np
from sklearn.metrics import log_loss

import fedn

DATA = Path("../data/digits.npz")
DEFAULTS = {"epochs": 2, "learning_rate": 0.02}


def parameters():
    """What the session hands to every task, over the defaults."""
    path = os.environ.get("FEDN_PARAMETERS")
    return {**DEFAULTS, **(json.loads(Path(path).read_text()) if path else {})}


def seed():
    """A number for the chance of this client in this round."""
    words = [os.environ.get(name, "0") for name in ("FEDN_SEED", "FEDN_ROUND", "FEDN_CLIENT")]
    return zlib.crc32(" ".join(words).encode())


def digits(part):
    """The images of `train` or `test`, a row of 784 numbers from 0 to 1 each, and their labels."""
    with np.load(DATA) as data:
        images, labels = data[f"{part}_images"], data[f"{part}_labels"]
    return images.reshape(len(images), -1) / 255, labels


def measure(classifier, images, labels):
    return {
        "loss": float(log_loss(labels, classifier.predict_proba(images), labels=model.DIGITS)),
        "accuracy": float(classifier.score(images, labels)),
    }


def train(in_path, out_path):
    chosen = parameters()
    images, labels = digits("train")
    classifier = model.load(in_path, np.random.RandomState(seed()), chosen["learning_rate"])
    for _ in range(chosen["epochs"]):
        classifier.partial_fit(images, labels)
    model.save(classifier, out_path)
    return {"num_examples": len(labels), "metrics": measure(classifier, images, labels)}


def validate(in_path, out_path):
    images, labels = digits("test")
    Path(out_path).write_text(json.dumps(measure(model.load(in_path), images, labels)))
    return {"num_examples": len(labels)}


if __name__ == "__main__":
    fedn.serve(train=train, validate=validate)
