"""The reducer's settings, to look at."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint

from fedn.reducer import shown
from fedn.reducer.api import answers
from fedn.reducer.context import services

blueprint = APIBlueprint("settings", __name__, url_prefix="/api/v1")


@blueprint.get("/settings")
@blueprint.output(answers.SettingGroups)
def show_settings() -> dict[str, Any]:
    """The reducer's settings as it runs. Of secrets no more than whether they are set."""
    return {"groups": shown.groups(services().settings)}
