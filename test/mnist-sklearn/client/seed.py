"""Writes the model that training starts from: `seed.py OUT`. It is the same for every seed: all zeros."""

import sys

import model

if __name__ == "__main__":
    model.HELPER.save_model(model.first(), sys.argv[1])
