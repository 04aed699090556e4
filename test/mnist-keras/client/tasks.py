"""Trains and validates on the client's digits, in one process that stays up from task to task."""

import json
import os
import zlib
from pathlib import Path

import model
import numpy as np

import fedn

DATA = Path("../data/digits.npz")
DEFAULTS = {"epochs": 2, "batch_size": 32, "learning_rate": 0.03}


def parameters():
    """What the session hands to every task, over the defaults."""
    path = os.environ.get("FEDN_PARAMETERS")
    return {**DEFAULTS, **(json.loads(Path(path).read_text()) if path else {})}


def seed():
    """A number for the chance of this client in this round."""
    words = [os.environ.get(name, "0") for name in ("FEDN_SEED", "FEDN_ROUND", "FEDN_CLIENT")]
    return zlib.crc32(" ".join(words).encode())


def train(in_path, out_path):
    chosen = parameters()
    with np.load(DATA) as data:
        images, labels = data["train_images"], data["train_labels"]
    network = model.load(in_path, seed(), chosen["learning_rate"])
    history = network.fit(images, labels, batch_size=chosen["batch_size"], epochs=chosen["epochs"], verbose=0).history
    model.save(network, out_path)
    return {"num_examples": len(labels), "metrics": {name: float(values[-1]) for name, values in history.items()}}


def validate(in_path, out_path):
    with np.load(DATA) as data:
        images, labels = data["test_images"], data["test_labels"]
    metrics = model.load(in_path).evaluate(images, labels, verbose=0, return_dict=True)
    Path(out_path).write_text(json.dumps(metrics))
    return {"num_examples": len(labels)}


if __name__ == "__main__":
    fedn.serve(train=train, validate=validate)
