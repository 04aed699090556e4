"""A convolution and an LSTM over words, in Keras: the numbers of 200 words in, the probability of a good mood out.

The convolution sees phrases of a few words ("not bad at all"), the LSTM what the review makes of them.
"""

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
VOCABULARY, LENGTH = 5000, 200  # as in partition.py


def new(seed=0):
    """A network that has learned nothing. The same seed draws the same weights, and the same order of training."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            layers.Input((LENGTH,), dtype="int32"),
            layers.Embedding(VOCABULARY, 16),
            layers.Conv1D(32, 4, activation="relu"),
            layers.MaxPooling1D(8),
            layers.LSTM(32),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def load(path, seed=0, learning_rate=0.005):
    """The network with the weights of a file, ready to be trained and measured.

    The optimiser is new in every round: its memory would be of other weights than the federation's mean. Adam, as most
    words are rare, and their weights would hardly move by steps that suit the common ones.
    """
    network = new(seed)
    network.set_weights(HELPER.load_model(path))
    network.compile(keras.optimizers.Adam(learning_rate), loss="binary_crossentropy", metrics=["accuracy"])
    return network


def save(network, path):
    """Weights only: what `get_weights` leaves out, the state of random generators, means nothing to another client."""
    HELPER.save_model(network.get_weights(), path)
