"""Deals scikit-learn's handwritten digits out to clients: `partition.py FOLDER CLIENTS`.

Unevenly, in number and in kind: each digit's images go to the clients in shares of their own. Each client keeps every
fifth of its images for validation.
"""

import os
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

EVENNESS = 1.0  # of the Dirichlet distribution of the shares: small is uneven
LEAST = 10  # images that every client has


def shares(labels, clients, rng):
    """For each client the indices of its images."""
    parts = [[] for _ in range(clients)]
    for digit in range(10):
        indices = rng.permutation(np.flatnonzero(labels == digit))
        ends = np.cumsum(rng.dirichlet(np.full(clients, EVENNESS)))[:-1] * len(indices)
        for part, chunk in zip(parts, np.split(indices, ends.astype(int)), strict=True):
            part.extend(chunk)
    for part in parts:
        while len(part) < LEAST:
            part.append(max(parts, key=len).pop())
    return [rng.permutation(part) for part in parts]


def main(folder, clients):
    rng = np.random.default_rng(int(os.environ.get("FEDN_SEED", "0")))
    digits = load_digits()
    images = (digits.data / 16).astype(np.float32)
    for number, part in enumerate(shares(digits.target, clients, rng)):
        held = np.arange(len(part)) % 5 == 0
        target = Path(folder, str(number))
        target.mkdir(parents=True, exist_ok=True)
        np.savez(
            target / "digits.npz",
            train_images=images[part[~held]],
            train_labels=digits.target[part[~held]],
            test_images=images[part[held]],
            test_labels=digits.target[part[held]],
        )
        print(f"client {number}: {np.sum(~held)} images to train with, {np.sum(held)} to validate")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
