"""Has pytest explain the failing assertions of the shared suites too."""

import pytest

pytest.register_assert_rewrite("contract")

from servers import mongo, network_id, s3  # noqa: E402  once the suites are registered

__all__ = ["mongo", "network_id", "s3"]
