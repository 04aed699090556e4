"""A small convolutional network in Keras: 28 x 28 pixels in, the probabilities of ten digits out."""

import os
from importlib.util import find_spec

# Both are read when Keras is imported. Clients that share a machine do better with a thread each than with all threads
# each; a client that has a machine to itself sets another number.
os.environ.setdefault("KERAS_BACKEND", next(filter(find_spec, ("tensorflow", "jax", "torch")), "tensorflow"))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import keras
from keras import layers

from fedn.utils.helpers import get_helper

HELPER = get_helper("keras")


def new(seed=0):
    """A network that has learned nothing. The same seed draws the same weights, and the same order of training."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )


def load(path, seed=0, learning_rate=0.03):
    """The network with the weights of a file, ready to be trained and measured.

    The optimiser is new in every round: its momentum would be that of other weights than the federation's mean.
    """
    network = new(seed)
    network.set_weights(HELPER.load_model(path))
    network.compile(
        keras.optimizers.SGD(learning_rate, momentum=0.9), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return network


def save(network, path):
    """Weights only: what `get_weights` leaves out, the state of random generators, means nothing to another client."""
    HELPER.save_model(network.get_weights(), path)
