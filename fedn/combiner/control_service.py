"""The reducer's side of a combiner: rounds, the watch, the policy; and the frozen Control service."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress

from fedn.combiner.departures import Departures
from fedn.combiner.members import Members
from fedn.combiner.rounds import Rounds
from fedn.combiner.sources import Sources
from fedn.errors import Forbidden, NotFound, Unavailable
from fedn.load import Load
from fedn.proto import fedn_pb2 as pb
from fedn.proto import fedn_pb2_grpc as rpc
from fedn.rpc import codec
from fedn.rpc.server import Context

log = logging.getLogger(__name__)

WATCH_SECONDS = 5.0
"""A watch speaks at least this often, if only of the load."""


class RoundService(rpc.RoundsServicer):
    """Run · Watch · SetPolicy · Remove."""

    def __init__(
        self,
        *,
        members: Members,
        rounds: Rounds,
        departures: Departures,
        sources: Sources,
        on_policy: Callable[[pb.CombinerPolicy], None],
    ) -> None:
        self._members = members
        self._rounds = rounds
        self._departures = departures
        self._sources = sources
        self._on_policy = on_policy
        self._lets_in = members.legacy  # as this combiner's settings say, before any policy
        self._said = ""
        self._log: list[pb.Status] = []
        self._watches: list[tuple[set[str], asyncio.Event]] = []
        self._closed = False

    async def Run(self, request: pb.RoundPlan, context: Context) -> AsyncIterator[pb.RoundEvent]:
        """A round; the end of the call is the end of the round."""
        if self._members.draining:
            raise Unavailable("this combiner is draining")
        plan = codec.plan_from_message(request)
        fetch = self._sources.fetch(plan, codec.direct_of(request))
        events = self._rounds.run(plan, data=request.model.data, fetch=fetch)
        async with aclosing(events):
            async for event in events:
                yield event

    async def Watch(self, request: pb.WatchRequest, context: Context) -> AsyncIterator[pb.CombinerState]:
        """All connected clients at first, then whoever changed; bursts travel in one message."""
        changed = set(self._members.names())
        news = asyncio.Event()
        news.set()
        watch = (changed, news)
        self._watches.append(watch)
        load = Load()
        clock = asyncio.get_running_loop().time
        refreshed = clock()
        unlisten = self._members.listen(lambda name, _: _note(watch, name))
        try:
            while not self._closed:
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(news.wait(), WATCH_SECONDS)
                if clock() - refreshed >= WATCH_SECONDS:
                    changed.update(self._members.loads)
                    refreshed = clock()
                news.clear()
                names, log = list(changed), self._log
                changed.clear()
                self._log = []
                processor, memory = load.read()
                yield pb.CombinerState(
                    clients=[self._info(name) for name in names],
                    log=log,
                    processor=processor,
                    memory_bytes=memory,
                    draining=self._members.draining,
                    legacy_clients=self._lets_in,
                )
        finally:
            unlisten()
            self._watches = [one for one in self._watches if one is not watch]

    async def Remove(self, request: pb.Removal, context: Context) -> pb.Response:
        """Cuts a client off."""
        self._members.part_with(request.client, request.reason, reassign=False)
        return pb.Response(response="ok")

    async def SetPolicy(self, request: pb.CombinerPolicy, context: Context) -> pb.Response:
        self._on_policy(request)
        self._members.part_with_strangers()
        self._say(legacy(here=self._lets_in, there=request.legacy_clients))
        return pb.Response(response="ok")

    def note_status(self, status: pb.Status) -> None:
        """Pass a client's status message on with the next word to the watcher."""
        self._log.append(status)
        del self._log[:-1000]
        self.wake()

    def note_client(self, name: str) -> None:
        """Have the watchers told how a client stands."""
        for watch in self._watches:
            _note(watch, name)

    def close(self) -> None:
        """End the watches after a last word."""
        self._closed = True
        self.wake()
        self._members.broadcasts.close()

    def wake(self) -> None:
        """Have the watchers told now."""
        for _, news in self._watches:
            news.set()

    def _say(self, text: str) -> None:
        """Warn of something, once: a policy comes again with each client that is assigned."""
        if text and text != self._said:
            log.warning("%s", text)
        self._said = text

    def _info(self, name: str) -> pb.ClientInfo:
        member = self._members.get(name)
        if member is None:
            return pb.ClientInfo(name=name, connected=False)
        heartbeat = self._members.loads.get(name, pb.Heartbeat())
        return pb.ClientInfo(
            name=name,
            connected=True,
            instance=member.instance,
            version=member.version,
            needs_package=member.needs_package,
            legacy=member.legacy,
            processor=heartbeat.processor,
            memory_bytes=heartbeat.memory_bytes,
            round_trip=heartbeat.round_trip if heartbeat.HasField("round_trip") else None,
            last_seen=self._members.seen.get(name, 0.0),
            leaving=self._departures.leaving(name),
            address=member.address,
        )


def _note(watch: tuple[set[str], asyncio.Event], name: str) -> None:
    changed, news = watch
    changed.add(name)
    news.set()


def legacy(*, here: bool, there: bool) -> str:
    """What is to be said of clients that give no token, from the setting of this combiner and that of its reducer."""
    if here and there:
        return "clients of 2021 are let in: they give no token, and whoever knows the name of one can pass for it"
    if here or there:
        lacks = "the reducer" if here else "this combiner"
        return f"clients of 2021 are not let in: {lacks} lacks `legacy_clients: true`, which both must have"
    return ""


class ControlService(rpc.ControlServicer):
    """The frozen service: what it tells is told; what it set from afar is not settable."""

    def __init__(self, *, members: Members, rounds: Rounds, name: str) -> None:
        self._members = members
        self._rounds = rounds
        self._self = codec.client(name, pb.COMBINER)

    async def Report(self, request: pb.ControlRequest, context: Context) -> pb.ReportResponse:
        values = {
            "nr_active_clients": len(self._members),
            "max_clients": self._members.max_clients,
            "state": "idle" if self._rounds.idle else "instructing",
        }
        parameters = [pb.Parameter(key=key, value=str(value)) for key, value in values.items()]
        return pb.ReportResponse(sender=self._self, parameter=parameters)

    async def Start(self, request: pb.ControlRequest, context: Context) -> pb.ControlResponse:
        raise Forbidden("rounds are run with Rounds.Run", hint="start a session at the reducer")

    async def Stop(self, request: pb.ControlRequest, context: Context) -> pb.ControlResponse:
        raise Forbidden("a round ends with its call to Rounds.Run", hint="stop the session at the reducer")

    async def Configure(self, request: pb.ControlRequest, context: Context) -> pb.ReportResponse:
        raise Forbidden("a combiner is configured by its own settings file")


class ReducerService(rpc.ReducerServicer):
    """Frozen; the 2021 combiner answered it with the model it served last."""

    def __init__(self, *, current: Callable[[], str], name: str) -> None:
        self._current = current
        self._self = codec.client(name, pb.COMBINER)

    async def GetGlobalModel(self, request: pb.GetGlobalModelRequest, context: Context) -> pb.GetGlobalModelResponse:
        model_id = self._current()
        if not model_id:
            raise NotFound("no model was staged at this combiner yet")
        return pb.GetGlobalModelResponse(sender=self._self, receiver=request.sender, model_id=model_id)
