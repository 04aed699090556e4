"""Writes the model that training starts from: `seed.py OUT`."""

import os
import sys

from model import build, keras

from fedn.utils.helpers import get_helper

if __name__ == "__main__":
    keras.utils.set_random_seed(int(os.environ.get("FEDN_SEED", "0")))
    get_helper("keras").save_model(build().get_weights(), sys.argv[1])
