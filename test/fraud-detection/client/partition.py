"""Deals card payments out to banks: `partition.py FOLDER CLIENTS [DOWNLOAD]`.

DOWNLOAD is Kaggle's "Credit Card Fraud Detection": `creditcard.csv`, or the `archive.zip` that it comes in. Its columns
are Time, V1 … V28, Amount and Class, where 1 is a fraud: 492 of 284,807 payments. Without it, payments are made up.
Each client gets `FOLDER/NUMBER/payments.npz`.

The payments are dealt out unevenly: those of each quarter of the amounts go to the banks in shares of their own. A bank
keeps every fifth of its regular payments for validation, and all of its frauds: training needs none.
"""

import os
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np

COLUMNS = ["Time", *(f"V{number}" for number in range(1, 29)), "Amount", "Class"]
EVENNESS = 1.0  # of the Dirichlet distribution of the shares: small is uneven
LEAST = 50  # regular payments that every client has
PAYMENTS = 3000  # made up, for each client in the mean
FRAUDS = 0.01  # of those made up; really they are 0.0017, which leaves too few of so few
WANTED = "expected creditcard.csv of Kaggle's Credit Card Fraud Detection, or the zip that holds it"

KINDS = 6  # of made-up customers
DIMENSIONS = 4  # in which those of a kind differ
MIXED = 0.5  # share of V that a fraud has from another kind of customer


def read(path):
    """The features of all payments, N x 29: V1 … V28 and Amount; and their classes, N."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive, archive.open("creditcard.csv") as file:
                return table(file)
        with Path(path).open("rb") as file:
            return table(file)
    except (OSError, KeyError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        sys.exit(f"{path} can't be read ({error}): {WANTED}")


def table(file):
    header = file.readline().decode().strip().replace('"', "").split(",")
    if header != COLUMNS:
        raise ValueError("the columns are not Time, V1 … V28, Amount, Class")
    rows = np.loadtxt(file, delimiter=",", quotechar='"', ndmin=2)
    classes = rows[:, -1]
    if not (np.isfinite(rows).all() and np.isin(classes, (0, 1)).all()):
        raise ValueError("a number is not finite, or a class neither 0 nor 1")
    return rows[:, 1:-1].astype(np.float32), classes.astype(np.int64)


def make(count, rng):
    """As `read`, with payments that nobody made.

    A customer's V lie in few dimensions of those of their kind. A fraud has some of its V from somebody of another
    kind: no number is odd, only their company.
    """
    spread = np.linspace(2, 0.33, 28)  # as wide as the real V1 … V28 are
    centres = rng.normal(0, 0.7, (KINDS, 28))
    axes = rng.normal(0, 0.7 / np.sqrt(DIMENSIONS), (KINDS, DIMENSIONS, 28))

    def customers():
        kinds = rng.integers(0, KINDS, count)
        places = np.einsum("nd,ndv->nv", rng.normal(size=(count, DIMENSIONS)), axes[kinds])
        return (centres[kinds] + places + rng.normal(0, 0.2, (count, 28))) * spread

    classes = (rng.random(count) < FRAUDS).astype(np.int64)
    mixed = (rng.random((count, 28)) < MIXED) & (classes == 1)[:, None]
    amounts = np.round(rng.lognormal(3.1, 1.6, count), 2)
    return np.column_stack([np.where(mixed, customers(), customers()), amounts]).astype(np.float32), classes


def shares(amounts, clients, rng):
    """For each client the indices of its payments."""
    parts = [[] for _ in range(clients)]
    for indices in np.array_split(np.argsort(amounts, kind="stable"), 4):
        ends = np.cumsum(rng.dirichlet(np.full(clients, EVENNESS)))[:-1] * len(indices)
        for part, chunk in zip(parts, np.split(rng.permutation(indices), ends.astype(int)), strict=True):
            part.extend(chunk)
    for part in parts:
        while len(part) < LEAST:
            part.append(max(parts, key=len).pop())
    return [rng.permutation(part) for part in parts]


def main(folder, clients, download=None):
    rng = np.random.default_rng(int(os.environ.get("FEDN_SEED", "0")))
    features, classes = read(download) if download else make(PAYMENTS * clients, rng)
    regular, frauds = (features[classes == number] for number in range(2))
    if len(regular) < LEAST * clients:
        sys.exit(f"{len(regular)} regular payments are too few for {clients} clients: each gets {LEAST} at least")
    for number, part in enumerate(shares(regular[:, -1], clients, rng)):
        held, own = np.arange(len(part)) % 5 == 0, frauds[number::clients]
        target = Path(folder, str(number))
        target.mkdir(parents=True, exist_ok=True)
        np.savez(
            target / "payments.npz",
            train=regular[part[~held]],
            test=np.concatenate([regular[part[held]], own]),
            test_classes=np.repeat([0, 1], [np.sum(held), len(own)]),
        )
        print(f"client {number}: {np.sum(~held)} payments to train with, {np.sum(held)} to validate, {len(own)} frauds")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4])
