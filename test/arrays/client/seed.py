"""Writes the model that training starts from: `seed.py OUT`.

It is ARRAYS_SIZE zeros (10), in the form that ARRAYS_FORM says: text, or npz, which is faster by far.
"""

import os
import sys

import model
import numpy as np

if __name__ == "__main__":
    helper = model.HELPERS[os.environ.get("ARRAYS_FORM", "text")]
    helper.save_model(np.zeros(int(os.environ.get("ARRAYS_SIZE", "10"))), sys.argv[1])
