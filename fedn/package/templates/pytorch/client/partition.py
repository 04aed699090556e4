"""Makes up data for some clients: `partition.py FOLDER CLIENTS`.

Points on the arms of a spiral, which no straight line tells apart; of the arms, each client sees uneven shares.
"""

import os
import sys
from pathlib import Path

import numpy as np

ARMS = 3


def main(folder, clients):
    rng = np.random.default_rng(int(os.environ.get("FEDN_SEED", "0")))
    for number in range(clients):
        count = int(rng.integers(200, 600))
        labels = rng.choice(ARMS, count, p=rng.dirichlet(np.full(ARMS, 3)))
        radius = rng.uniform(0.1, 1, count)
        turns = radius + labels / ARMS
        points = np.stack([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)], axis=1) * radius[:, np.newaxis]
        points = (points + rng.normal(0, 0.05, points.shape)).astype(np.float32)
        held = np.arange(count) % 5 == 0  # for validation
        target = Path(folder, str(number))
        target.mkdir(parents=True, exist_ok=True)
        np.savez(
            target / "points.npz",
            train_points=points[~held],
            train_labels=labels[~held],
            test_points=points[held],
            test_labels=labels[held],
        )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
