"""How well scores tell frauds from regular payments."""

import numpy as np


def area_under_curve(scores, classes):
    """The chance that a fraud has a higher score than a regular payment; 0.5 is guessing.

    From the sum of the frauds' ranks (Mann and Whitney 1947), where equal scores share the mean of theirs.
    """
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    frauds = np.sum(classes == 1)
    regular = len(classes) - frauds
    return float((ranks[classes == 1].sum() - frauds * (frauds + 1) / 2) / (frauds * regular))


def recall(scores, classes, *, alarms=0.01):
    """The share of frauds that are found where this share of the regular payments gives a false alarm."""
    return float(np.mean(scores[classes == 1] > np.quantile(scores[classes == 0], 1 - alarms)))
