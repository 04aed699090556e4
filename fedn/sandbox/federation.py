"""From a compute package to a trained model: the steps of a sandbox."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from fedn.api import Json, Reducer
from fedn.errors import Conflict, FednError, TrainingFailed
from fedn.sandbox import folder
from fedn.sandbox.preparation import Preparation
from fedn.sandbox.processes import Processes, pending
from fedn.stores.documents import Session

START_SECONDS = 30.0
"""How long a reducer may take to be ready, and combiners and clients to be connected."""

DEATH_SECONDS = 2.0
"""How long after its connections broke a process that dies may take to be gone."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What to run."""

    package: Path
    """A project's folder, or an archive."""
    data_dir: Path = Path("fedn-data")
    rounds: int = 10
    round_timeout: float | None = None
    """Seconds that a round may take; None is a session's own default."""
    clients: int = 4
    combiners: int = 2
    port: int = 8090
    """Of the reducer; 0 takes any free one."""
    seed: int | None = None
    """For the package's entry points and the choice of clients; None is the package's own default."""
    seed_model: Path | None = None
    """In place of the one that the package makes."""
    data: Path | None = None
    """Folder of the clients' data folders 0, 1, …, in place of those that the package makes."""
    environments: Path | None = None
    """Folder of Python environments, shared with others; None keeps them in the data folder."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Of the session, for the package's entry points."""
    fresh: bool = False
    """Whether to empty the data folder first, of all but what can be had again unchanged."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What came of it."""

    rounds: int
    clients: int
    combiners: int
    accuracy: float | None
    """None when the package measures nothing of that name."""
    metrics: dict[str, float]
    seconds: float
    """From the start of the session to its end."""
    seconds_per_round: float
    model_id: str
    model_file: Path
    url: str


class Sandbox:
    """A federation that lives within a `with` block; entering it starts all processes, leaving it ends them.

    Args:
        say: Told each step in a few words.

    Raises:
        TrainingFailed: A process ended that shouldn't have.
        FednError: What a step ran into.
    """

    def __init__(self, plan: Plan, *, say: Callable[[str], object] = lambda text: None) -> None:
        self._plan = plan
        self._say = say
        self._home = plan.data_dir / "sandbox"
        self._session: Session | None = None
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> Sandbox:
        with self._cleanup as cleanup:
            self._start(cleanup)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._say("stopping …")
        with self._cleanup:
            self._stop_session()

    @property
    def url(self) -> str:
        """Where the reducer's pages are."""
        return self.reducer.url

    @property
    def session_id(self) -> str:
        """Of the session that `train` runs; empty before."""
        return self._session.id if self._session else ""

    def train(self) -> Iterator[tuple[str, Json]]:
        """Run a session; yields what happens, as `Reducer.watch_session` does.

        Raises:
            TrainingFailed: A process ended that shouldn't have.
        """
        plan = self._plan
        self._session = self.reducer.start_session(
            rounds=plan.rounds, round_timeout=plan.round_timeout, seed=plan.seed, parameters=plan.parameters
        )
        try:
            yield from self.reducer.watch_session(self._session.id)
        except FednError:
            self._processes.check(grace=DEATH_SECONDS)  # knows more of the reason
            raise

    def result(self) -> Result:
        """What came of the session, with the model's file downloaded.

        Raises:
            TrainingFailed: The session has not finished.
        """
        session = self.reducer.session(self._session.id) if self._session else None
        if session is None or session.state != "finished" or session.started_at is None or session.ended_at is None:
            raise TrainingFailed(f"the session is {session.state if session else 'not started'}, not finished")
        model = self.reducer.model(session.model_id)
        seconds = session.ended_at - session.started_at
        return Result(
            rounds=session.rounds_done,
            clients=len(self.reducer.clients()),
            combiners=len([one for one in self.reducer.combiners() if one["connected"]]),
            accuracy=model.metrics.get("accuracy"),
            metrics=model.metrics,
            seconds=seconds,
            seconds_per_round=seconds / session.rounds_done,
            model_id=model.id,
            model_file=self.reducer.download_model(model.id, self._home),
            url=self.url,
        )

    def wait(self) -> None:
        """Stay up until interrupted; TrainingFailed when a process ends."""
        self._processes.wait()

    def _start(self, cleanup: contextlib.ExitStack) -> None:
        plan = self._plan
        if plan.fresh:
            folder.empty(plan.data_dir)
        environments = plan.environments or plan.data_dir / "cache" / "environments"
        preparation = Preparation(plan.package, self._home, environments=environments, seed=plan.seed, say=self._say)
        self._processes = Processes(plan.data_dir / "log")
        cleanup.callback(self._processes.stop)
        self._say("starting the reducer")
        self._run("reducer", "reducer", "--host", "127.0.0.1", "--port", str(plan.port))
        if preparation.has_environment:  # while the reducer gets up
            preparation.make_environment()
        self._say("preparing the clients' data")
        folders = preparation.data(plan.clients, given=plan.data)
        self.reducer = self._processes.until(self._reach, seconds=START_SECONDS)
        cleanup.callback(self.reducer.close)
        self._end_former_session()
        self._say(f"starting {plan.combiners} combiners")
        for number in range(1, plan.combiners + 1):
            name = f"combiner-{number}"
            address = ("--host", "localhost", "--bind", "127.0.0.1", "--port", "0")
            self._run("combiner", name, "--name", name, *address)
        self._upload(preparation)
        self._processes.until(self._expect_combiners, seconds=START_SECONDS)
        self._say(f"starting {plan.clients} clients")
        for number, data in enumerate(folders, start=1):
            name = f"client-{number}"
            words = ("--name", name, "--environments", str(environments.absolute()))
            self._run("client", name, *words, *(("--data", str(data)) if data else ()))
        self._processes.until(self._expect_clients, seconds=START_SECONDS)

    def _run(self, role: str, name: str, *words: str) -> None:
        self._processes.start(role, name, "--data-dir", str(self._plan.data_dir), *words)

    def _reach(self) -> Reducer:
        """The reducer, once it is ready. Before that its join string is missing, or an old one that leads nowhere."""
        reducer = Reducer.connect(data_dir=self._plan.data_dir)
        try:
            reducer.ready()
        except FednError:
            reducer.close()
            raise
        return reducer

    def _expect_combiners(self) -> None:
        up = [one["name"] for one in self.reducer.combiners() if one["connected"]]
        if len(up) < self._plan.combiners:
            raise pending(f"{len(up)} of {self._plan.combiners} combiners are connected")

    def _expect_clients(self) -> None:
        up = len(self.reducer.clients())
        if up < self._plan.clients:
            raise pending(f"{up} of {self._plan.clients} clients are connected")

    def _upload(self, preparation: Preparation) -> None:
        """The package, and a seed model unless there are models: training then goes on from the newest."""
        self._say("uploading the package")
        try:
            self.reducer.upload_package(preparation.archive)
        except Conflict as error:
            raise Conflict(
                f"{self._plan.data_dir} holds a federation with another compute package",
                hint="--fresh starts anew, --data-dir names another folder",
            ) from error
        if newest := self.reducer.models(1):
            self._say(f"going on from model {newest[0].id}; --fresh starts anew")
        else:
            self._say("seeding the model")
            self.reducer.seed_model(self._plan.seed_model or preparation.seed_model())

    def _end_former_session(self) -> None:
        """One that a sandbox left when it was killed; the reducer would go on with it."""
        for former in self.reducer.sessions(1):
            if former.ended_at is None:
                self.reducer.stop_session(former.id)
                for _ in self.reducer.watch_session(former.id):
                    pass

    def _stop_session(self) -> None:
        """If training was interrupted: combiners then don't wait for the clients' answers."""
        if self._session is not None:
            with contextlib.suppress(FednError):  # the reducer may be what went down
                self.reducer.stop_session(self._session.id)
