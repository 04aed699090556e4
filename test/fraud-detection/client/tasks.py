"""Trains and validates on the client's payments, in one process that stays up from task to task."""

import json
import os
import zlib
from pathlib import Path

import measures
import model
import numpy as np

import fedn

DATA = Path("../data/payments.npz")
DEFAULTS = {"epochs": 3, "batch_size": 64, "learning_rate": 0.01}


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
        payments = model.scaled(data["train"])
    network = model.load(in_path, seed(), chosen["learning_rate"])
    history = network.fit(
        payments, payments, batch_size=chosen["batch_size"], epochs=chosen["epochs"], verbose=0
    ).history
    model.save(network, out_path)
    return {"num_examples": len(payments), "metrics": {name: float(values[-1]) for name, values in history.items()}}


def validate(in_path, out_path):
    with np.load(DATA) as data:
        payments, classes = data["test"], data["test_classes"]
    scores = model.scores(model.load(in_path), payments)
    metrics = {"loss": float(scores[classes == 0].mean())}
    if classes.any():  # a bank without frauds can't say how well they are found
        metrics["auc"] = measures.area_under_curve(scores, classes)
        metrics["recall"] = measures.recall(scores, classes)
    Path(out_path).write_text(json.dumps(metrics))
    return {"num_examples": len(payments)}


if __name__ == "__main__":
    fedn.serve(train=train, validate=validate)
