"""Every error FEDn raises, in one tree.

    FednError
    ├── InvalidInput            what was handed in is wrong; repeating it can't help
    │   ├── ConfigError         a settings file, flag or environment variable
    │   ├── InvalidModel        a model file that doesn't load, or holds what can't be averaged
    │   ├── InvalidUpdate       an update that doesn't fit the model of its round
    │   ├── InvalidPackage      a compute package or its fedn.yaml
    │   └── TooLarge            over a size limit
    ├── Unauthenticated         no token, or one that is expired, revoked or of another network
    ├── Forbidden               a valid token that may not do this
    ├── NotFound                no such model, session, client, …
    ├── Conflict                true a moment ago, or still in the way
    │   ├── NameInUse           another live process holds this name
    │   ├── SessionRunning      one session at a time
    │   └── StaleRevision       the document changed since it was read (retry with a fresh read)
    ├── NotReady                a step is missing: no package, no seed model, too few clients
    ├── Unavailable             the other side can't be reached, or has no room
    ├── WrongService            someone answers there, but not the service that was expected
    ├── DeadlineExceeded        it took longer than it may
    ├── Corrupt                 stored or transferred bytes differ from their digest
    ├── EntryPointFailed        the compute package's own command failed
    └── TrainingFailed          a session ended without reaching its goal

An error is raised where the cause is known, with a message that says what is wrong and a hint that says what to do.
`code` names the kind on every wire (HTTP, gRPC, JSON on the command line) and never changes; `retryable` says whether
the same call may succeed later. How a code maps to an HTTP status, a gRPC status or an exit code stands once each, in
`reducer/problems.py`, `rpc/status.py` and `cli/exits.py`.
"""

from __future__ import annotations

from collections.abc import Iterator


class FednError(Exception):
    """Root of the tree.

    Args:
        message: What is wrong, for people, without secrets.
        hint: What to do about it; may be empty.
    """

    code = "internal"
    retryable = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class InvalidInput(FednError):
    code = "invalid_input"


class ConfigError(InvalidInput):
    code = "invalid_settings"


class InvalidModel(InvalidInput):
    code = "invalid_model"


class InvalidUpdate(InvalidInput):
    code = "invalid_update"


class InvalidPackage(InvalidInput):
    code = "invalid_package"


class TooLarge(InvalidInput):
    code = "too_large"


class Unauthenticated(FednError):
    code = "unauthenticated"


class Forbidden(FednError):
    code = "forbidden"


class NotFound(FednError):
    code = "not_found"


class Conflict(FednError):
    code = "conflict"


class NameInUse(Conflict):
    code = "name_in_use"


class SessionRunning(Conflict):
    code = "session_running"


class StaleRevision(Conflict):
    code = "stale_revision"
    retryable = True


class NotReady(FednError):
    code = "not_ready"


class Unavailable(FednError):
    code = "unavailable"
    retryable = True


class WrongService(FednError):
    code = "wrong_service"


class DeadlineExceeded(FednError):
    code = "deadline_exceeded"
    retryable = True


class Corrupt(FednError):
    code = "corrupt"
    retryable = True


class EntryPointFailed(FednError):
    """Args:
    output: The end of what the command printed.
    """

    code = "entry_point_failed"

    def __init__(self, message: str, *, hint: str = "", output: str = "") -> None:
        super().__init__(message, hint=hint)
        self.output = output


class TrainingFailed(FednError):
    code = "training_failed"


def _tree(root: type[FednError]) -> Iterator[type[FednError]]:
    yield root
    for child in root.__subclasses__():
        yield from _tree(child)


def from_code(code: str, message: str, *, hint: str = "") -> FednError:
    """Rebuild the error that crossed a wire as `code`; an unknown code becomes a plain `FednError`."""
    kind = next((kind for kind in _tree(FednError) if kind.code == code), FednError)
    return kind(message, hint=hint)
