"""The routes of 2021, as clients, settings and scripts of that network know them; each a thin form of a present one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import wraps
from typing import Any

from apiflask import APIBlueprint
from flask import Response, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from fedn.errors import FednError, InvalidInput, NotFound, Unavailable
from fedn.reducer import browsers, control, enrolment, joining, journal, models, packages, resets, sessions, standing
from fedn.reducer.api.requests import CombinerAddress, SessionRequest
from fedn.reducer.api.sessions import to_session
from fedn.reducer.api.tokens import address
from fedn.reducer.context import claims, login, services
from fedn.reducer.downloads import download
from fedn.reducer.plots import figures, metrics
from fedn.reducer.ui import events as event_pages
from fedn.reducer.ui import packages as package_page
from fedn.reducer.uploads import received
from fedn.security.tokens import Role
from fedn.stores.documents import Event, Package

blueprint = APIBlueprint("contract", __name__, enable_openapi=False)

_EVENTS = 100
_DEFAULT_CLIENTS = 30


def _or_retry(view: Callable[[], Response]) -> Callable[[], Response]:
    """Answer `retry` with the reason, where it can't be now and may be later."""

    @wraps(view)
    def answer() -> Response:
        try:
            return view()
        except FednError as error:
            if not error.retryable:
                raise
            return jsonify({"status": "retry", "msg": error.message})

    return answer


@blueprint.get("/assign")
@_or_retry
def assign() -> Response:
    """A combiner for a client, or `retry`. The client trusts exactly the certificate that it is given: the CA's."""
    here, name, preferred = services(), _name(), request.args.get("combiner", "")
    if here.settings.legacy_clients and packages.active(here) is None:
        raise Unavailable("there is no compute package")  # such a client fetches it next, and asks but once
    assignment = enrolment.assign(here, name=name, instance="", preferred=preferred, claims=claims(), legacy=True)
    combiner = assignment.combiner
    return jsonify(
        {
            "status": "assigned",
            "host": combiner.host,
            "ip": combiner.host,
            "port": combiner.port,
            "certificate": base64.b64encode(here.authority.certificate_pem).decode(),
            "model_type": control.read(here.state).helper,
        }
    )


@blueprint.get("/add")
@_or_retry
def add() -> Response:
    """A combiner announces itself, or is told `retry`."""
    asked, name = request.args, _name()
    try:
        address = CombinerAddress.model_validate(
            {
                "host": asked.get("address", ""),
                "port": asked.get("port", ""),
                "max_clients": asked.get("max_clients", _DEFAULT_CLIENTS),
            }
        )
    except ValidationError as error:
        raise _invalid(error, host="address") from None
    enrolment.register(services(), name=name, **address.model_dump(), claims=claims())
    return jsonify({"status": "added", "network_id": services().settings.network_id})


@blueprint.get("/context")
def context() -> ResponseReturnValue:
    """The compute package, or the one of the name `name`. A browser gets the page of packages."""
    if "name" not in request.args and browsers.asks_for_page():
        return package_page.show()
    here, package = services(), _package()
    return download(packages.content(here, package), size=package.size, sha256=package.id, name=package.name)


@blueprint.post("/context")
def upload_context() -> Response:
    """Upload the compute package: the form's `file` and `helper`."""
    here = services()
    with received(form_field="file", limit=here.settings.max_package_bytes, setting="max_package_bytes") as file:
        name = request.files["file"].filename if "file" in request.files else ""
        package = packages.upload(here, file, name=name or "", helper=request.form.get("helper", ""))
    return jsonify({"status": "added", **package.to_body()})


@blueprint.get("/checksum")
def checksum() -> Response:
    """Digests of the compute package, or of the one of the name `name`."""
    package = _package()
    return jsonify({"checksum": package.md5, "sha256": package.id})


@blueprint.get("/config/download")
def client_settings() -> ResponseReturnValue:
    """A settings file for clients, with a token of its own. A browser is led to the page that makes one by a form."""
    if login():
        return redirect("/access", 303)  # a link makes no token: whoever has a browser follow it need not be its user
    here, (host, port) = services(), address()
    days = joining.default_days(here.settings, Role.CLIENT)
    document, token = here.tokens.issue(Role.CLIENT, days=days, created_by=claims().origin)
    journal.record(here, "token_created", "token for a client created", token_id=document.id, name="")
    text = joining.client_settings(here, token, host=host, port=port)
    response = Response(text, mimetype="application/yaml")
    response.headers.set("Content-Disposition", "attachment", filename="client.yaml")
    return response


@blueprint.get("/status")
def status() -> Response:
    """What the reducer does: setup, idle, instructing or monitoring."""
    return jsonify({"state": standing.state(services())})


@blueprint.get("/events")
def events() -> ResponseReturnValue:
    """The newest events. A browser gets their page."""
    if browsers.asks_for_page():
        return event_pages.show()
    found = services().state.find(Event, limit=_EVENTS)
    return jsonify({"result": [event.to_body() for _, event in found]})


@blueprint.get("/netgraph")
def netgraph() -> ResponseReturnValue:
    """Nodes and edges of the network. A browser is led to their page."""
    if browsers.asks_for_page():
        return redirect("/network", 303)
    network = services().network
    nodes = [_node("reducer", "reducer", up=True)]
    edges = []
    for combiner in network.combiners():
        nodes.append(_node(combiner.name, "combiner", up=combiner.connected))
        edges.append(_edge("reducer", combiner.name))
    for client in network.clients():
        nodes.append(_node(client.name, "client", up=True))
        edges.append(_edge(client.combiner, client.name))
    return jsonify({"nodes": nodes, "edges": edges})


@blueprint.get("/metric_type")
def metric_type() -> Response:
    """The box plot of the metric `selected`, or of the first by name, as a Plotly figure."""
    return jsonify(figures.escaped(metrics.box_plot(services().gists, request.args.get("selected", ""))))


@blueprint.post("/models")
def seed() -> Response:
    """Seed the model trail: the form's `seed`."""
    here = services()
    with received(form_field="seed", limit=here.settings.max_model_bytes, setting="max_model_bytes") as file:
        return jsonify(models.brief(models.seed(here, file)))


@blueprint.post("/control")
def start() -> Response:
    """Start rounds: the form's `rounds`, `timeout`, `clients_required`, `clients_requested`, `validate`, `task`."""
    form = {name: value for name, value in request.form.items() if value}  # an empty field is one that is left out
    if "timeout" in form:
        form["round_timeout"] = form.pop("timeout")
    task = form.pop("task", "")
    try:
        wish = SessionRequest.model_validate({**form, "parameters": {"task": task} if task else {}})
    except ValidationError as error:
        raise _invalid(error, round_timeout="timeout") from None
    return jsonify(sessions.start(services(), to_session(wish)).to_body())


@blueprint.post("/delete_model_trail")
def delete_model_trail() -> Response:
    """Forget all models."""
    resets.delete_model_trail(services())
    return jsonify({"status": "deleted"})


@blueprint.post("/drop_control")
def drop_control() -> Response:
    """Forget all but who belongs to the network."""
    resets.drop_control(services())
    return jsonify({"status": "dropped"})


def _name() -> str:
    """Of who asks."""
    name = request.args.get("name", "")
    if not name:
        raise InvalidInput(f"{request.path} takes a name", hint=f"say who you are: {request.path}?name=NAME")
    return name


def _package() -> Package:
    """The network's package, or the newest of the name that is asked for.

    Raises:
        NotReady: The network has none.
        NotFound: None has that name.
    """
    here = services()
    active, name = packages.required(here), request.args.get("name", "")
    if name in ("", active.name):
        return active
    for _, package in here.state.find(Package, where={"name": name}, limit=1):
        return package
    raise NotFound(f"no compute package {name!r}", hint=f"the network's is {active.name}; without a name, this is it")


def _node(name: str, kind: str, *, up: bool) -> dict[str, Any]:
    return {"id": name, "label": name, "role": kind, "status": "active" if up else "inactive"}


def _edge(source: str, target: str) -> dict[str, str]:
    return {"id": f"{source}-{target}", "source": source, "target": target}


def _invalid(error: ValidationError, **asked: str) -> InvalidInput:
    """What doesn't fit, by the names under which it is asked for here."""
    faults = ((".".join(map(str, one["loc"])), one["msg"]) for one in error.errors())
    return InvalidInput("; ".join(f"{asked.get(name, name)}: {fault}" for name, fault in faults))
