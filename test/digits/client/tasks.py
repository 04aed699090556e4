"""Trains, validates and predicts on the client's digits, in one process that stays up from task to task."""

import json
import os
from pathlib import Path

import model
import numpy as np

import fedn

EPOCHS = 5
DATA = Path("../data/digits.npz")


def parameters():
    """What the session hands to every task; `epochs` is the one that counts here."""
    path = os.environ.get("FEDN_PARAMETERS")
    return json.loads(Path(path).read_text()) if path else {}


def train(in_path, out_path):
    with np.load(DATA) as data:
        images, labels = data["train_images"], data["train_labels"]
    seed = [int(os.environ.get(name, "0")) for name in ("FEDN_SEED", "FEDN_ROUND")]
    weights = model.train(
        model.load(in_path), images, labels, parameters().get("epochs", EPOCHS), np.random.default_rng(seed)
    )
    model.save(weights, out_path)
    return {"num_examples": len(labels), "metrics": model.measure(weights, images, labels)}


def validate(in_path, out_path):
    with np.load(DATA) as data:
        images, labels = data["test_images"], data["test_labels"]
    Path(out_path).write_text(json.dumps(model.measure(model.load(in_path), images, labels)))
    return {"num_examples": len(labels)}


def predict(in_path, out_path):
    with np.load(DATA) as data:
        images = data["test_images"]
    _, chances = model.forward(model.load(in_path), images)
    Path(out_path).write_text(json.dumps({"digits": chances.argmax(axis=1).tolist()}))


if __name__ == "__main__":
    fedn.serve(train=train, validate=validate, predict=predict)
