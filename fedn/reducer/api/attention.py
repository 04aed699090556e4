"""How the network is, and what needs attention."""

from __future__ import annotations

import time

from apiflask import APIBlueprint

from fedn.reducer import attention
from fedn.reducer.api import answers
from fedn.reducer.context import services

blueprint = APIBlueprint("attention", __name__, url_prefix="/api/v1")


@blueprint.get("/attention")
@blueprint.output(answers.Attention)
def show_attention() -> attention.Survey:
    """How every part of the network is, and what an operator should look at. It answers with a store away, too."""
    return attention.survey(services(), now=time.time())
