"""A combiner as a process: wiring, start, drain, stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from fedn.combiner.client_service import CombinerService, ConnectorService
from fedn.combiner.control_service import ControlService, ReducerService, RoundService
from fedn.combiner.departures import Departures
from fedn.combiner.enrolment import Identity, announce, request_identity
from fedn.combiner.members import Members
from fedn.combiner.model_service import ModelService, TransferService
from fedn.combiner.reminder import remind
from fedn.combiner.renewal import renewal
from fedn.combiner.rounds import Rounds
from fedn.combiner.sources import Sources
from fedn.combiner.spool import Spool
from fedn.combiner.task_service import TaskService
from fedn.config import CombinerSettings
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc
from fedn.rpc import codec
from fedn.rpc.discovery import find_reducer, persist, reach
from fedn.rpc.http import Http
from fedn.rpc.renewal import Renewal
from fedn.rpc.server import Server, ServerCertificate, listen, make_server
from fedn.security import policy
from fedn.security.tokens import Claims, TokenVerifier

log = logging.getLogger(__name__)

DRAIN_SECONDS = 30.0
"""How long a stopping combiner lets its running round go on."""

TIDY_SECONDS = 2.0


class CombinerApp:
    """One combiner. `start` brings it up, `drain` takes it down; `run` is both with signals in between."""

    def __init__(self, settings: CombinerSettings, *, http: Http, identity: Identity) -> None:
        self.settings = settings
        self.port = 0
        self._http = http
        self._identity = identity
        self._verifier = TokenVerifier(identity.token_key, identity.network_id)
        self._revoked: frozenset[str] = frozenset()
        self._executor = ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="fold")
        self._spool = Spool(settings.data_dir / "combiner" / settings.name / "spool", limit=settings.spool_bytes)
        self._members = Members(max_clients=settings.max_clients, legacy=settings.legacy_clients)
        self._rounds = Rounds(
            members=self._members,
            spool=self._spool,
            executor=self._executor,
            rejoin_seconds=settings.rejoin_seconds,
            inline_bytes=settings.inline_bytes,
        )
        self._departures = Departures(members=self._members, rounds=self._rounds)
        self._server = self._make_server()
        self._renewal: Renewal | None = None
        self._tidying: asyncio.Task[None] | None = None

    def _make_server(self) -> Server:
        members, rounds, spool, settings = self._members, self._rounds, self._spool, self.settings
        server = make_server(self._authorise)
        departures = self._departures
        sources = Sources(self._http, tell=self._tell)
        watched = RoundService(
            members=members, rounds=rounds, departures=departures, sources=sources, on_policy=self._set_policy
        )
        welcome = pb.Welcome(heartbeat_seconds=settings.heartbeat_seconds, inline_bytes=settings.inline_bytes)
        rpc.add_RoundsServicer_to_server(watched, server)
        rpc.add_TasksServicer_to_server(TaskService(members=members, rounds=rounds, welcome=welcome), server)
        rpc.add_CombinerServicer_to_server(CombinerService(members=members, rounds=rounds, name=settings.name), server)
        connector = ConnectorService(
            members=members,
            rounds=rounds,
            departures=departures,
            on_status=watched.note_status,
            on_leaving=watched.note_client,
        )
        rpc.add_ConnectorServicer_to_server(connector, server)
        rpc.add_ModelServiceServicer_to_server(ModelService(members=members, rounds=rounds, spool=spool), server)
        rpc.add_TransfersServicer_to_server(TransferService(members=members, spool=spool), server)
        rpc.add_ControlServicer_to_server(ControlService(members=members, rounds=rounds, name=settings.name), server)
        reducer = ReducerService(current=lambda: spool.newest_model, name=settings.name)
        rpc.add_ReducerServicer_to_server(reducer, server)
        self._watched = watched
        return server

    async def start(self) -> None:
        """Listen, then tell the reducer where."""
        settings = self.settings
        identity = self._identity
        certificate = ServerCertificate(key_pem=identity.key_pem, certificate_pem=identity.certificate_pem)
        self.port = listen(self._server, settings.bind, settings.port, certificate)
        await self._server.start()
        self._renewal = renewal(self._http, certificate, identity, name=settings.name, host=settings.host)
        self._renewal.start()
        self._tidying = asyncio.create_task(self._tidy())
        where = partial(announce, self._http, name=settings.name, host=settings.host, port=self.port)
        await persist("announcing this combiner", partial(where, max_clients=settings.max_clients))
        log.info("combiner %s listens on %s:%d", settings.name, settings.host, self.port)

    async def drain(self) -> None:
        """Take no new clients, let the running round end, send the clients elsewhere, stop."""
        log.info("combiner %s drains", self.settings.name)
        self._members.leaving = True
        self._watched.wake()
        try:
            await asyncio.wait_for(self._rounds.wait_idle(), DRAIN_SECONDS)
        except asyncio.TimeoutError:
            log.warning("the running round took longer than %g s and is broken off", DRAIN_SECONDS)
        self._members.farewell("this combiner is going down", reassign=True)
        await self.stop()

    async def stop(self) -> None:
        """Stop at once."""
        self._departures.close()
        if self._tidying is not None:
            self._tidying.cancel()
        if self._renewal is not None:
            self._renewal.close()
        self._watched.close()
        await self._server.stop(grace=1.0)
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._http.close()

    def _authorise(self, method: str, token: str | None) -> Claims | None:
        if token is None and self.settings.legacy_clients and method in policy.LEGACY_RPCS:
            return None  # the members' register checks the name, or where the call comes from
        claims = None
        if token is not None:
            claims = self._verifier.verify(
                token, now=time.time(), revoked=self._revoked, audience=f"combiner {self.settings.name}"
            )
        policy.authorize(policy.RPCS, method, claims)
        return claims

    def _set_policy(self, message: pb.CombinerPolicy) -> None:
        self._revoked = frozenset(message.revoked_tokens)
        self._members.revoke(self._revoked)
        self._members.legacy = self.settings.legacy_clients and message.legacy_clients
        self._members.legacy_names = frozenset(message.legacy_names)
        self._set_drained(message.draining)

    def _set_drained(self, drained: bool) -> None:
        """Do as the operator wishes: without clients, or with. A policy comes again with each change of any of it."""
        if drained == self._members.drained:
            return
        log.info("combiner %s %s", self.settings.name, "is drained" if drained else "takes clients again")
        self._members.drained = drained
        self._watched.wake()
        if drained:
            self._departures.send_all("the operator drains this combiner")
        else:
            self._departures.keep_all()

    def _tell(self, warning: bool, text: str) -> None:
        """Log something, and have the reducer note it as an event."""
        log.log(logging.WARNING if warning else logging.INFO, "%s", text)
        level = pb.Status.WARNING if warning else pb.Status.INFO
        sender = codec.client(self.settings.name, pb.COMBINER)
        self._watched.note_status(pb.Status(sender=sender, status=text, log_level=level))

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            self._members.expire()
            await self._spool.sweep()


def own_name(reducer: str) -> str:
    """The name that clients reach this machine by, where none is set; they and we are where the reducer is."""
    return "localhost" if reducer in ("localhost", "127.0.0.1", "::1") else socket.gethostname()


async def run(settings: CombinerSettings) -> None:
    """Run a combiner until SIGTERM or SIGINT; a second signal stops it at once."""
    join = find_reducer("combiner", settings)
    settings = replace(settings, host=settings.host or own_name(join.host))
    http = await reach(join)
    ask = partial(request_identity, http, name=settings.name, host=settings.host)
    app = CombinerApp(settings, http=http, identity=await persist("asking for a certificate", ask))
    signals: asyncio.Queue[None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.put_nowait, None)
    await app.start()
    reminding = asyncio.create_task(remind(join.token, name=settings.name))
    await signals.get()
    reminding.cancel()
    draining = asyncio.create_task(app.drain())
    again = asyncio.create_task(signals.get())
    await asyncio.wait([draining, again], return_when=asyncio.FIRST_COMPLETED)
    again.cancel()
    if not draining.done():
        draining.cancel()
        await app.stop()
