"""A network with one hidden layer, in plain numpy: 64 pixels, 128 hidden units, 10 digits."""

from pathlib import Path

import numpy as np

PIXELS, HIDDEN, DIGITS = 64, 128, 10
RATE, MOMENTUM, BATCH = 0.05, 0.9, 16
NOISE = 0.2  # added to the pixels in training: no client has many images


def new(rng):
    """Weights to begin with, by name; float32, drawn as He et al. 2015 advise for rectified units."""
    return {
        "hidden/weight": rng.normal(0, np.sqrt(2 / PIXELS), (PIXELS, HIDDEN)).astype(np.float32),
        "hidden/bias": np.zeros(HIDDEN, np.float32),
        "output/weight": rng.normal(0, np.sqrt(1 / HIDDEN), (HIDDEN, DIGITS)).astype(np.float32),
        "output/bias": np.zeros(DIGITS, np.float32),
    }


def load(path):
    with np.load(path) as file:
        return dict(file)


def save(weights, path):
    with Path(path).open("wb") as file:  # np.savez would add .npz to a path
        np.savez(file, **weights)


def forward(weights, images):
    """The hidden layer, and the probability of each digit, for each image."""
    hidden = np.maximum(images @ weights["hidden/weight"] + weights["hidden/bias"], 0)
    scores = hidden @ weights["output/weight"] + weights["output/bias"]
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return hidden, scores / scores.sum(axis=1, keepdims=True)


def gradient(weights, images, labels):
    """Of the mean cross-entropy, with respect to each weight."""
    hidden, error = forward(weights, images)
    error[np.arange(len(labels)), labels] -= 1
    error /= len(labels)
    back = (error @ weights["output/weight"].T) * (hidden > 0)
    return {
        "hidden/weight": images.T @ back,
        "hidden/bias": back.sum(axis=0),
        "output/weight": hidden.T @ error,
        "output/bias": error.sum(axis=0),
    }


def train(weights, images, labels, epochs, rng):
    """The weights after some passes of stochastic gradient descent with momentum."""
    weights = {name: array.copy() for name, array in weights.items()}
    speed = {name: np.zeros_like(array) for name, array in weights.items()}
    for _ in range(epochs):
        order = rng.permutation(len(labels))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            noisy = images[batch] + rng.normal(0, NOISE, (len(batch), PIXELS)).astype(np.float32)
            for name, slope in gradient(weights, noisy, labels[batch]).items():
                speed[name] = MOMENTUM * speed[name] - RATE * slope
                weights[name] += speed[name]
    return weights


def measure(weights, images, labels):
    """Loss (mean cross-entropy) and accuracy."""
    _, chances = forward(weights, images)
    right = chances[np.arange(len(labels)), labels]
    return {
        "loss": float(-np.log(np.maximum(right, 1e-12)).mean()),
        "accuracy": float((chances.argmax(axis=1) == labels).mean()),
    }
