"""Starting, stopping and watching sessions."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace

from fedn.core.strategies import create
from fedn.errors import InvalidInput, NotFound, NotReady, Unavailable
from fedn.reducer import control, journal, running
from fedn.reducer.feed import Notice, Subscription
from fedn.reducer.services import Services
from fedn.reducer.streams import QUIET_SECONDS, Notices
from fedn.stores.document import Body
from fedn.stores.documents import Control, Round, Session
from fedn.stores.protocols import Change, Insert


def start(services: Services, session: Session) -> Session:
    """Have the worker run a session. Only one may run at a time.

    Args:
        session: As it was asked for; an empty `start_model` starts from the newest model.

    Returns:
        The session as it was queued.

    Raises:
        InvalidInput: It contradicts itself, or names an unknown strategy.
        NotFound: No such start model.
        NotReady: A seed model, a compute package or clients are missing.
        SessionRunning: Another one is running.
    """
    if 0 < session.clients_requested < session.clients_required:
        raise InvalidInput(
            f"clients_requested is {session.clients_requested}, but clients_required is {session.clients_required}",
            hint="ask at least as many clients as must answer; 0 asks all",
        )
    create(session.strategy)

    def decide(current: Control) -> tuple[Control, tuple[Change, ...]]:
        control.refuse_while_running(current)
        queued = replace(session, start_model=_start_model(services, session, current))
        _check_clients(services, session, current)
        return replace(current, session_id=session.id, state="instructing"), (Insert(queued),)

    control.change(services.state, decide)
    queued = get(services, session.id)
    journal.record(services, "session_queued", f"session of {session.rounds} rounds asked for", session_id=session.id)
    services.worker.wake()
    return queued


def get(services: Services, session_id: str) -> Session:
    """A session; NotFound."""
    session = services.state.get(Session, session_id)
    if session is None:
        raise NotFound(f"no session {session_id!r}", hint="`fedn session list` shows them")
    return session


def stop(services: Services, session_id: str) -> Session:
    """Have a session end; one that has ended stays as it is. NotFound."""
    services.worker.stop(session_id)
    return get(services, session_id)


def progress(services: Services, session_id: str) -> Body:
    """How far a session is, and its round: the running one, else the last. NotFound."""
    session = get(services, session_id)
    going = services.running.round(session_id)
    phase, shown = going or (_phase(session), _last_round(services, session))
    store = services.running.waits(session_id) if session.ended_at is None else ""
    shortage = _shortage(services, session) if phase == "waiting" else ""
    return {
        "session_id": session_id,
        "state": session.state,
        "rounds": session.rounds,
        "rounds_done": session.rounds_done,
        "phase": phase,
        "waits_for": "store" if store else "clients" if shortage else "",
        "waits": store or shortage,
        "at": time.time(),
        "round": shown,
    }


def watch(services: Services, session_id: str, subscription: Subscription) -> Notices:
    """The session and its round as they are, then what happens to it, until it has ended."""
    session = get(services, session_id)
    with services.feed.still():  # what is on shows all that was told so far, which is not to come again
        standing, told = services.running.notices(session_id), subscription.waiting()
    for earlier in told:
        if (earlier.kind, earlier.session_id) == ("session", session_id):
            session = Session.from_body(earlier.data)
    yield Notice("session", session_id, session.to_body())
    if session.ended_at is None:
        yield from standing
    speak_by = time.monotonic() + QUIET_SECONDS
    while session.ended_at is None:
        notice = subscription.get(seconds=max(0.0, speak_by - time.monotonic()))
        if notice is not None and notice.session_id != session_id:
            continue  # and the time goes on: whoever watches must hear something
        speak_by = time.monotonic() + QUIET_SECONDS
        if notice is None:
            # Also the way out for who subscribed to a session whose end nobody was left to tell.
            with contextlib.suppress(Unavailable):  # whoever watches waits with the session until the store is back
                session = get(services, session_id)
            yield Notice("session", session_id, session.to_body()) if session.ended_at is not None else None
        else:
            yield notice
            if notice.kind == "session":
                session = Session.from_body(notice.data)


def _phase(session: Session) -> str:
    """Of a session with no round on."""
    if session.ended_at is not None:
        return "ended"
    return "queued" if session.state == "queued" else "waiting"


def _last_round(services: Services, session: Session) -> Body | None:
    for _, document in services.state.find(Round, where={"session_id": session.id}, limit=1):
        return running.last(document, seconds=session.round_timeout)
    return None


def _start_model(services: Services, session: Session, current: Control) -> str:
    if session.start_model:
        return services.trail.get(session.start_model).id
    if not current.latest_model:
        raise NotReady("there is no model to start from", hint="seed one with `fedn model seed FILE`")
    return current.latest_model


def _check_clients(services: Services, session: Session, current: Control) -> None:
    """NotReady unless those are there who can begin the first round."""
    clients = services.network.clients()
    if not current.package_id and all(client.needs_package for client in clients):
        raise NotReady(
            "there is no compute package, and no client that works without one",
            hint="upload one with `fedn package upload FILE`",
        )
    shortage = _shortage(services, session)
    if shortage:
        raise NotReady(shortage, hint="start more with `fedn run client`, or require fewer")


def _shortage(services: Services, session: Session) -> str:
    """What lacks for a round; empty where enough clients are there."""
    live = sum(len(names) for names in services.network.shares().values())
    required = session.clients_required
    return f"{live} of the {required} clients required are connected" if live < required else ""
