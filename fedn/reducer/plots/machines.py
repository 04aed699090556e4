"""What the reducer and the combiners take of their machines."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from fedn.errors import InvalidInput, NotReady
from fedn.reducer.plots.figures import Figure, axis, figure
from fedn.stores.documents import Sample
from fedn.stores.protocols import StateStore

SAMPLES = 10_000
"""Most samples that a figure is made of: the newest."""

POINTS = 500
"""Most points of a line; of more, every so manyth is shown."""

_MIB = 2**20


def machines(state: StateStore, node: str = "") -> Figure:
    """Memory (MiB) and processor (% of one core) over time (UTC): two lines for each node, one above the other.

    Args:
        node: Only this one; empty takes all.

    Raises:
        NotReady: Nothing has been noted yet.
        InvalidInput: No such node.
    """
    found: dict[str, list[Sample]] = {}
    for _, one in reversed(state.find(Sample, limit=SAMPLES)):
        found.setdefault(one.node, []).append(one)
    if not found:
        raise NotReady("nothing has been noted of the machines yet", hint="see the setting monitor_seconds")
    if node and node not in found:
        raise InvalidInput(f"nothing has been noted of {node!r}", hint=f"there are {', '.join(sorted(found))}")
    traces = []
    for name in [node] if node else sorted(found):
        samples = found[name]
        samples = samples[:: -(-len(samples) // POINTS)]
        times = [_instant(one.at) for one in samples]
        traces.append(_line(name, "memory", times, [round(one.memory_bytes / _MIB, 3) for one in samples], "y"))
        traces.append(_line(name, "processor", times, [round(100 * one.processor, 3) for one in samples], "y2"))
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
