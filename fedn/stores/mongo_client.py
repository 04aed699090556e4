"""The way to a MongoDB server: the connection that the settings describe, and its errors in FEDn's words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pymongo
from pymongo import MongoClient, errors

from fedn.config import MongoSettings
from fedn.errors import ConfigError, FednError, Forbidden, TooLarge, Unavailable

UNAUTHORIZED, AUTHENTICATION_FAILED, TOO_LARGE = 13, 18, (10334, 17280, 17419, 17420)
KEY = "statestore.mongo_config"


class Connection:
    """One server or replica set; everything about it that can fail does so as an error of `fedn.errors`.

    Raises:
        ConfigError: The settings contradict the server or themselves.
    """

    def __init__(self, settings: MongoSettings, *, network_id: str) -> None:
        self.settings, self.network_id = settings, network_id
        if re.search(r"[/@]", settings.host):  # which might hold a password, so it isn't repeated
            hint = "give user and password in settings of their own"
            raise ConfigError(f"{KEY}.host: names hosts, not a URI", hint=hint)
        hosts = [host.strip() for host in settings.host.split(",")]
        self.place = ",".join(host if re.search(r":\d+$", host) else f"{host}:{settings.port}" for host in hosts)
        milliseconds = int(settings.timeout * 1000)
        options: dict[str, Any] = {
            "appname": "fedn",
            "directConnection": len(hosts) == 1 and not settings.replica_set,
            "replicaSet": settings.replica_set or None,
            "w": "majority",
            "journal": True,
            "readConcernLevel": "majority",
            **dict.fromkeys(("serverSelectionTimeoutMS", "connectTimeoutMS", "socketTimeoutMS"), milliseconds),
        }
        if settings.username:
            options |= {
                "username": settings.username,
                "password": settings.password,
                "authSource": settings.auth_source,
            }
        if settings.tls:
            options |= {"tls": True, "tlsCAFile": _file(settings, "tls_ca_file")}
            options |= {"tlsCertificateKeyFile": _file(settings, "tls_certificate_key_file")}
        with self.mapped_errors():
            self.client: MongoClient[dict[str, Any]] = MongoClient(
                hosts, settings.port, **{name: value for name, value in options.items() if value is not None}
            )

    def check_kind(self) -> None:
        """`ConfigError` for a server that has no transactions."""
        with self.mapped_errors():
            hello = self.client.admin.command("hello")
        if not hello.get("setName") and hello.get("msg") != "isdbgrid":
            raise ConfigError(
                f"MongoDB at {self.place} is a standalone server, which has no transactions",
                hint="start mongod with --replSet rs0 and run rs.initiate() once; a set of one member will do",
            )
        if not hello.get("isWritablePrimary"):
            raise Unavailable(
                f"MongoDB at {self.place} isn't the primary of its replica set",
                hint=f"set {KEY}.replica_set to {hello.get('setName')}, so that the primary is found",
            )

    @contextmanager
    def mapped_errors(self) -> Iterator[None]:
        try:
            yield
        except errors.PyMongoError as error:
            raise self._mapped(error) from error

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Mapped errors, and no longer than the setting `timeout` for all that is asked of the server meanwhile."""
        with self.mapped_errors(), pymongo.timeout(self.settings.timeout):
            yield

    def _mapped(self, error: errors.PyMongoError) -> FednError:  # noqa: PLR0911
        place, user = f"MongoDB at {self.place}", self.settings.username
        if isinstance(error, errors.ConfigurationError):
            return ConfigError(f"{KEY}: {error}")
        if isinstance(error, errors.InvalidName):
            return ConfigError(f"network_id {self.network_id!r} can't name a database: {error}")
        code = error.code if isinstance(error, errors.OperationFailure) else None
        if isinstance(error, errors.DocumentTooLarge) or code in TOO_LARGE:
            return TooLarge(f"{place} takes no document above 16 MB")
        if code == AUTHENTICATION_FAILED:
            return ConfigError(
                f"{place} refuses the user {user!r}", hint=f"check {KEY}.username, {KEY}.password and {KEY}.auth_source"
            )
        if code == UNAUTHORIZED and not user:
            return ConfigError(f"{place} wants a user", hint=f"set {KEY}.username and {KEY}.password")
        if code == UNAUTHORIZED:
            command = re.search(r"to execute command \{ (\w+)", str(error))
            return Forbidden(
                f"{place}: the user {user!r} may not {command[1] if command else 'do this'} in {self.network_id!r}",
                hint=f"grant it the role readWrite on the database {self.network_id}",
            )
        # The driver's own words about its time limits and about all servers it knows follow the cause.
        cause = re.split(r" \(configured|, Timeout:|, full error:", str(error), maxsplit=1)[0]
        if "certificate verify failed" in cause:
            hint = f"check {KEY}.tls_ca_file"
            return ConfigError(f"{place} shows a certificate that isn't trusted: {cause}", hint=hint)
        hint = f"is it started? check {KEY}.host and {KEY}.port"
        return Unavailable(f"{place}: {cause.removeprefix(f'{self.place}: ')}", hint=hint)


def _file(settings: MongoSettings, name: str) -> str | None:
    path = getattr(settings, name)
    if path and not Path(path).is_file():
        raise ConfigError(f"{KEY}.{name}: there is no file {path}")
    return path or None
