"""Trains and validates on the client's images, in one process that stays up from task to task."""

import json
import os
import zlib
from pathlib import Path
from statistics import fmean

import model
import numpy as np
import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Subset, TensorDataset

import fedn

DATA = Path("../data/images.npz")
DEFAULTS = {"epochs": 1, "images": 1000, "batch_size": 16, "learning_rate": 0.005}
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
MOMENTUM, DECAY = 0.9, 5e-4
SHIFT = 4  # pixels, at most, that a batch is moved by
AT_ONCE = 100  # images, when nothing is learned from them

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


def pictures(part):
    """The images of `train` or `test`, (N, 3, 32, 32) from -1 to 1, and their labels."""
    with np.load(DATA) as data:
        images, labels = data[f"{part}_images"], data[f"{part}_labels"]
    return torch.from_numpy(images).to(DEVICE).float() / 127.5 - 1, torch.from_numpy(labels.astype(np.int64)).to(DEVICE)


def train(in_path, out_path):
    chosen = parameters()
    torch.manual_seed(seed())  # for the images that are drawn, their order and their shifts
    network = model.load(in_path).to(DEVICE).train()
    data = TensorDataset(*pictures("train"))
    data = Subset(data, torch.randperm(len(data))[: chosen["images"]].tolist())
    rate = chosen["learning_rate"]
    optimiser = torch.optim.SGD(network.parameters(), rate, momentum=MOMENTUM, weight_decay=DECAY)
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
    network = model.load(in_path).to(DEVICE).eval()
    images, labels = pictures("test")
    scores = torch.cat([network(some) for some in images.split(AT_ONCE)])
    accuracy = (scores.argmax(1) == labels).float().mean()
    Path(out_path).write_text(json.dumps({"loss": cross_entropy(scores, labels).item(), "accuracy": accuracy.item()}))
    return {"num_examples": len(labels)}


if __name__ == "__main__":
    fedn.serve(train=train, validate=validate)
