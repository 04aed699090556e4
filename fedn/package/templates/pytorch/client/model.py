"""The network: two coordinates in, a score for each of three classes out."""

from torch import nn

HIDDEN = 64


def build():
    return nn.Sequential(
        nn.Linear(2, HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, 3),
    )
