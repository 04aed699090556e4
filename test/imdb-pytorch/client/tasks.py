"""Trains and validates on the client's reviews, in one process that stays up from task to task."""

import json
import os
import zlib
from pathlib import Path
from statistics import fmean

import model
import numpy as np
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import fedn

DATA = Path("../data/reviews.npz")
DEFAULTS = {"epochs": 3, "batch_size": 32, "learning_rate": 0.005}
AT_ONCE = 500  # reviews, when nothing is learned from them

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


def reviews(part):
    """The reviews of `train` or `test`, (N, 200) numbers of words, and their moods: 1.0 is positive."""
    with np.load(DATA) as data:
        words, moods = data[f"{part}_words"], data[f"{part}_moods"]
    return torch.from_numpy(words.astype(np.int64)), torch.from_numpy(moods.astype(np.float32))


def train(in_path, out_path):
    chosen = parameters()
    torch.manual_seed(seed())  # for the order of the reviews, and dropout
    network = model.load(in_path).train()
    data = TensorDataset(*reviews("train"))
    optimiser = torch.optim.Adam(network.parameters(), chosen["learning_rate"])
    losses = []
    for _ in range(chosen["epochs"]):
        for words, moods in DataLoader(data, chosen["batch_size"], shuffle=True):
            loss = functional.binary_cross_entropy_with_logits(network(words), moods)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
    model.save(network, out_path)
    return {"num_examples": len(data), "metrics": {"loss": fmean(losses)} if losses else {}}


@torch.no_grad()
def validate(in_path, out_path):
    network = model.load(in_path).eval()
    words, moods = reviews("test")
    scores = torch.cat([network(some) for some in words.split(AT_ONCE)])
    metrics = {
        "loss": functional.binary_cross_entropy_with_logits(scores, moods).item(),
        "accuracy": ((scores > 0) == (moods > 0)).float().mean().item(),
    }
    Path(out_path).write_text(json.dumps(metrics))
    return {"num_examples": len(moods)}


if __name__ == "__main__":
    fedn.serve(train=train, validate=validate)
