"""Makes up data for some clients: `partition.py FOLDER CLIENTS`.

Points of a few classes, each a cloud around a centre of its own; of the classes, each client sees uneven shares.
"""

import os
import sys
from pathlib import Path

import numpy as np

FEATURES, CLASSES = 8, 5


def main(folder, clients):
    rng = np.random.default_rng(int(os.environ.get("FEDN_SEED", "0")))
    centres = rng.normal(0, 1.5, (CLASSES, FEATURES))
    for number in range(clients):
        count = int(rng.integers(200, 600))
        labels = rng.choice(CLASSES, count, p=rng.dirichlet(np.ones(CLASSES)))
        points = centres[labels] + rng.normal(size=(count, FEATURES))
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
