"""Combiners, clients, and how they join."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint

from fedn.reducer import control, enrolment, members, places, standing
from fedn.reducer.api import answers, requests
from fedn.reducer.api.pages import everything
from fedn.reducer.context import claims, services
from fedn.reducer.members import Move, RemovedClient
from fedn.reducer.presence import CombinerView
from fedn.version import __version__

blueprint = APIBlueprint("network", __name__, url_prefix="/api/v1")


@blueprint.post("/combiners/<name>/certificate")
@blueprint.input(requests.CertificateRequest, arg_name="body")
@blueprint.output(answers.CertificateAnswer)
def sign_certificate(name: str, body: requests.CertificateRequest) -> dict[str, Any]:
    """Sign a combiner's key, so that its clients can trust it."""
    here = services()
    certificate = enrolment.certificate(here, name=name, csr=body.csr, host=body.host, claims=claims())
    return {
        "certificate": certificate.decode(),
        "token_key": here.tokens.public_key.decode(),
        "network_id": here.settings.network_id,
    }


@blueprint.put("/combiners/<name>")
@blueprint.input(requests.CombinerAddress, arg_name="body")
@blueprint.output(answers.Combiner)
def announce_combiner(name: str, body: requests.CombinerAddress) -> CombinerView:
    """Take a combiner into the network, or note where it is now. The reducer dials it from then on."""
    return enrolment.register(services(), name=name, **body.model_dump(), claims=claims())


@blueprint.get("/combiners")
@blueprint.output(answers.CombinerList)
def list_combiners() -> dict[str, Any]:
    """All combiners that ever announced themselves."""
    return everything(services().network.combiners())


@blueprint.get("/combiners/<name>")
@blueprint.output(answers.Combiner)
def show_combiner(name: str) -> CombinerView:
    """One combiner."""
    return services().network.combiner(name)


@blueprint.delete("/combiners/<name>")
@blueprint.output(answers.Combiner)
def remove_combiner(name: str) -> CombinerView:
    """Forget a combiner that is out of reach, or drained and without clients. With a good token it may join again."""
    return members.remove_combiner(services(), name)


@blueprint.post("/combiners/<name>/drain")
@blueprint.output(answers.Combiner)
def drain_combiner(name: str) -> CombinerView:
    """Have a combiner without clients and rounds, also after a restart, until it is resumed.

    Its clients go to others once its running round is over.
    """
    return members.drain(services(), name)


@blueprint.post("/combiners/<name>/resume")
@blueprint.output(answers.Combiner)
def resume_combiner(name: str) -> CombinerView:
    """Have a drained combiner take clients and rounds again."""
    return members.resume(services(), name)


@blueprint.post("/assignments")
@blueprint.input(requests.AssignmentRequest, arg_name="body")
@blueprint.output(answers.AssignmentAnswer)
def assign_client(body: requests.AssignmentRequest) -> dict[str, Any]:
    """Assign a client to a combiner, and give it a token for there."""
    assignment = enrolment.assign(
        services(), name=body.name, instance=body.instance, preferred=body.preferred, claims=claims()
    )
    combiner = assignment.combiner
    return {
        "combiner": combiner.id,
        "host": combiner.host,
        "port": combiner.port,
        "token": assignment.token,
        "package": assignment.package,
    }


@blueprint.get("/clients")
@blueprint.output(answers.ClientList)
def list_clients() -> dict[str, Any]:
    """The clients that are connected now."""
    return everything(services().network.clients())


@blueprint.delete("/clients/<name>")
@blueprint.input(requests.ClientRemoval, location="query", arg_name="query")
@blueprint.output(answers.RemovedClient)
def remove_client(name: str, query: requests.ClientRemoval) -> RemovedClient:
    """Cut a client off. While its token is good it may come back."""
    return members.remove_client(services(), name, revoke=query.revoke)


@blueprint.post("/clients/<name>/reassign")
@blueprint.input(requests.ReassignRequest, arg_name="body")
@blueprint.output(answers.Move)
def reassign_client(name: str, body: requests.ReassignRequest) -> Move:
    """Have a client go to another combiner, once it has delivered what it is at."""
    return members.reassign(services(), name, combiner=body.combiner)


@blueprint.get("/places")
@blueprint.output(answers.Places)
def show_places() -> places.Found:
    """Where combiners and clients are, as the reducer's `geoip_database` has it; of clients to the degree alone."""
    here = services()
    return places.of(here.network, here.places)


@blueprint.get("/network")
@blueprint.output(answers.Network)
def show_network() -> dict[str, Any]:
    """The whole network as it is now."""
    here = services()
    combiners, clients = here.network.combiners(), here.network.clients()
    current = control.read(here.state)
    return {
        "reducer": {
            "network_id": here.settings.network_id,
            "version": __version__,
            "state": standing.state(here),
            "session_id": current.session_id,
            "package_id": current.package_id,
            "latest_model": current.latest_model,
            "legacy_clients": here.settings.legacy_clients,
        },
        "combiners": combiners,
        "clients": clients,
        "edges": [
            *({"source": "reducer", "target": combiner.name} for combiner in combiners),
            *({"source": client.combiner, "target": client.name} for client in clients),
        ],
        "standings": here.running.standings(current.session_id),
    }
