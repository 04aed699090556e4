"""What all tests share."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator

import hypothesis
import pytest
from sandboxes import Depot

# Tests that run in the background of a shell are started with Ctrl-C ignored, and so would be all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# On a busy machine an example may take long; how long says nothing about the law that it is an example of.
hypothesis.settings.register_profile("shared", deadline=None)
hypothesis.settings.load_profile("shared")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run what makes networks and what drives a browser one after the other: a browser gives up what it is fetching
    when an interface of its machine comes or goes.
    """
    for item in items:
        if {"browser", "containers", "hosts"}.intersection(item.path.parts):
            item.add_marker(pytest.mark.xdist_group("network"))


@pytest.fixture(autouse=True)
def logging_restored() -> Iterator[None]:
    """Leaves the process's logging as it was."""
    root, ours = logging.getLogger(), logging.getLogger("fedn")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.fixture(scope="session")
def depot(tmp_path_factory: pytest.TempPathFactory) -> Depot:
    """What all tests of this run share."""
    base = tmp_path_factory.getbasetemp()
    return Depot(base.parent if base.name.startswith("popen-") else base)
