"""Has pytest explain the failing assertions of the shared suites too."""

import pytest

pytest.register_assert_rewrite("contract")
