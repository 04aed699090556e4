"""Writes the model that training starts from: `seed.py OUT`."""

import os
import sys

import model

if __name__ == "__main__":
    model.save(model.new(int(os.environ.get("FEDN_SEED", "0"))), sys.argv[1])
