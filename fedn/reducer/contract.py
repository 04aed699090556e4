"""The routes of 2021, as clients, settings and scripts of that network know them; each a thin form of a present one."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

import yaml
from apiflask import APIBlueprint
from flask import Response, jsonify, request
from pydantic import ValidationError

from fedn.errors import InvalidInput, Unavailable
from fedn.reducer import control, enrolment, models, packages, resets, sessions
from fedn.reducer.api.requests import CombinerAddress, SessionRequest
from fedn.reducer.api.sessions import to_session
from fedn.reducer.context import claims, services
from fedn.reducer.downloads import download
from fedn.reducer.joining import default_days
from fedn.reducer.uploads import received
from fedn.security.tokens import Role
from fedn.stores.documents import Event

blueprint = APIBlueprint("contract", __name__, enable_openapi=False)

_EVENTS = 100
_DEFAULT_CLIENTS = 30


@blueprint.get("/assign")
def assign() -> Response:
    """A combiner for a client, or `retry`. The client trusts exactly the certificate that it is given: the CA's."""
    here = services()
    name, preferred = request.args.get("name", ""), request.args.get("combiner", "")
    try:
        assignment = enrolment.assign(here, name=name, instance="", preferred=preferred, claims=claims(), legacy=True)
    except Unavailable as error:
        return jsonify({"status": "retry", "msg": error.message})
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
def add() -> Response:
    """A combiner announces itself."""
    asked = request.args
    try:
        address = CombinerAddress.model_validate(
            {
                "host": asked.get("address", ""),
                "port": asked.get("port", ""),
                "max_clients": asked.get("max_clients", _DEFAULT_CLIENTS),
            }
        )
    except ValidationError as error:
        raise _invalid(error) from None
    enrolment.register(services(), name=asked.get("name", ""), **address.model_dump(), claims=claims())
    return jsonify({"status": "added", "network_id": services().settings.network_id})


@blueprint.get("/context")
def context() -> Response:
    """The compute package."""
    here = services()
    package = packages.required(here)
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
    """Digests of the compute package."""
    package = packages.required(services())
    return jsonify({"checksum": package.md5, "sha256": package.id})


@blueprint.get("/config/download")
def client_settings() -> Response:
    """A settings file for clients, with a token of its own."""
    here, asked = services(), urlsplit(f"//{request.host}")
    days = default_days(here.settings, Role.CLIENT)
    _, token = here.tokens.issue(Role.CLIENT, days=days, created_by=claims().token_id)
    controller: dict[str, Any] = {
        "discover_host": asked.hostname,
        "discover_port": asked.port or 443,
        "token": token,
    }
    package = packages.active(here)
    if package is not None:
        controller["checksum"] = package.md5
    text = yaml.safe_dump({"network_id": here.settings.network_id, "controller": controller}, sort_keys=False)
    response = Response(text, mimetype="application/yaml")
    response.headers.set("Content-Disposition", "attachment", filename="client.yaml")
    return response


@blueprint.get("/status")
def status() -> Response:
    """What the reducer does."""
    return jsonify({"state": control.state(control.read(services().state))})


@blueprint.get("/events")
def events() -> Response:
    """The newest events."""
    found = services().state.find(Event, limit=_EVENTS)
    return jsonify({"result": [event.to_body() for _, event in found]})


@blueprint.get("/netgraph")
def netgraph() -> Response:
    """Nodes and edges of the network."""
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


@blueprint.post("/models")
def seed() -> Response:
    """Seed the model trail: the form's `seed`."""
    here = services()
    with received(form_field="seed", limit=here.settings.max_model_bytes, setting="max_model_bytes") as file:
        return jsonify(models.brief(models.seed(here, file)))


@blueprint.post("/control")
def start() -> Response:
    """Start rounds: the form's `rounds`, `timeout`, `clients_required`, `clients_requested`, `validate`, `task`."""
    form = request.form.to_dict()
    if "timeout" in form:
        form["round_timeout"] = form.pop("timeout")
    task = form.pop("task", "")
    try:
        wish = SessionRequest.model_validate({**form, "parameters": {"task": task} if task else {}})
    except ValidationError as error:
        raise _invalid(error) from None
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


def _node(name: str, kind: str, *, up: bool) -> dict[str, Any]:
    return {"id": name, "label": name, "role": kind, "status": "active" if up else "inactive"}


def _edge(source: str, target: str) -> dict[str, str]:
    return {"id": f"{source}-{target}", "source": source, "target": target}


def _invalid(error: ValidationError) -> InvalidInput:
    return InvalidInput("; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()))
