# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`https_server.py PORT FOLDER`: a signal per POST over TLS 1.3, on disk before it is answered; and pages of them.

The plainest thing that a party could run instead: uvicorn and Starlette, a file, an fsync for each signal.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import ssl
import sys
import threading
from pathlib import Path

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_PAGE = 1_000
_WAIT_SECONDS = 1.0


class Store:
    """Signals in a file, an fsync for each, and in memory for who reads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        self._lock = threading.Lock()
        self.held: list[bytes] = []

    def put(self, body: bytes) -> None:
        """On disk when this returns."""
        with self._lock:
            self._file.write(body + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
            self.held.append(body)


def application(store: Store) -> Starlette:
    """POST stores one signal, GET gives those from a number on."""
    grew = asyncio.Event()

    async def post(request: Request) -> Response:
        await run_in_threadpool(store.put, await request.body())
        grew.set()
        return Response(status_code=201)

    async def get(request: Request) -> Response:
        first = int(request.query_params.get("from", "0"))
        if len(store.held) <= first:
            grew.clear()
            try:
                async with asyncio.timeout(_WAIT_SECONDS):
                    await grew.wait()
            except TimeoutError:
                pass
        page = b",".join(store.held[first : first + _PAGE])
        return Response(b"[" + page + b"]", media_type="application/json")

    return Starlette(
        routes=[Route("/signals", post, methods=["POST"]), Route("/signals", get, methods=["GET"])]
    )


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """(certificate, key) for 127.0.0.1 that hold for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(
        now - dt.timedelta(minutes=5)
    )
    certificate = builder.not_valid_after(now + dt.timedelta(hours=1)).sign(key, hashes.SHA256())
    paths = folder / "bench.crt", folder / "bench.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, pem, plain))
    return paths


def main(port: int, folder: Path) -> None:
    """Serve until ended."""
    certificate, key = write_certificate(folder)
    config = uvicorn.Config(
        application(Store(folder / "signals.jsonl")),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        access_log=False,
        ssl_certfile=str(certificate),
        ssl_keyfile=str(key),
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
