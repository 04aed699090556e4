"""VGG16 in PyTorch, and how it travels: as arrays by name, the statistics of batch normalisation among them."""

import torch
from torch import nn

from fedn.utils.helpers import get_helper

HELPER = get_helper("pytorch")

CHANNELS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
FRESH = 0.3  # share of a batch in the running statistics: a client has few batches to find its own in


def new():
    """Configuration D of Simonyan and Zisserman (2015), as is usual for small images: batch normalisation after each
    convolution (Ioffe and Szegedy 2015), and one linear layer at the end. 14,724,042 weights.

    Images (N, 3, 32, 32) in, scores (N, 10) out.
    """
    layers, before = [], 3
    for stage in CHANNELS:
        for channels in stage:
            layers += [
                nn.Conv2d(before, channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(channels, momentum=FRESH),
                nn.ReLU(),
            ]
            before = channels
        layers.append(nn.MaxPool2d(2))
    network = nn.Sequential(*layers, nn.Flatten(), nn.Linear(before, 10))
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return network


def load(path):
    network = new()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in HELPER.load_model(path).items()})
    return network


def save(network, path):
    HELPER.save_model(network.state_dict(), path)
