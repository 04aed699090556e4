"""The network: two coordinates in, the chances of three classes out."""

import os
from importlib.util import find_spec

# Keras reads its backend when it is imported: the first that is installed, unless one is chosen. PyTorch reads how many
# threads it may take: clients that share a machine get in each other's way with one for each core.
os.environ.setdefault("KERAS_BACKEND", next(filter(find_spec, ("tensorflow", "jax", "torch")), "tensorflow"))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import keras

HIDDEN = 64


def build():
    network = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(HIDDEN, "relu"),
            keras.layers.Dense(HIDDEN, "relu"),
            keras.layers.Dense(3, "softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return network
