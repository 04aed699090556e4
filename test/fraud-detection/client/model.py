"""An auto-encoder in Keras: the 29 numbers of a payment in, and out again by way of 8.

It learns to repeat regular payments. What it can't repeat is not regular.
"""

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
FEATURES = 29  # as in partition.py


def scaled(payments):
    """V and amounts on one scale that needs no statistics: those would be a bank's own. Far values come nearer."""
    return np.sign(payments) * np.log1p(np.abs(payments))


def scores(network, payments):
    """For each payment, the mean square of what the network repeats wrongly."""
    inputs = scaled(payments)
    return np.mean((network.predict(inputs, batch_size=1024, verbose=0) - inputs) ** 2, axis=1)


def new(seed=0):
    """A network that has learned nothing. The same seed draws the same weights, and the same order of training."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            layers.Input((FEATURES,)),
            layers.Dense(32, activation="tanh"),
            layers.Dense(8, activation="tanh"),
            layers.Dense(32, activation="tanh"),
            layers.Dense(FEATURES),
        ]
    )


def load(path, seed=0, learning_rate=0.01):
    """The network with the weights of a file, ready to be trained and measured.

    The optimiser is new in every round: its memory would be of other weights than the federation's mean.
    """
    network = new(seed)
    network.set_weights(HELPER.load_model(path))
    network.compile(keras.optimizers.Adam(learning_rate), loss="mean_squared_error")
    return network


def save(network, path):
    """Weights only: what `get_weights` leaves out, the state of random generators, means nothing to another client."""
    HELPER.save_model(network.get_weights(), path)
