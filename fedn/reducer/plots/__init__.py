"""Plots as data, by name: what the dashboard draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fedn.errors import InvalidInput, NotFound
from fedn.reducer.plots.figures import Figure
from fedn.reducer.plots.gists import Gists
from fedn.reducer.plots.machines import machines
from fedn.reducer.plots.metrics import box_plot, convergence
from fedn.reducer.plots.times import client_times, round_times, session_times


@dataclass(frozen=True, kw_only=True)
class Query:
    """What a plot is to be about; each plot looks at what concerns it."""

    metric: str = ""
    session_ids: Sequence[str] = ()
    node: str = ""

    @property
    def session_id(self) -> str:
        """The one session, or empty.

        Raises:
            InvalidInput: There are several.
        """
        if len(self.session_ids) > 1:
            raise InvalidInput("this plot is of one session", hint="give session_id once")
        return next(iter(self.session_ids), "")


PLOTS: Mapping[str, Callable[[Gists, Query], Figure]] = {
    "metric": lambda gists, query: box_plot(gists, query.metric, query.session_id),
    "convergence": lambda gists, query: convergence(gists, query.metric, query.session_ids),
    "round-times": lambda gists, query: round_times(gists, query.session_id),
    "session-times": lambda gists, query: session_times(gists, query.session_ids),
    "client-times": lambda gists, query: client_times(gists, query.session_id),
    "machines": lambda gists, query: machines(gists, query.node),
}


def draw(gists: Gists, name: str, query: Query) -> Figure:
    """The plot of this name.

    Raises:
        NotFound: There is none.
        NotReady: There is nothing to draw yet.
        InvalidInput: It is asked about what isn't there.
    """
    plot = PLOTS.get(name)
    if plot is None:
        raise NotFound(f"no plot {name!r}", hint=f"there are {', '.join(PLOTS)}")
    return plot(gists, query)
