"""Deals smart homes out to clients: `partition.py FOLDER CLIENTS [DOWNLOAD]`.

DOWNLOAD is the data set "Human Activity Recognition from Continuous Ambient Sensor Data" of the UCI repository, by
CASAS at Washington State University: its zip, or the folder it unpacks to. Of each home csh101 … csh130 its
`csh….ann.features.csv` is read, a line of 36 numbers and the activity's name for each sensor event, under a header.
Without DOWNLOAD, homes are made up. Each client gets `FOLDER/NUMBER/events.npz`.

A client is a home. With fewer clients than homes the last homes are left out; with more, a home is cut by time into
several. A client keeps up to MOST sequences of LENGTH events, which don't overlap, and every fifth for validation.
"""

import os
import re
import sys
import zipfile
import zlib
from functools import partial
from pathlib import Path

import homes
import numpy as np

FEATURES, LENGTH = 36, 16
MOST = 2000  # sequences of a client: its home's year, thinned out
LEAST = 10
DAYS = (6, 20)  # of made-up homes, from the fewest to the most
MEMBER_BYTES = 1 << 30  # of a home's file in the zip; they are some 100 MB
NAME = re.compile(r"csh\d+\.ann\.features\.csv")
WANTED = "expected CASAS' zip from the UCI repository, or its folder, with files csh101.ann.features.csv and so on"

# What a client is to tell apart, by how the names of CASAS' activities begin; the first is for all others.
KINDS = {
    "other": ("Other",),
    "sleep": ("Sleep", "Nap", "Go_To_Sleep", "Wake_Up"),
    "toilet": ("Toilet", "Bed_Toilet"),
    "hygiene": ("Personal_Hygiene", "Bathe", "Groom", "Dress"),
    "cook": ("Cook",),
    "eat": ("Eat", "Drink"),
    "dishes": ("Wash",),
    "relax": ("Relax", "Watch_TV", "Read", "Phone", "Entertain"),
    "work": ("Work",),
    "door": ("Leave_Home", "Enter_Home", "Step_Out"),
    "medicine": ("Take_Medicine", "Morning_Meds", "Evening_Meds"),
}


def kind(activity):
    """The number of an activity's kind; 0 where it is of none."""
    return next((number for number, names in enumerate(KINDS.values()) if activity.startswith(names)), 0)


def homes_of(download):
    """For each home in a download, in their order, its file's name and a function that returns the file's bytes."""
    path = Path(download)
    if path.is_dir():
        found = {file.name: file.read_bytes for file in path.rglob("*.csv")}
    else:
        archive = zipfile.ZipFile(path)
        members = (member for member in archive.infolist() if member.file_size <= MEMBER_BYTES)
        found = {Path(member.filename).name: partial(archive.read, member) for member in members}
    return [(name, found[name]) for name in sorted(found) if NAME.fullmatch(name)]


def made_up(count, rng):
    """As `homes_of`, with homes that are nowhere."""
    for number, days in enumerate(rng.permutation(np.linspace(*DAYS, count).astype(int))):
        text = "\n".join(homes.lines(days, rng))
        yield f"home {number}", text.encode


def sequences(lines):
    """Of consecutive events, their features and the kind of the last one's activity: N x LENGTH x FEATURES, and N.

    The N sequences lie evenly in time, and none has an event of another.
    """
    starts = np.linspace(0, len(lines) - LENGTH, min(MOST, len(lines) // LENGTH)).astype(int)
    rows = [[line.decode().strip().split(",") for line in lines[start : start + LENGTH]] for start in starts]
    if any(len(row) != FEATURES + 1 for sequence in rows for row in sequence):
        raise ValueError(f"a line has not {FEATURES + 1} columns")
    numbers = np.array([[row[:FEATURES] for row in sequence] for sequence in rows], np.float32)
    if not np.isfinite(numbers).all():
        raise ValueError("a number is not finite")
    return numbers, np.array([kind(sequence[-1][FEATURES]) for sequence in rows])


def deal(target, lines):
    """Write a client's data."""
    events, kinds = sequences(lines)
    held = np.arange(len(kinds)) % 5 == 0
    target.mkdir(parents=True, exist_ok=True)
    np.savez(
        target / "events.npz",
        train_events=events[~held],
        train_kinds=kinds[~held],
        test_events=events[held],
        test_kinds=kinds[held],
    )
    print(f"client {target.name}: {np.sum(~held)} sequences to train with, {np.sum(held)} to validate")


def main(folder, clients, download=None):
    rng = np.random.default_rng(int(os.environ.get("FEDN_SEED", "0")))
    try:
        found = homes_of(download) if download else list(made_up(clients, rng))
    except (OSError, zipfile.BadZipFile) as error:
        sys.exit(f"{download} can't be read ({error}): {WANTED}")
    if not found:
        sys.exit(f"{download} holds no homes: {WANTED}")
    for index, (name, read) in enumerate(found[:clients]):
        try:
            header, *lines = read().splitlines()
            if not header.endswith(b"activity"):
                raise ValueError("the last column is not the activity")
            numbers = range(index, clients, len(found))  # of the clients that share this home
            for number, part in zip(numbers, np.array_split(np.arange(len(lines)), len(numbers)), strict=True):
                if len(part) < LEAST * LENGTH:
                    raise ValueError(f"{len(lines)} events are too few for {len(numbers)} clients")
                deal(Path(folder, str(number)), lines[part[0] : part[-1] + 1])
        except (OSError, ValueError, zlib.error, zipfile.BadZipFile) as error:
            sys.exit(f"{name} can't be used ({error}): {WANTED}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:4])
