"""Tokens: issued, listed, revoked."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from apiflask import APIBlueprint
from flask import request

from fedn.reducer import journal
from fedn.reducer.api import answers, requests
from fedn.reducer.api.pages import page
from fedn.reducer.context import claims, services
from fedn.reducer.joining import client_settings, default_days, is_local
from fedn.security.tokens import Role
from fedn.stores.documents import Token

blueprint = APIBlueprint("tokens", __name__, url_prefix="/api/v1")

_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  where a reducer listens that others may dial


@blueprint.post("/tokens")
@blueprint.input(requests.TokenRequest, arg_name="body")
@blueprint.output(answers.TokenAnswer, status_code=201)
def create_token(body: requests.TokenRequest) -> dict[str, Any]:
    """Issue a token. It is shown this once and kept nowhere."""
    here, role = services(), Role(body.role)
    days = body.days or default_days(here.settings, role)
    document, token = here.tokens.issue(role, days=days, subject=body.name, created_by=claims().origin)
    journal.record(here, "token_created", f"token for a {role.value} created", token_id=document.id, name=body.name)
    host, port = address()
    return {
        "id": document.id,
        "role": role.value,
        "token": token,
        "join": here.tokens.join_string(token, host=host, port=port),
        "settings": client_settings(here, token, host=host, port=port) if role is Role.CLIENT else "",
        "expires_at": document.expires_at,
        "warning": _warning(host),
    }


@blueprint.get("/tokens")
@blueprint.input(requests.Page, location="query", arg_name="query")
@blueprint.output(answers.TokenList)
def list_tokens(query: requests.Page) -> dict[str, Any]:
    """What tokens were issued, newest first; not the tokens themselves."""
    return page(Token, query)


@blueprint.post("/tokens/<token_id>/revoke")
@blueprint.output(answers.Token)
def revoke_token(token_id: str) -> Token:
    """Make a token, and all that was derived from it, no good from now on."""
    here = services()
    document = here.tokens.revoke(token_id)
    here.links.push_policy()
    journal.record(here, "token_revoked", f"token of a {document.role} revoked", token_id=token_id)
    return document


def address() -> tuple[str, int]:
    """Where who asks found the reducer. Someone on its own machine knows less of that than the settings do."""
    asked = urlsplit(f"//{request.host}")
    host, names = asked.hostname or "localhost", services().settings.names
    return names[0] if names and is_local(host) else host, asked.port or 443


def _warning(host: str) -> str:
    """What is to be known of a join string with this address; empty for one that is good wherever the reducer is."""
    if not is_local(host) or services().settings.host not in _EVERYWHERE:
        return ""
    return (
        f"the join string says {host}, so it is good on the reducer's own machine only; for others set names in the "
        "reducer's settings to how they dial it, and start it anew"
    )
