"""Writes the model that training starts from: `seed.py OUT`."""

import sys
from pathlib import Path

import numpy as np

FEATURES = 10

if __name__ == "__main__":
    with Path(sys.argv[1]).open("wb") as file:
        np.savez(file, weights=np.zeros(FEATURES, np.float32), bias=np.zeros(1, np.float32))
