"""Makes up rows of numbers for some clients: `partition.py FOLDER CLIENTS`.

Each client gets `FOLDER/NUMBER/rows.npz`, with 100 to 400 rows of ten numbers around means of its own. It keeps every
fifth row for validation.
"""

import os
import sys
from pathlib import Path

import numpy as np

COLUMNS = 10


def main(folder, clients):
    rng = np.random.default_rng(int(os.environ.get("FEDN_SEED", "0")))
    means = rng.normal(0, 10, COLUMNS)
    for number in range(clients):
        count = int(rng.integers(100, 401))
        rows = means + rng.normal(0, 3, COLUMNS) + rng.normal(size=(count, COLUMNS))
        held = np.arange(count) % 5 == 0
        target = Path(folder, str(number))
        target.mkdir(parents=True, exist_ok=True)
        np.savez(target / "rows.npz", train=rows[~held], test=rows[held])
        print(f"client {number}: {np.sum(~held)} rows to train with, {np.sum(held)} to validate")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
