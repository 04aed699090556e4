"""What the reducer and the combiners take of their machines."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from fedn.errors import InvalidInput, NotReady
from fedn.reducer.monitoring import KEPT_SECONDS
from fedn.reducer.plots.figures import Figure, axis, figure
from fedn.reducer.plots.gists import Gists, Load

POINTS = 500
"""Most points of a line; of more, every so manyth is shown."""


def machines(gists: Gists, node: str = "") -> Figure:
    """Memory (MiB) and processor (% of one core) over time (UTC): two lines for each node, one above the other.

    Args:
        node: Only this one; empty takes all.

    Raises:
        NotReady: Nothing has been noted yet.
        InvalidInput: No such node.
    """
    loads = gists.loads.of("")
    found: dict[str, list[Load]] = {}
    for one in reversed(loads):
        if one.at >= loads[0].at - KEPT_SECONDS:  # those before are deleted by and by
            found.setdefault(one.node, []).append(one)
    if not found:
        raise NotReady("nothing has been noted of the machines yet", hint="see the setting monitor_seconds")
    if node and node not in found:
        raise InvalidInput(f"nothing has been noted of {node!r}", hint=f"there are {', '.join(sorted(found))}")
    traces = []
    for name in [node] if node else sorted(found):
        shown = found[name][:: -(-len(found[name]) // POINTS)]
        times = [_instant(one.at) for one in shown]
        traces.append(_line(name, "memory", times, [one.memory for one in shown], "y"))
        traces.append(_line(name, "processor", times, [one.processor for one in shown], "y2"))
    return figure(
        traces,
        columns=("node", "time (UTC)", "value (MiB or %)"),
        title={"text": "machines"},
        xaxis=axis("time (UTC)", type="date", anchor="y"),
        yaxis=axis("memory (MiB)", domain=[0.0, 0.46], rangemode="tozero"),
        yaxis2=axis("processor (% of one core)", domain=[0.54, 1.0], rangemode="tozero"),
        showlegend=True,
    )


def _line(node: str, what: str, x: list[str], y: list[float], axis_name: str) -> dict[str, Any]:
    line = {"type": "scatter", "mode": "lines", "name": f"{node} · {what}", "legendgroup": node}
    return {**line, "x": x, "y": y, "yaxis": axis_name}


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
