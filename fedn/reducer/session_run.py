"""One session at work: the shell that performs what `core.session` decides."""

from __future__ import annotations

import heapq
import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from fedn.core import session as machine
from fedn.core.model import Progress, RoundPlan, TaskKind
from fedn.core.tally import Shares
from fedn.errors import FednError, Unavailable
from fedn.reducer import attempts, control
from fedn.reducer.combiners import Links
from fedn.reducer.feed import Feed
from fedn.reducer.network import Network
from fedn.reducer.patience import Patience, write
from fedn.reducer.round_run import Landed, Progressed, RoundRun
from fedn.reducer.session_news import SessionNews
from fedn.reducer.trail import Start, Trail
from fedn.stores.document import Body, Document
from fedn.stores.documents import Session
from fedn.stores.protocols import Insert, Put, StateStore

log = logging.getLogger(__name__)

T = TypeVar("T")


class _Left:
    """The reducer closes: leave the session as it is."""


class SessionRun:
    """Runs one session in the calling thread. Other threads speak to it through `stop` and `leave`."""

    def __init__(
        self,
        session: Session,
        *,
        state: StateStore,
        feed: Feed,
        network: Network,
        links: Links,
        trail: Trail,
        patience: Patience,
    ) -> None:
        self.session_id = session.id
        self._session = session
        self._state = state
        self._news = SessionNews(session.id, feed)
        self._network = network
        self._links = links
        self._trail = trail
        self._patience = patience
        self._stopping = threading.Event()
        self._inbox: queue.SimpleQueue[machine.Event | Landed | Progressed | _Left] = queue.SimpleQueue()
        self._alarms: list[float] = []
        self._surveying = False
        self._waiting_since = 0.0
        self._round: RoundRun | None = None
        self._machine = machine.Session(_plan(session), rounds_done=session.rounds_done)
        self._start: Start

    def stop(self) -> None:
        """The operator wants the session to end."""
        self._inbox.put(machine.StopRequested())
        self._stopping.set()
        self._patience.wake()

    def leave(self) -> None:
        """The reducer closes."""
        self._inbox.put(_Left())

    def run(self) -> None:
        """Until the session has ended or the reducer closes.

        Raises:
            Unavailable: The reducer closes, and what was to be stored couldn't be.
        """
        newest = self._session.model_id or self._session.start_model
        self._start = self._keep(lambda: self._trail.start(newest))
        if self._session.state == "queued":
            self._begin()
        unlisten = self._network.listen(self._network_changed)
        try:
            self._feed_machine(machine.Begin())
            if self._session.stop_requested:
                self._feed_machine(machine.StopRequested())
            while self._machine.phase is not machine.Phase.ENDED:
                message = self._next()
                if isinstance(message, _Left):
                    return
                if isinstance(message, Progressed):
                    self._news.publish("round_progress", message.to_data())
                elif isinstance(message, Landed):
                    self._land(message)
                else:
                    self._feed_machine(message)
        finally:
            unlisten()
            if self._round is not None:
                self._round.close()

    def _next(self) -> machine.Event | Landed | Progressed | _Left:
        """The next message, or a tick when an alarm is due."""
        while self._alarms:
            wait = self._alarms[0] - time.monotonic()
            try:
                return self._inbox.get(timeout=max(0.0, wait))
            except queue.Empty:
                heapq.heappop(self._alarms)
                return machine.Tick()
        return self._inbox.get()

    def _network_changed(self) -> None:
        if self._surveying:
            self._inbox.put(machine.Members(self._network.shares()))

    def _land(self, landed: Landed) -> None:
        """A combiner's part of a round is over; of a round that is over already nothing is wanted."""
        if self._round is not None and landed.round_id == self._round.id:
            self._feed_machine(self._round.land(landed))

    def _feed_machine(self, event: machine.Event) -> None:
        for effect in self._machine.handle(event, now=time.monotonic()):
            self._perform(effect)

    def _perform(self, effect: machine.Effect) -> None:
        match effect:
            case machine.Survey():
                self._surveying = True
                self._waiting_since = time.monotonic()
                self._inbox.put(machine.Members(self._network.shares()))
            case machine.Wake(at):
                heapq.heappush(self._alarms, at)
            case machine.RunRound(number, attempt, kind, shares):
                self._surveying = False
                self._run_round(number, attempt, kind, shares)
            case machine.CancelRound():
                if self._round is not None:
                    self._round.cancel()
            case machine.Reduce(number, combiners, updates):
                self._reduce(number, combiners, updates)
            case machine.CloseRound(number, attempt, kind, error):
                self._close_round(number, attempt, kind, error)
            case machine.End(state, error):
                self._end(state, error)

    def _run_round(self, number: int, attempt: int, kind: TaskKind, shares: Shares) -> None:
        session = self._session
        plan = RoundPlan(
            round_id=uuid.uuid4().hex,
            session_id=session.id,
            number=number,
            kind=kind,
            model=self._start.file,
            clients=(),
            seconds=session.round_timeout,
            reproducible=session.reproducible,
            parameters=_parameters(session),
            package_sha256=self._package(),
        )
        direct = None
        if not self._start.data:  # combiners fetch it
            direct = self._keep(lambda: self._trail.reach(self._start.model, seconds=session.round_timeout))
        waited = time.monotonic() - self._waiting_since if kind is TaskKind.TRAIN else 0.0
        self._round = RoundRun(
            plan,
            shares,
            attempt=attempt,
            waited=waited,
            links=self._links,
            scratch=self._trail.scratch,
            report=self._inbox.put,
        )
        self._news.publish("round_started", self._round.to_data())
        self._round.start(self._start.data, direct)

    def _package(self) -> str:
        return self._keep(lambda: control.read(self._state)).package_id

    def _reduce(self, number: int, combiners: tuple[str, ...], updates: tuple[tuple[str, Progress], ...]) -> None:
        run = self._round
        if run is None:
            raise FednError("no round to reduce")
        try:
            with run.timed("reduce"):
                model, data = self._trail.commit(
                    run.partials(combiners),
                    updates,
                    parent=self._start,
                    session=self._session,
                    round_id=run.id,
                    number=number,
                    patience=self._patience,
                    stopped=self._stopping,
                    waits=self._news.waits,
                    timed=run.timed,
                )
        except FednError as error:
            if isinstance(error, Unavailable) and self._patience.ended:
                raise  # the next reducer runs this round again
            if isinstance(error, Unavailable):  # the operator stopped the session, rather than wait
                self._feed_machine(machine.StopRequested())
            log.error("round %d can't be reduced: %s", number, error)
            self._feed_machine(machine.ReduceFailed(str(error)))
            return
        run.result_model = model.id
        self._start = replace(self._start, model=model, data=data)
        self._session = replace(self._session, rounds_done=number, model_id=model.id)
        self._news.publish("model", _without(model, "updates"))
        self._feed_machine(machine.Committed(self._start.file))

    def _close_round(self, number: int, attempt: int, kind: TaskKind, error: str) -> None:
        """Write the attempt down; with it, for a validation, what the clients found."""
        run, self._round = self._round, None
        if run is None:
            return  # it never began: too few clients came; the session's end says so
        validations = run.validations() if kind is TaskKind.VALIDATE else []
        document = run.document(error)
        changes = attempts.written(document, validations)
        if error:
            event = self._news.event("warning", "round_failed", f"round {number}, attempt {attempt}: {error}")
            changes = (*changes, Insert(event))
        if kind is TaskKind.VALIDATE:
            model = self._keep(lambda: self._trail.validate(self._start.model, validations, *changes))
            self._start = replace(self._start, model=model)
            self._news.publish("validation", {"model_id": model.id, "number": number, "metrics": model.metrics})
        else:
            self._keep(lambda: write(self._state, *changes))
        run.close()
        self._news.publish("round_finished", _without(document, "clients"))

    def _begin(self) -> None:
        self._session = replace(self._session, state="running", started_at=time.time())
        event = self._news.event("info", "session_started", f"session of {self._session.rounds} rounds started")
        self._keep(lambda: write(self._state, Put(self._session), Insert(event)))
        self._news.tell(event, self._session)

    def _end(self, state: str, error: str) -> None:
        self._surveying = False
        self._session = replace(self._session, state=state, error=error, ended_at=time.time())
        level = "error" if state == "failed" else "info"
        message = f"session {state} after {self._session.rounds_done} rounds"
        event = self._news.event(level, f"session_{state}", f"{message}: {error}" if error else message)
        changes = (Put(self._session), Insert(event))
        end = partial(control.change, self._state, lambda now: (replace(now, state="idle", session_id=""), changes))
        self._keep(end)
        self._news.tell(event, self._session)

    def _keep(self, act: Callable[[], T]) -> T:
        return self._patience.keep(act, waits=self._news.waits)


def _plan(session: Session) -> machine.SessionPlan:
    return machine.SessionPlan(
        id=session.id,
        rounds=session.rounds,
        salt=session.id if session.seed is None else str(session.seed),
        round_seconds=session.round_timeout,
        clients_required=session.clients_required,
        clients_requested=session.clients_requested,
        fraction=session.fraction,
        validate=session.validate,
        attempts=session.attempts,
    )


def _without(document: Document, field: str) -> Body:
    """A document for watchers, without a field that may have thousands of entries."""
    return {key: value for key, value in document.to_body().items() if key != field}


def _parameters(session: Session) -> Body:
    """What the entry points are told: the session's parameters and, where it has one, its seed."""
    return session.parameters if session.seed is None else {"seed": session.seed, **session.parameters}
