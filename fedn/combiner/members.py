"""Who is connected, and the way to each: the shell around `core.membership`.

Every open task stream has a mailbox. Whoever wants to know of comings and goings (rounds, the reducer's watch)
registers a listener; listeners are called on the loop and must not block.

A client of 2021 has two streams, one for each kind of task, that open and break each by itself. It is here while one of
them is open. As listeners are told of each that opens, a round asks again then, and the task finds its way whichever
stream was there first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from fedn.combiner.addresses import Addresses
from fedn.combiner.broadcast import Broadcasts
from fedn.combiner.mailbox import Mailbox
from fedn.core.membership import Member, Membership
from fedn.errors import Forbidden, NotFound, Unavailable
from fedn.proto import fedn_pb2 as pb
from fedn.rpc.server import claims, require_name

Listener = Callable[[str, bool], None]
"""(client, whether it is connected now)"""


class Members:
    """The connected clients and their mailboxes, and who watches what they send.

    Args:
        max_clients: How many there may be.
        legacy: Whether clients of 2021, which give no token, may be among them.
    """

    def __init__(self, *, max_clients: int, legacy: bool) -> None:
        self.max_clients = max_clients
        self.legacy = legacy
        self.legacy_names: frozenset[str] | None = None
        """Those that the reducer assigned here; None until it has said."""
        self.leaving = False
        """Whether this combiner is going down."""
        self.drained = False
        """Whether the operator wants this combiner without clients."""
        self.loads: dict[str, pb.Heartbeat] = {}
        self.seen: dict[str, float] = {}
        """When each connected client was last heard from, in seconds since the epoch."""
        self.broadcasts = Broadcasts()
        self._addresses = Addresses()
        self._register = Membership()
        self._boxes: dict[str, list[Mailbox]] = {}
        self._listeners: list[Listener] = []

    @property
    def draining(self) -> bool:
        """Whether nobody new is taken in, neither clients nor rounds."""
        return self.leaving or self.drained

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` at every change from now on; call what is returned to end that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def caller(self, name: str, peer: str = "") -> str:
        """`name`, when the caller may speak under it.

        Args:
            peer: Where the call comes from, as gRPC names it.

        Raises:
            Forbidden: Its token is for another name; or it has none and the reducer lets in none such, the name is not
                one that the reducer assigned here to a 2021 client, or a client with a token holds it.
            Unavailable: It has no token, and the reducer has not said yet who belongs here.
        """
        if claims() is not None:
            return self._note(require_name(name))
        if self.legacy_names is None:
            raise Unavailable("this combiner has not heard from its reducer yet, and so can't tell who belongs here")
        if not self.legacy:
            raise Forbidden(
                "the reducer lets in no clients that give no token, as those of 2021",
                hint="set legacy_clients for the reducer, too, and ask it first: GET /assign",
            )
        holder = self._register.get(name)
        if name not in self.legacy_names or (holder is not None and not holder.legacy):
            raise Forbidden(
                f"no client {name!r} without a token was assigned to this combiner",
                hint="ask the reducer first: GET /assign",
            )
        self._addresses.hear(peer, now=time.monotonic())
        return self._note(name)

    def check_transfer(self, name: str, peer: str) -> None:
        """Let a transfer without a token pass, when it is one of an admitted 2021 client.

        Args:
            name: In the message; most leave it out.
            peer: Where the call comes from: without a name, all that there is to go by.

        Raises:
            Forbidden: The name is not one that was let in, or none was heard from that address of late.
        """
        if name:
            self.caller(name, peer)
        elif not self._addresses.know(peer, now=time.monotonic()):
            raise Forbidden(
                "no client without a token was heard from this address of late",
                hint="open the streams of tasks and send heartbeats first, from the same address",
            )

    def join(self, member: Member, *, kind: int | None = None) -> Mailbox:
        """Take a client in and open a mailbox for its stream, in place of that of a former stream of the same kind.

        Args:
            kind: Of the tasks that the stream is for; None for all.

        Raises:
            NameInUse: Another live process holds the name.
            Unavailable: The combiner is full or draining.
        """
        if self.draining:
            raise Unavailable("this combiner is draining", hint="ask the reducer for another")
        if len(self._register) >= self.max_clients and self._register.get(member.name) is None:
            raise Unavailable(f"this combiner is full ({self.max_clients} clients)", hint="ask the reducer for another")
        self._register.join(member, now=time.monotonic())
        boxes = self._boxes.setdefault(member.name, [])
        for former in [box for box in boxes if box.kind == kind]:
            former.close()
            boxes.remove(former)
        box = Mailbox(member, kind=kind)
        boxes.append(box)
        self._note(member.name)
        self._tell(member.name, connected=True)
        return box

    def leave(self, box: Mailbox) -> None:
        """The stream of this mailbox has ended."""
        name = box.member.name
        boxes = self._boxes.get(name, [])
        if box not in boxes:
            return  # another stream of the same client took over
        boxes.remove(box)
        if not boxes:
            self._strike(box.member)

    def hear(self, heartbeat: pb.Heartbeat) -> None:
        """A client's heartbeat."""
        name = heartbeat.sender.name
        self._register.hear(name, now=time.monotonic())
        if name in self._boxes:
            self.loads[name] = heartbeat

    def expire(self) -> None:
        """Strike out 2021 clients that fell silent; called now and then by the app."""
        now = time.monotonic()
        self._addresses.expire(now=now)
        for member in self._register.expire(now=now):
            for box in self._boxes.get(member.name, []):
                box.close()
            self._strike(member)

    def part_with_strangers(self) -> None:
        """End the streams of 2021 clients that the reducer does not count as of this combiner any more."""
        for member in self._register.members():
            if member.legacy and not (self.legacy and member.name in (self.legacy_names or ())):
                self.part_with(member.name, "the reducer does not let this client in here", reassign=False)

    def revoke(self, token_ids: Iterable[str]) -> None:
        """Cut off whoever lives on one of these tokens."""
        revoked = frozenset(token_ids)
        for member in self._register.members():
            if member.token_ids & revoked:
                self.part_with(member.name, "the token was revoked", reassign=False)

    def part_with(self, name: str, reason: str, *, reassign: bool, combiner: str = "") -> None:
        """Say goodbye to a client and end its streams; with `reassign` it looks for another combiner.

        Args:
            combiner: The one that it is to ask for.

        Raises:
            NotFound: It is not connected.
        """
        self.require(name)
        for box in self._boxes[name]:
            box.part(reason, reassign=reassign, combiner=combiner)

    def require(self, name: str) -> Member:
        """A connected client; NotFound."""
        member = self._register.get(name)
        if member is None or name not in self._boxes:
            raise NotFound(f"no client {name!r} is connected to this combiner")
        return member

    def parted(self, name: str) -> bool:
        """Whether a client was told to go."""
        return any(box.parted for box in self._boxes.get(name, []))

    def farewell(self, reason: str, *, reassign: bool) -> None:
        """Part from every client."""
        for name in self._boxes:
            self.part_with(name, reason, reassign=reassign)

    def post(self, name: str, message: pb.TaskMessage) -> None:
        """Put a message into a client's mailbox; for one who is not here it is dropped, as listeners know already."""
        for box in self._boxes.get(name, []):
            box.post(message)

    def names(self) -> frozenset[str]:
        return self._register.names()

    def takers(self, kind: int) -> list[str]:
        """Who can be given a task of this kind now, by name."""
        return sorted(name for name, boxes in self._boxes.items() if any(box.takes(kind) for box in boxes))

    def get(self, name: str) -> Member | None:
        return self._register.get(name)

    def __len__(self) -> int:
        return len(self._register)

    def _strike(self, member: Member) -> None:
        self._boxes.pop(member.name, None)
        self.loads.pop(member.name, None)
        self.seen.pop(member.name, None)
        self._register.leave(member.name, instance=member.instance)
        self._tell(member.name, connected=False)

    def _note(self, name: str) -> str:
        """The name, of which a sign of life came."""
        if name in self._boxes:
            self.seen[name] = time.time()
        return name

    def _tell(self, name: str, *, connected: bool) -> None:
        for listener in tuple(self._listeners):
            listener(name, connected)
