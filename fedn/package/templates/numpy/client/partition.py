"""Makes up data for some clients: `partition.py FOLDER CLIENTS`.

All points are labelled by one rule, which the federation is to find; each client sees a part of space of its own.
"""

import os
import sys
from pathlib import Path

import numpy as np

FEATURES = 10


def main(folder, clients):
    rng = np.random.default_rng(int(os.environ.get("FEDN_SEED", "0")))
    rule = rng.normal(size=FEATURES)
    for number in range(clients):
        count = int(rng.integers(100, 400))
        points = (rng.normal(size=(count, FEATURES)) + rng.normal(0, 0.5, FEATURES)).astype(np.float32)
        labels = (points @ rule > 0).astype(np.float32)
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
