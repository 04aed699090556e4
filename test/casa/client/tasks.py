"""Trains and validates on the events of the client's home, in one process that stays up from task to task."""

import json
import os
import zlib
from pathlib import Path

import model
import numpy as np

import fedn

DATA = Path("../data/events.npz")
DEFAULTS = {"epochs": 3, "batch_size": 16, "learning_rate": 0.005}


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
        events, kinds = model.scaled(data["train_events"]), data["train_kinds"]
    network = model.load(in_path, seed(), chosen["learning_rate"])
    history = network.fit(events, kinds, batch_size=chosen["batch_size"], epochs=chosen["epochs"], verbose=0).history
    model.save(network, out_path)
    return {"num_examples": len(kinds), "metrics": {name: float(values[-1]) for name, values in history.items()}}


def validate(in_path, out_path):
    with np.load(DATA) as data:
        events, kinds = model.scaled(data["test_events"]), data["test_kinds"]
    metrics = model.load(in_path).evaluate(events, kinds, verbose=0, return_dict=True)
    Path(out_path).write_text(json.dumps(metrics))
    return {"num_examples": len(kinds)}


if __name__ == "__main__":
    fedn.serve(train=train, validate=validate)
