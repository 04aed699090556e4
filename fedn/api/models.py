"""The model trail, the files in it, and the tags on it."""

from __future__ import annotations

from pathlib import Path

from fedn.api.calls import Calls, Json, address
from fedn.core import weights
from fedn.errors import Corrupt
from fedn.security.digest import sha256_file
from fedn.stores.documents import Model, Tag


class ModelCalls(Calls):
    def models(self, limit: int | None = None) -> list[Model]:
        """The newest `limit` models of the trail, or all; without their `updates`, which `model` has."""
        return [Model.from_body(body) for body in self._items("models", limit=limit)]

    def model(self, model_id: str) -> Model:
        """The record of a model, by its id or a tag; NotFound."""
        return Model.from_body(self._get("models", model_id))

    def seed_model(self, path: str | Path) -> Model:
        """Commit a file as a seed model; InvalidModel when it doesn't load or is not finite.

        It is looked at before it is sent, so that the error can name it.
        """
        weights.read(Path(path))
        return Model.from_body(self._http.upload(address("models"), Path(path)))

    def download_model(self, model_id: str, target: str | Path) -> Path:
        """Write a model's file to `target`, whole and checked or not at all; Corrupt when it arrives changed.

        Args:
            model_id: Id of the model, or a tag.
            target: The file, or a folder, in which it is named after the model and its format: `model-ID.npz`.

        Returns:
            The file.
        """
        target = Path(target)
        model = self.model(model_id)
        name = f"model-{model_id}" if target.is_dir() else target.name
        partial = (target if target.is_dir() else target.parent) / f".{name}.part"
        self._http.download(address("models", model.id, "data"), partial)
        if sha256_file(partial) != model.sha256:
            partial.unlink()
            raise Corrupt(f"model {model_id} arrived changed", hint="try again")
        if target.is_dir():
            target /= f"{name}{weights.format_of(partial).suffix}"
        return partial.replace(target)

    def lineage(self, model_id: str, limit: int = 100) -> list[Model]:
        """A model, by its id or a tag, its parent and so on: up to `limit` of at most 1,000; NotFound."""
        found = self._http.get(address("models", model_id, "lineage"), limit=limit)["items"]
        return [Model.from_body(body) for body in found]

    def compare_models(self, a: str, b: str) -> Json:
        """How far two models, by ids or tags, lie apart: `{a, b, arrays, total}`, norms with the records of both.

        Raises:
            Conflict: They are not made of the same arrays.
        """
        return self._get("models", a, "difference", b)

    def tags(self) -> list[Tag]:
        """The names of models."""
        return [Tag.from_body(body) for body in self._items("tags")]

    def tag_model(self, name: str, model_id: str) -> Tag:
        """Have a name point at a model, by its id or another tag; InvalidInput where it is no good name."""
        return Tag.from_body(self._http.put(address("tags", name), {"model": model_id}))

    def untag_model(self, name: str) -> None:
        """Forget a tag; the model stays. NotFound."""
        self._http.delete(address("tags", name))
