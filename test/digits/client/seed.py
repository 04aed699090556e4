"""Writes the model that training starts from: `seed.py OUT`."""

import os
import sys

import model
import numpy as np

if __name__ == "__main__":
    model.save(model.new(np.random.default_rng(int(os.environ.get("FEDN_SEED", "0")))), sys.argv[1])
