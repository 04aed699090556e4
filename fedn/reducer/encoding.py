"""JSON as the reducer writes it: what is no number (NaN, infinity) is null, as JSON has no word for it."""

from __future__ import annotations

import json
import math
from typing import Any

from flask.json.provider import JSONProvider


def dumps(value: Any) -> str:
    """JSON on one line."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False, separators=(",", ":"))


class Provider(JSONProvider):
    """Has Flask write JSON so."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return dumps(obj)

    def loads(self, s: str | bytes, **_: Any) -> Any:
        try:
            return json.loads(s)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return value
