"""The network, and how it travels: as a file of arrays by parameter name."""

import torch
from torch import nn

from fedn.utils.helpers import get_helper

HELPER = get_helper("pytorch")
VOCABULARY = 5000  # as in partition.py
EMBEDDING, FILTERS = 32, 32
PHRASES = (2, 3, 4)  # words


class Reader(nn.Module):
    """A convolutional network for sentences (Kim 2014): words become vectors, filters look for phrases in them.

    It takes reviews (N, length) of numbers of words, where 0 is no word, and gives a score (N,) for each: above 0 means
    that the review is positive. 169,313 weights.
    """

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, EMBEDDING, padding_idx=0)
        self.phrases = nn.ModuleList(nn.Conv1d(EMBEDDING, FILTERS, length) for length in PHRASES)
        self.dropout = nn.Dropout(0.5)
        self.verdict = nn.Linear(FILTERS * len(PHRASES), 1)

    def forward(self, reviews):
        words = self.words(reviews).transpose(1, 2)
        found = torch.cat([phrase(words).relu().amax(dim=2) for phrase in self.phrases], dim=1)
        return self.verdict(self.dropout(found)).squeeze(1)


def new():
    return Reader()


def load(path):
    network = new()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in HELPER.load_model(path).items()})
    return network


def save(network, path):
    HELPER.save_model(network.state_dict(), path)
