"""Trains and validates the network of `model.py` on the client's data."""

import json
import os
from pathlib import Path

import numpy as np
import torch
from model import build
from torch.nn.functional import cross_entropy

import fedn
from fedn.utils.helpers import get_helper

DATA = Path("../data/points.npz")
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
EPOCHS, LEARNING_RATE, BATCH = 5, 0.01, 32

torch.set_num_threads(1)  # clients that share a machine get in each other's way with a thread for each core
helper = get_helper("pytorch")


def parameters():
    """What the session sets: `fedn session start -P epochs=2 -P learning_rate=0.1`."""
    path = os.environ.get("FEDN_PARAMETERS")
    return json.loads(Path(path).read_text()) if path else {}


def points(kind):
    """The coordinates, float32 (n, 2), and the classes, int64 (n,), to `train` or to `test` with."""
    with np.load(DATA) as data:
        return [torch.from_numpy(data[f"{kind}_{part}"]).to(DEVICE) for part in ("points", "labels")]


def load(path):
    network = build()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in helper.load_model(path).items()})
    return network.to(DEVICE)


def train(in_path, out_path):
    network, (inputs, labels), chosen = load(in_path), points("train"), parameters()
    optimizer = torch.optim.Adam(network.parameters(), chosen.get("learning_rate", LEARNING_RATE))
    torch.manual_seed(int(os.environ.get("FEDN_ROUND", "0")))  # the same order when the round is repeated
    for _ in range(chosen.get("epochs", EPOCHS)):
        for batch in torch.randperm(len(labels)).split(BATCH):
            optimizer.zero_grad()
            cross_entropy(network(inputs[batch]), labels[batch]).backward()
            optimizer.step()
    helper.save_model({name: tensor.cpu() for name, tensor in network.state_dict().items()}, out_path)
    return {"num_examples": len(labels)}


@torch.no_grad()
def validate(in_path, out_path):
    network, (inputs, labels) = load(in_path).eval(), points("test")
    scores = network(inputs)
    accuracy = (scores.argmax(1) == labels).float().mean()
    Path(out_path).write_text(json.dumps({"loss": cross_entropy(scores, labels).item(), "accuracy": accuracy.item()}))
    return {"num_examples": len(labels)}


if __name__ == "__main__":
    fedn.serve(train=train, validate=validate)
