"""Deals film reviews out to clients: `partition.py FOLDER CLIENTS [DOWNLOAD]`.

DOWNLOAD is `aclImdb_v1.tar.gz`, the Large Movie Review Dataset (Maas et al. 2011), as it is downloaded: 50,000 reviews
in `aclImdb/{train,test}/{pos,neg}/*.txt`. Without it, reviews are made up. Each client gets
`FOLDER/NUMBER/reviews.npz`.

A word becomes a number by hashing, so that every client has the same vocabulary and none tells another which words it
has. The reviews are dealt out unevenly, in number and in mood. Each client keeps every fifth of its own for validation.
"""

import os
import re
import sys
import tarfile
import zlib
from pathlib import Path

import numpy as np

VOCABULARY = 5000  # numbers of words; 0 is no word
LENGTH = 200  # words of a review that count: the last ones, where the verdict is
EVENNESS = 2.0  # of the Dirichlet distribution of the shares: small is uneven
LEAST = 10  # reviews that every client has
REVIEWS = 400  # made up, for each client in the mean
MEMBER = re.compile(r"(?:\./)?aclImdb/(?:train|test)/(pos|neg)/[^/]+\.txt")
MEMBER_BYTES = 1 << 20  # no review is longer than some 15,000
WANTED = "expected aclImdb_v1.tar.gz, which holds aclImdb/{train,test}/{pos,neg}/*.txt"

GOOD = (
    "good great wonderful brilliant touching funny superb moving clever charming delightful gripping masterful "
    "beautiful fresh warm honest rich lovely stunning witty tender elegant thrilling memorable"
)
BAD = (
    "bad awful terrible boring dull stupid weak clumsy predictable tedious shallow messy lifeless annoying pointless "
    "ugly stale cold fake poor dreadful bland cheap forgettable laughable"
)
PLAIN = (
    "the a of and to in is it this that film movie story plot scene actor actress director camera music script role "
    "character ending beginning dialogue city house family war love train night year man woman child dog sea with for "
    "on as but was are be at one by an who from they all about there when time would so what which up out two first"
)
INTENSITY = 0.15  # of the words of a made-up review say what its author thinks
DOUBT = 0.25  # of those say the opposite
NEGATED = 0.15  # of those are "not" and a word of the other mood: order matters


def tokens(text):
    """The numbers of a text's words, LENGTH of them; zeros come first where there are fewer."""
    words = re.findall(r"[a-z0-9']+", text.lower().replace("<br />", " "))[-LENGTH:]
    row = np.zeros(LENGTH, np.int16)
    if words:
        row[-len(words) :] = [1 + zlib.crc32(word.encode()) % (VOCABULARY - 1) for word in words]
    return row


def read(path):
    """Reviews as numbers, N x LENGTH, and their moods: 1 is positive. The archive is read, never unpacked to disk."""
    rows, moods = [], []
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                match = MEMBER.fullmatch(member.name)
                if match and member.isreg():
                    text = archive.extractfile(member).read(MEMBER_BYTES).decode("utf-8", "replace")
                    rows.append(tokens(text))
                    moods.append(match[1] == "pos")
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        sys.exit(f"{path} can't be read ({error}): {WANTED}")
    if not rows:
        sys.exit(f"{path} holds no reviews: {WANTED}")
    return np.array(rows), np.array(moods, np.int64)


def choose(words, count, rng):
    """Some of the words; the second is used half as often as the first, the third a third as often, and so on."""
    words = words.split()
    weights = 1 / (1 + np.arange(len(words)))
    return rng.choice(words, count, p=weights / weights.sum()).tolist()


def invent(mood, rng):
    """A review of the mood 1 (positive) or 0."""
    words = choose(PLAIN, int(np.clip(rng.lognormal(4.6, 0.5), 20, 300)), rng)
    for place in np.flatnonzero(rng.random(len(words)) < INTENSITY):
        likes = mood ^ (rng.random() < DOUBT)
        negated = rng.random() < NEGATED
        words[place] = "not " * negated + choose(GOOD if likes ^ negated else BAD, 1, rng)[0]
    return " ".join(words)


def make(count, rng):
    """As `read`, with reviews that nobody wrote."""
    moods = rng.integers(0, 2, count)
    return np.array([tokens(invent(int(mood), rng)) for mood in moods]), moods


def shares(moods, clients, rng):
    """For each client the indices of its reviews."""
    parts = [[] for _ in range(clients)]
    for mood in range(2):
        indices = rng.permutation(np.flatnonzero(moods == mood))
        ends = np.cumsum(rng.dirichlet(np.full(clients, EVENNESS)))[:-1] * len(indices)
        for part, chunk in zip(parts, np.split(indices, ends.astype(int)), strict=True):
            part.extend(chunk)
    for part in parts:
        while len(part) < LEAST:
            part.append(max(parts, key=len).pop())
    return [rng.permutation(part) for part in parts]


def main(folder, clients, download=None):
    rng = np.random.default_rng(int(os.environ.get("FEDN_SEED", "0")))
    words, moods = read(download) if download else make(REVIEWS * clients, rng)
    if len(moods) < LEAST * clients:
        sys.exit(f"{len(moods)} reviews are too few for {clients} clients: each gets {LEAST} at least")
    for number, part in enumerate(shares(moods, clients, rng)):
        held = np.arange(len(part)) % 5 == 0
        target = Path(folder, str(number))
        target.mkdir(parents=True, exist_ok=True)
        np.savez(
            target / "reviews.npz",
            train_words=words[part[~held]],
            train_moods=moods[part[~held]],
            test_words=words[part[held]],
            test_moods=moods[part[held]],
        )
        print(f"client {number}: {np.sum(~held)} reviews to train with, {np.sum(held)} to validate")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4])
