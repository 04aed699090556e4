"""A combiner's certificate is renewed while it serves."""

from __future__ import annotations

from fedn.combiner.enrolment import Identity, request_identity
from fedn.errors import Forbidden, Unauthenticated
from fedn.rpc.http import Http
from fedn.rpc.renewal import Renewal
from fedn.rpc.server import ServerCertificate


def renewal(http: Http, shown: ServerCertificate, identity: Identity, *, name: str, host: str) -> Renewal:
    """Has the reducer sign a fresh key in time, and new connections see its certificate; from its `start` on."""

    def renew() -> bytes:
        try:
            fresh = request_identity(http, name=name, host=host)
        except (Unauthenticated, Forbidden) as error:
            hint = "if it stays so, start this combiner anew with a string from `fedn token create --role combiner`"
            raise type(error)(error.message, hint=hint) from error
        shown.show(key_pem=fresh.key_pem, certificate_pem=fresh.certificate_pem)
        return fresh.certificate_pem

    return Renewal(identity.certificate_pem, renew)
