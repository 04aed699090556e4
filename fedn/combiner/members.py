"""Who is connected, and the way to each: the shell around `core.membership`.

Every open task stream has a mailbox. Whoever wants to know of comings and goings (rounds, the reducer's watch)
registers a listener; listeners are called on the loop and must not block.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable

from fedn.core.membership import Member, Membership
from fedn.errors import Forbidden, Unavailable
from fedn.proto import fedn_pb2 as pb
from fedn.rpc.server import claims, require_name

Listener = Callable[[str, bool], None]
"""(client, whether it is connected now)"""


class Mailbox:
    """The messages for one open stream, in order."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self._messages: asyncio.Queue[pb.TaskMessage | None] = asyncio.Queue()
        self._posted: deque[str] = deque(maxlen=8)

    def post(self, message: pb.TaskMessage) -> None:
        """Add a message; a task that this stream was given already is left out."""
        if message.HasField("task"):
            if message.task.id in self._posted:
                return
            self._posted.append(message.task.id)
        self._messages.put_nowait(message)

    def close(self) -> None:
        """End the stream after what is in the box."""
        self._messages.put_nowait(None)

    def part(self, reason: str, *, reassign: bool) -> None:
        """Say goodbye and end the stream; with `reassign` the client asks the reducer for a combiner again."""
        self.post(pb.TaskMessage(goodbye=pb.Goodbye(reason=reason, reassign=reassign)))
        self.close()

    async def messages(self) -> AsyncIterator[pb.TaskMessage]:
        """What is posted, until the box is closed."""
        while (message := await self._messages.get()) is not None:
            yield message


class Members:
    """The connected clients and their mailboxes."""

    def __init__(self, *, max_clients: int, legacy: bool) -> None:
        self.max_clients = max_clients
        self.legacy = legacy
        self.legacy_names: frozenset[str] = frozenset()
        self.draining = False
        self.loads: dict[str, pb.Heartbeat] = {}
        self._register = Membership()
        self._boxes: dict[str, list[Mailbox]] = {}
        self._listeners: list[Listener] = []

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` at every change from now on; call what is returned to end that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def caller(self, name: str) -> str:
        """`name`, when the caller may speak under it.

        Raises:
            Forbidden: Its token is for another name; or it has none and the name is not one that the reducer
                assigned here to a 2021 client, or a client with a token holds it.
        """
        if claims() is not None:
            return require_name(name)
        holder = self._register.get(name)
        if name not in self.legacy_names or (holder is not None and not holder.legacy):
            raise Forbidden(f"no client {name!r} without a token was assigned to this combiner")
        return name

    def join(self, member: Member) -> Mailbox:
        """Take a client in and open its mailbox. One that returns takes the place of its former stream.

        Raises:
            NameInUse: Another live process holds the name.
            Unavailable: The combiner is full or draining.
        """
        if self.draining:
            raise Unavailable("this combiner is draining", hint="ask the reducer for another")
        if len(self._register) >= self.max_clients and self._register.get(member.name) is None:
            raise Unavailable(f"this combiner is full ({self.max_clients} clients)", hint="ask the reducer for another")
        self._register.join(member, now=time.monotonic())
        box = Mailbox(member)
        boxes = self._boxes.setdefault(member.name, [])
        if not member.legacy:  # a 2021 client opens one stream for each kind of task
            for former in boxes:
                former.close()
            boxes.clear()
        boxes.append(box)
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
        for member in self._register.expire(now=time.monotonic()):
            for box in self._boxes.get(member.name, []):
                box.close()
            self._strike(member)

    def revoke(self, token_ids: Iterable[str]) -> None:
        """Cut off whoever lives on one of these tokens."""
        revoked = frozenset(token_ids)
        for member in self._register.members():
            if member.token_ids & revoked:
                for box in self._boxes[member.name]:
                    box.part("the token was revoked", reassign=False)

    def farewell(self, reason: str, *, reassign: bool) -> None:
        """Part from every client; with `reassign` they look for another combiner."""
        for boxes in self._boxes.values():
            for box in boxes:
                box.part(reason, reassign=reassign)

    def post(self, name: str, message: pb.TaskMessage) -> None:
        """Put a message into a client's mailbox; for one who is not here it is dropped, as listeners know already."""
        for box in self._boxes.get(name, []):
            box.post(message)

    def names(self) -> frozenset[str]:
        return self._register.names()

    def get(self, name: str) -> Member | None:
        return self._register.get(name)

    def __len__(self) -> int:
        return len(self._register)

    def _strike(self, member: Member) -> None:
        self._boxes.pop(member.name, None)
        self.loads.pop(member.name, None)
        self._register.leave(member.name, instance=member.instance)
        self._tell(member.name, connected=False)

    def _tell(self, name: str, *, connected: bool) -> None:
        for listener in tuple(self._listeners):
            listener(name, connected)
