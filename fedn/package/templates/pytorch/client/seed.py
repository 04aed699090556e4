"""Writes the model that training starts from: `seed.py OUT`."""

import os
import sys

import torch
from model import build

from fedn.utils.helpers import get_helper

if __name__ == "__main__":
    torch.manual_seed(int(os.environ.get("FEDN_SEED", "0")))
    get_helper("pytorch").save_model(build().state_dict(), sys.argv[1])
