"""Logging in and out, for browsers."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify

from fedn.errors import Forbidden
from fedn.reducer import browsers
from fedn.reducer.api import answers, requests
from fedn.reducer.context import claims, services
from fedn.security.join import JoinString
from fedn.security.policy import VIEWER

blueprint = APIBlueprint("logins", __name__, url_prefix="/api/v1")


@blueprint.post("/login")
@blueprint.input(requests.LoginRequest, arg_name="body")
@blueprint.output(answers.Login)
def log_in(body: requests.LoginRequest) -> Any:
    """Log a browser in by a token, or a join string that has one: the answer sets a cookie for the pages."""
    browsers.refuse_foreign()
    here, given = services(), body.token.strip()
    found = here.tokens.verify(JoinString.parse(given).token if "://" in given else given)
    if found.role not in VIEWER:
        raise Forbidden(
            f"the token is for a {found.role.value}, and the pages are for operators and viewers",
            hint="the reducer's data folder has one in join/operator; `fedn token create --role viewer` makes another",
        )
    token, seconds = here.tokens.for_login(found)
    response = jsonify({"role": found.role.value, "seconds": seconds})
    browsers.set_cookie(response, here, token, seconds=seconds)
    return response


@blueprint.post("/logout")
@blueprint.output({}, status_code=204)
def log_out() -> Response:
    """Have the browser forget its login."""
    here = services()
    here.tokens.end_login(claims())
    response = Response(status=204)
    browsers.set_cookie(response, here, "", seconds=0)
    return response
