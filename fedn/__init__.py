"""Federated learning: reducer, combiners, clients, and the two names that a client's own code needs.

`fedn.Client` runs a client made of plain Python functions; `fedn.serve` is a compute package's warm entry points in one
line. Both are imported when first used, so that `import fedn` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fedn.version import __version__

if TYPE_CHECKING:
    from fedn.client.functions import Client
    from fedn.package.serve import serve

__all__ = ["Client", "__version__", "serve"]

_HOME = {"Client": "fedn.client.functions", "serve": "fedn.package.serve"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
