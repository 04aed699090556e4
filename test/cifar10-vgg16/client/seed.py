"""Writes the model that training starts from: `seed.py OUT`."""

import os
import sys

import model
import torch

if __name__ == "__main__":
    torch.manual_seed(int(os.environ.get("FEDN_SEED", "0")))
    model.save(model.new(), sys.argv[1])
