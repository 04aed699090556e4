"""Deals images of ten kinds out to clients: `partition.py FOLDER CLIENTS [DOWNLOAD]`.

DOWNLOAD is `cifar-10-binary.tar.gz`, the "binary version" on the page of CIFAR-10: 60,000 images as plain bytes. The
"python version" holds pickles, and to read those is to run whatever code is in them: it is not read.

Without DOWNLOAD small data of the same form is made up: stripes of five directions in warm and in cold colours.

Each client gets `FOLDER/NUMBER/images.npz`, with images of 3 x 32 x 32 bytes. They are dealt out unevenly, in number
and in kind: each kind's images go to the clients in shares of their own. Each client keeps every fifth of its images
for validation.
"""

import os
import sys
import tarfile
import zlib
from pathlib import Path

import numpy as np

KINDS = 10
EVENNESS = 1.0  # of the Dirichlet distribution of the shares: small is uneven
LEAST = 10  # images that every client has
MADE_UP = 600  # images
FILES = [f"cifar-10-batches-bin/{name}.bin" for name in (*(f"data_batch_{n}" for n in range(1, 6)), "test_batch")]
RECORD = 1 + 3 * 32 * 32  # bytes: the label, then the red, the green and the blue of an image, row by row
FILE_BYTES = 10_000 * RECORD
WANTED = "expected cifar-10-binary.tar.gz, the binary version of CIFAR-10 (not the python version, which holds pickles)"
DAMAGED = (OSError, EOFError, ValueError, KeyError, zlib.error, tarfile.TarError)


def read(path):
    """Images, N x 3 x 32 x 32 bytes, and their N labels, in the archive at `path`."""
    parts = []
    try:
        with tarfile.open(path, "r:gz") as archive:
            for name in FILES:
                member = archive.getmember(name)
                if not member.isreg() or not 0 < member.size <= FILE_BYTES or member.size % RECORD:
                    raise ValueError(f"{name} has {member.size} bytes, no number of records of {RECORD}")
                parts.append(np.frombuffer(archive.extractfile(member).read(), np.uint8).reshape(-1, RECORD))
        records = np.concatenate(parts)
        if records[:, 0].max() >= KINDS:
            raise ValueError(f"there is a label {records[:, 0].max()}, and there are {KINDS} kinds")
    except DAMAGED as error:
        sys.exit(f"{path} can't be read ({error}): {WANTED}")
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)


def make_up(count, rng):
    """Images and labels of that form: noisy stripes; kinds 0 to 4 are warm and 5 to 9 cold, each of one direction."""
    labels = rng.integers(KINDS, size=count)
    angles = labels % 5 * np.pi / 5
    slope_x, slope_y = np.cos(angles), np.sin(angles)
    y, x = np.mgrid[:32, :32]
    along = slope_x[:, None, None] * x + slope_y[:, None, None] * y
    stripes = np.sin(0.9 * along + rng.uniform(0, 2 * np.pi, (count, 1, 1)))
    colours = np.where((labels < 5)[:, None], (50, 30, 10), (10, 30, 50))
    pixels = 120 + stripes[:, None] * colours[:, :, None, None] + rng.normal(0, 25, (count, 3, 32, 32))
    return pixels.clip(0, 255).astype(np.uint8), labels


def shares(labels, clients, rng):
    """For each client the indices of its images."""
    parts = [[] for _ in range(clients)]
    for kind in range(KINDS):
        indices = rng.permutation(np.flatnonzero(labels == kind))
        ends = np.cumsum(rng.dirichlet(np.full(clients, EVENNESS)))[:-1] * len(indices)
        for part, chunk in zip(parts, np.split(indices, ends.astype(int)), strict=True):
            part.extend(chunk)
    for part in parts:
        while len(part) < LEAST:
            part.append(max(parts, key=len).pop())
    return [rng.permutation(part) for part in parts]


def main(folder, clients, download=None):
    rng = np.random.default_rng(int(os.environ.get("FEDN_SEED", "0")))
    images, labels = read(download) if download else make_up(MADE_UP, rng)
    if len(labels) < LEAST * clients:
        sys.exit(f"{len(labels)} images are too few for {clients} clients: each gets {LEAST} at least")
    for number, part in enumerate(shares(labels, clients, rng)):
        held = np.arange(len(part)) % 5 == 0
        target = Path(folder, str(number))
        target.mkdir(parents=True, exist_ok=True)
        np.savez(
            target / "images.npz",
            train_images=images[part[~held]],
            train_labels=labels[part[~held]],
            test_images=images[part[held]],
            test_labels=labels[part[held]],
        )
        print(f"client {number}: {np.sum(~held)} images to train with, {np.sum(held)} to validate")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4])
