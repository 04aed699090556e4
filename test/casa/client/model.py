"""An LSTM in Keras: 16 events of a home, 36 numbers each, in; the probabilities of the kinds of activity out."""

import os
from importlib.util import find_spec

# Both are read when Keras is imported. Clients that share a machine do better with a thread each than with all threads
# each; a client that has a machine to itself sets another number.
os.environ.setdefault("KERAS_BACKEND", next(filter(find_spec, ("tensorflow", "jax", "torch")), "tensorflow"))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import keras
import numpy as np
from keras import layers

from fedn.utils.helpers import get_helper

HELPER = get_helper("keras")
LENGTH, FEATURES, KINDS = 16, 36, 11  # as in partition.py


def scaled(events):
    """Seconds, counts and numbers of sensors on one scale that needs no statistics: those would be a home's own."""
    return np.log1p(np.maximum(events, 0)) / 4


def new(seed=0):
    """A network that has learned nothing. The same seed draws the same weights, and the same order of training."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            layers.Input((LENGTH, FEATURES)),
            layers.LSTM(32),
            layers.Dense(32, activation="relu"),
            layers.Dense(KINDS, activation="softmax"),
        ]
    )


def load(path, seed=0, learning_rate=0.005):
    """The network with the weights of a file, ready to be trained and measured.

    The optimiser is new in every round: a client that is seldom asked has nothing of use to remember.
    """
    network = new(seed)
    network.set_weights(HELPER.load_model(path))
    network.compile(keras.optimizers.Adam(learning_rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return network


def save(network, path):
    """Weights only: what `get_weights` leaves out, the state of random generators, means nothing to another client."""
    HELPER.save_model(network.get_weights(), path)
