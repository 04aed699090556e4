"""A small convolutional network in PyTorch, and how it travels: as arrays by parameter name."""

import torch
from torch import nn

from fedn.utils.helpers import get_helper

HELPER = get_helper("pytorch")


def new():
    """A network that has learned nothing: images (N, 1, 28, 28) in, scores (N, 10) out. 114,314 weights."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(32 * 7 * 7, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def load(path):
    network = new()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in HELPER.load_model(path).items()})
    return network


def save(network, path):
    HELPER.save_model(network.state_dict(), path)
