"""Trains and validates on the client's digits, in one process that stays up from task to task."""

import json
import os
import zlib
from pathlib import Path
from statistics import fmean

import model
import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

import fedn

DATA = Path("../data/digits.npz")
DEFAULTS = {"epochs": 3, "batch_size": 32, "learning_rate": 0.03}
MOMENTUM = 0.9
SHIFT = 2  # pixels, at most, that a batch is moved by: no client has many images
AT_ONCE = 500  # images, when nothing is learned from them

# Clients that share a machine would only take each other's cores.
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


def parameters():
    """What the session hands to every task, over the defaults."""
    path = os.environ.get("FEDN_PARAMETERS")
    return {**DEFAULTS, **(json.loads(Path(path).read_text()) if path else {})}


def seed():
    """A number for the chance of this client in this round."""
    words = [os.environ.get(name, "0") for name in ("FEDN_SEED", "FEDN_ROUND", "FEDN_CLIENT")]
    return zlib.crc32(" ".join(words).encode())


def digits(part):
    """The images of `train` or `test`, (N, 1, 28, 28) from 0 to 1, and their labels."""
    with np.load(DATA) as data:
        images, labels = data[f"{part}_images"], data[f"{part}_labels"]
    return torch.from_numpy(images).unsqueeze(1).float() / 255, torch.from_numpy(labels.astype(np.int64))


def train(in_path, out_path):
    chosen = parameters()
    torch.manual_seed(seed())  # for the order of the images, their shifts, and dropout
    network = model.load(in_path).train()
    data = TensorDataset(*digits("train"))
    optimiser = torch.optim.SGD(network.parameters(), chosen["learning_rate"], momentum=MOMENTUM)
    losses = []
    for _ in range(chosen["epochs"]):
        for images, labels in DataLoader(data, chosen["batch_size"], shuffle=True):
            down, right = torch.randint(-SHIFT, SHIFT + 1, (2,)).tolist()
            loss = cross_entropy(network(images.roll((down, right), (2, 3))), labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
    model.save(network, out_path)
    return {"num_examples": len(data), "metrics": {"loss": fmean(losses)} if losses else {}}


@torch.no_grad()
def validate(in_path, out_path):
    network = model.load(in_path).eval()
    images, labels = digits("test")
    scores = torch.cat([network(some) for some in images.split(AT_ONCE)])
    accuracy = (scores.argmax(1) == labels).float().mean()
    Path(out_path).write_text(json.dumps({"loss": cross_entropy(scores, labels).item(), "accuracy": accuracy.item()}))
    return {"num_examples": len(labels)}


if __name__ == "__main__":
    fedn.serve(train=train, validate=validate)
