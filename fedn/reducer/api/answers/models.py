"""Of models, their tags, and the packages that make them."""

from __future__ import annotations

from fedn.reducer.api.answers.base import Answer, listing, of
from fedn.stores import documents

Package = of(documents.Package)
Model = of(documents.Model)
ModelSummary = of(documents.Model, name="ModelSummary", without=("updates",))
Tag = of(documents.Tag)
PackageList = listing(Package)
ModelList = listing(ModelSummary)
TagList = listing(Tag)


class Lineage(Answer):
    """A model and those it came from, newest first."""

    items: list[ModelSummary]  # type: ignore[valid-type]
    next: str | None
    """Id of the model that the line goes on with; null where it ends with a seed."""


class Norms(Answer):
    """Euclidean norms."""

    norm_a: float
    norm_b: float
    difference: float
    """Norm of the difference."""
    relative: float | None
    """The difference by `norm_a`; null where that is 0 and `norm_b` isn't."""


class ArrayNorms(Norms):
    """Of two arrays of one name."""

    name: str
    shape: list[int]
    dtype: str
    """Type of numbers in the first model."""


class ModelDifference(Answer):
    """How far two models lie apart."""

    a: ModelSummary  # type: ignore[valid-type]
    b: ModelSummary  # type: ignore[valid-type]
    arrays: list[ArrayNorms]
    total: Norms
    """Of all arrays together."""
