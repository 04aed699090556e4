"""Trains and validates a logistic regression on the client's data."""

import json
from pathlib import Path

import numpy as np

import fedn

DATA = Path("../data/points.npz")
STEPS = 50
RATE = 0.5


def chances(model, points):
    """The probability of label 1 for each point."""
    return 1 / (1 + np.exp(-(points @ model["weights"] + model["bias"])))


def train(in_path, out_path):
    with np.load(in_path) as file:
        model = dict(file)
    with np.load(DATA) as data:
        points, labels = data["train_points"], data["train_labels"]
    for _ in range(STEPS):
        error = (chances(model, points) - labels).astype(np.float32)
        model["weights"] -= RATE * points.T @ error / len(labels)
        model["bias"] -= RATE * error.mean(keepdims=True)
    with Path(out_path).open("wb") as file:
        np.savez(file, **model)
    return {"num_examples": len(labels)}


def validate(in_path, out_path):
    with np.load(in_path) as model, np.load(DATA) as data:
        labels = data["test_labels"]
        found = chances(model, data["test_points"])
    right = np.where(labels == 1, found, 1 - found)
    metrics = {"loss": float(-np.log(np.maximum(right, 1e-12)).mean()), "accuracy": float((right > 0.5).mean())}
    Path(out_path).write_text(json.dumps(metrics))
    return {"num_examples": len(labels)}


if __name__ == "__main__":
    fedn.serve(train=train, validate=validate)
