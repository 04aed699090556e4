"""A client of the 2021 network, written from the contract alone: it knows nothing of FEDn but names on the wire.

    python client.py -d REDUCER -p 8090 -t TOKEN -n NAME

It works in the current folder, unpacks the compute package to `client/` there, and leaves `data/` beside it to the
package. `fedn_pb2` and `fedn_pb2_grpc` are made by protoc (see `frozen.py`). What it does, in order, as numbered below:

1. `GET /assign` until it is assigned to a combiner, then `GET /context` and `GET /checksum`: the compute package.
2. Dials the combiner. With a `certificate` in the answer it speaks TLS, and trusts these PEM bytes as the only root.
3. Sends a heartbeat every 2 s, and opens two streams of tasks, each in a thread. Its name in `sender` is all it gives.
4. Asked for a model update: downloads the model, runs `train IN OUT`, uploads OUT and announces it, without a number of
   examples.
5. Asked for a validation: downloads the model, runs `validate IN OUT`, and sends the JSON of OUT.
6. Tells of each step with a status message.
7. After an RPC error it waits 5 s and opens the stream again.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fedn_pb2 as fedn
import fedn_pb2_grpc as rpc
import grpc
import requests
import urllib3
import yaml
from google.protobuf.json_format import MessageToJson

HEARTBEAT_SECONDS = 2.0
PIECE = 1024 * 1024


class Reducer:
    """Step 1: what is asked of the reducer over HTTPS."""

    def __init__(self, settings: argparse.Namespace) -> None:
        self._url = f"https://{settings.discover_host}:{settings.discover_port}"
        self._headers = {"Authorization": f"Token {settings.token}"}
        self._verify = settings.preshared_cert or settings.verify_cert
        self._name = settings.name
        self._wait = settings.wait

    def assign(self, preferred: str) -> dict[str, Any]:
        """Where to work: host, port and certificate of a combiner."""
        while True:
            answer: dict[str, Any] = self._get("/assign", name=self._name, combiner=preferred).json()
            if answer["status"] == "assigned":
                return answer
            say(f"no place yet: {answer}")
            time.sleep(self._wait)

    def package(self, checksum: str) -> bytes:
        """The archive of the compute package, which must have the reducer's checksum, and that of the settings."""
        archive = self._get("/context").content
        digest = hashlib.md5(archive).hexdigest()
        for wanted in (self._get("/checksum").json()["checksum"], checksum or digest):
            if digest != wanted:
                sys.exit(f"the compute package has MD5 {digest}, not {wanted}")
        return archive

    def _get(self, path: str, **query: str) -> requests.Response:
        url = f"{self._url}{path}"
        response = requests.get(url, params=query, headers=self._headers, verify=self._verify, timeout=30)
        if not response.ok:
            sys.exit(f"the reducer answered {path} with {response.status_code}: {response.text}")
        return response


class Package:
    """The compute package: commands that read one file and write another."""

    def __init__(self, archive: bytes) -> None:
        shutil.rmtree("client", ignore_errors=True)
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(filter="data")
        self._commands = yaml.safe_load(Path("client/fedn.yaml").read_text())["entry_points"]
        if "startup" in self._commands:
            self._run("startup")

    def run(self, entry_point: str, source: bytes) -> bytes:
        """Run `train` or `validate` on a model, and return what it left; raises CalledProcessError or OSError."""
        with tempfile.TemporaryDirectory() as folder:
            in_path, out_path = Path(folder, "in.npz"), Path(folder, "out.npz")
            in_path.write_bytes(source)
            self._run(entry_point, str(in_path), str(out_path))
            return out_path.read_bytes()

    def _run(self, entry_point: str, *paths: str) -> None:
        command = shlex.split(self._commands[entry_point]["command"])
        subprocess.run([*command, *paths], cwd="client", check=True)


class Client:
    """Steps 3 to 7: the work at the combiner."""

    def __init__(self, settings: argparse.Namespace, channel: grpc.Channel, package: Package) -> None:
        self._package = package
        self._wait = settings.wait
        self._self = fedn.Client(name=settings.name, role=fedn.WORKER)
        self._transfers = self._self if settings.named_transfers else None
        self._connector = rpc.ConnectorStub(channel)
        self._combiner = rpc.CombinerStub(channel)
        self._models = rpc.ModelServiceStub(channel)

    def start(self) -> None:
        """Step 3: a thread for the heartbeats and one for each stream."""
        for work in (self._beat, self._train_on_request, self._validate_on_request):
            threading.Thread(target=work, daemon=True).start()

    def _beat(self) -> None:
        while True:
            try:
                self._connector.SendHeartbeat(fedn.Heartbeat(sender=self._self))
            except grpc.RpcError as error:
                say(f"heartbeat: {error.code()}: {error.details()}")
            time.sleep(HEARTBEAT_SECONDS)

    def _train_on_request(self) -> None:
        self._follow(self._combiner.ModelUpdateRequestStream, self._train)

    def _validate_on_request(self) -> None:
        self._follow(self._combiner.ModelValidationRequestStream, self._validate)

    def _follow(self, stream: Callable[..., Iterator[Any]], work: Callable[[Any], None]) -> None:
        """Do what a stream asks for; step 7: open it again whenever it breaks."""
        hello = fedn.ClientAvailableMessage(sender=self._self)
        while True:
            try:
                for request in stream(hello, metadata=(("client", self._self.name),)):
                    if request.sender.role == fedn.COMBINER:
                        self._answer(request, work)
            except grpc.RpcError as error:
                say(f"stream: {error.code()}: {error.details()}")
                time.sleep(self._wait)

    def _answer(self, request: Any, work: Callable[[Any], None]) -> None:
        try:
            work(request)
        except (subprocess.CalledProcessError, OSError, LookupError, ValueError) as error:
            self._tell(f"the task failed: {error}", request, level=fedn.Status.WARNING)

    def _train(self, request: Any) -> None:
        """Step 4."""
        began = time.monotonic()
        self._tell("asked for a model update", request, kind=fedn.MODEL_UPDATE_REQUEST)
        model, fetched = self._download(request.model_id), time.monotonic()
        update, trained = self._package.run("train", model), time.monotonic()
        update_id = str(uuid.uuid4())
        self._models.Upload(self._pieces(update_id, update))
        ended = time.monotonic()
        meta = {
            "fetch_model": fetched - began,
            "exec_training": trained - fetched,
            "upload_model": ended - trained,
            "processing_time": ended - began,
        }
        message = fedn.ModelUpdate(
            sender=self._self,
            receiver=request.sender,
            model_id=request.model_id,
            model_update_id=update_id,
            correlation_id=request.correlation_id,
            timestamp=time.ctime(),
            meta=json.dumps(meta),
        )
        self._combiner.SendModelUpdate(message)
        self._tell("model update sent", message, kind=fedn.MODEL_UPDATE)

    def _validate(self, request: Any) -> None:
        """Step 5."""
        self._tell("asked for a validation", request, kind=fedn.MODEL_VALIDATION_REQUEST)
        result = json.loads(self._package.run("validate", self._download(request.model_id)))
        message = fedn.ModelValidation(
            sender=self._self,
            receiver=request.sender,
            model_id=request.model_id,
            data=json.dumps(result),
            correlation_id=request.correlation_id,
            timestamp=time.ctime(),
        )
        self._combiner.SendModelValidation(message)
        self._tell("validation sent", message, kind=fedn.MODEL_VALIDATION)

    def _tell(self, text: str, about: Any, *, kind: int = fedn.LOG, level: int = fedn.Status.AUDIT) -> None:
        """Step 6."""
        status = fedn.Status(sender=self._self, status=text, log_level=level, type=kind, data=MessageToJson(about))
        self._connector.SendStatus(status)
        say(f"{text} ({about.correlation_id})")

    def _download(self, model_id: str) -> bytes:
        """Pieces come with IN_PROGRESS; the end is OK without data, and FAILED means that there is no such model."""
        content = b""
        for piece in self._models.Download(fedn.ModelRequest(sender=self._transfers, id=model_id)):
            if piece.status == fedn.IN_PROGRESS:
                content += piece.data
            elif piece.status == fedn.OK:
                return content
            else:
                break
        raise LookupError(f"no model {model_id}")

    def _pieces(self, update_id: str, update: bytes) -> Iterator[Any]:
        for start in range(0, len(update), PIECE):
            data = update[start : start + PIECE]
            yield fedn.ModelRequest(sender=self._transfers, id=update_id, data=data, status=fedn.IN_PROGRESS)
        yield fedn.ModelRequest(sender=self._transfers, id=update_id, status=fedn.OK)


def dial(assigned: dict[str, Any]) -> grpc.Channel:
    """Step 2."""
    target = f"{assigned['host']}:{assigned['port']}"
    certificate = base64.b64decode(assigned["certificate"])
    if not certificate:
        return grpc.insecure_channel(target)
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(root_certificates=certificate))


def settings_of(words: list[str]) -> argparse.Namespace:
    """The flags, and over them the settings file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-d", "--discoverhost", dest="discover_host")
    parser.add_argument("-p", "--discoverport", dest="discover_port", default="8090")
    parser.add_argument("-t", "--token")
    parser.add_argument("-n", "--name", default=f"client{uuid.uuid4().hex[:8]}")
    parser.add_argument("-c", "--preferred-combiner", default="")
    parser.add_argument("-v", "--verify-cert", action="store_true")
    parser.add_argument("-pc", "--preshared-cert", help="PEM file of the reducer's certificate")
    parser.add_argument("-in", "--init", type=Path, help="settings file, client.yaml")
    parser.add_argument("--checksum", default="")
    parser.add_argument("--wait", type=float, default=5.0, help="seconds before it tries again")
    parser.add_argument("--named-transfers", action="store_true", help="give the name in uploads and downloads, too")
    settings = parser.parse_args(words)
    if settings.init:
        vars(settings).update(yaml.safe_load(settings.init.read_text())["controller"])
    return settings


def say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    settings = settings_of(sys.argv[1:])
    reducer = Reducer(settings)
    assigned = reducer.assign(settings.preferred_combiner)
    say(f"assigned to {assigned['host']}:{assigned['port']}")
    package = Package(reducer.package(settings.checksum))
    Client(settings, dial(assigned), package).start()
    say("at work")
    threading.Event().wait()


if __name__ == "__main__":
    main()
