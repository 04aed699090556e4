"""Tags: names that point at one model at a time. Promoting a model is setting the tag `production`."""

from __future__ import annotations

import re
import time

from fedn.errors import InvalidInput, NotFound
from fedn.reducer import journal
from fedn.reducer.services import Services
from fedn.stores.documents import Model, Tag
from fedn.stores.protocols import Delete, Put

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def put(services: Services, name: str, *, model: str, by: str) -> Tag:
    """Have a name point at a model, wherever it pointed before.

    Args:
        model: Id of the model, or another tag on it.
        by: Id of the token that was given to whoever asks.

    Raises:
        InvalidInput: No good name for a tag.
        NotFound: No such model.
    """
    _check(services, name)
    tag = Tag(id=name, model_id=services.trail.get(model).id, at=time.time(), by=by)
    services.state.write(Put(tag))
    message = f"tag {name} set on model {tag.model_id}"
    journal.record(services, "model_tagged", message, tag=name, model_id=tag.model_id)
    return tag


def remove(services: Services, name: str) -> None:
    """Forget a tag; the model stays. NotFound."""
    tag = services.state.get(Tag, name)
    if tag is None:
        raise NotFound(f"no tag {name!r}", hint="`fedn model list` shows the tags")
    services.state.write(Delete(Tag, name))
    message = f"tag {name} taken from model {tag.model_id}"
    journal.record(services, "model_untagged", message, tag=name, model_id=tag.model_id)


def _check(services: Services, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is no name for a tag", hint="1 to 64 letters, digits, '.', '_' and '-', a letter or digit first"
        )
    if _ID.fullmatch(name) or services.state.get(Model, name) is not None:
        raise InvalidInput(f"{name!r} would be taken for a model's id", hint="give the tag a name for people")
