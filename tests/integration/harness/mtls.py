# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A nats-server that knows its users by their certificates, and certificates of every kind to try on it."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import json
import ssl
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import nats
import tomli_w
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from nats.aio.client import Client

from seinpost_broker.adapters.nats_server import find_server
from seinpost_broker.core.trial_pki import (
    Authority,
    Issued,
    Purpose,
    found_hierarchy,
    issue_end,
    issue_server,
)

from .enclave import Enclave, free_port, run_broker_command, wait_for_port

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
BROKER_OIN = "00000099000000999000"


@functools.cache
def servers() -> Authority:
    """The hierarchy of servers."""
    return found_hierarchy("TLS SYS", NOW)


@functools.cache
def organisations() -> Authority:
    """The hierarchy of organisations."""
    return found_hierarchy("Other LP", NOW)


def issued(
    name: x509.Name,
    alternative: x509.SubjectAlternativeName | None = None,
    *,
    authority: Authority | None = None,
    now: dt.datetime = NOW,
) -> Issued:
    """A certificate to authenticate with, of any subject."""
    return issue_end(authority or organisations(), name, Purpose.AUTHENTICATION, now, alternative)


def write_pem(folder: Path, name: str, chain: Sequence[x509.Certificate], key: object = None) -> Path:
    """The certificates in a file, the key beside it."""
    path = folder / f"{name}.crt"
    path.write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in chain))
    if key is not None:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]
        path.with_suffix(".key").write_bytes(pem)
        path.with_suffix(".key").chmod(0o600)
    return path


def context(folder: Path, client: Issued | None, *, newest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    """A client's TLS settings, with its certificate or none."""
    made = ssl.create_default_context(cafile=str(write_pem(folder, "roots", [servers().chain[-1]])))
    if newest is not None:
        made.maximum_version = newest
    if client is not None:
        path = write_pem(folder, f"client-{client.certificate.serial_number}", client.chain, client.key)
        made.load_cert_chain(path, path.with_suffix(".key"))
    return made


class TlsServer:
    """A nats-server with users by certificate, as nats_config renders its TLS."""

    def __init__(self, folder: Path, users: Sequence[str], lines: Sequence[str]) -> None:
        self.port = free_port()
        self.url = f"tls://localhost:{self.port}"
        self.folder = folder
        names = "\n".join("    {user: " + json.dumps(u, ensure_ascii=False) + "}" for u in users)
        config = folder / "nats.conf"
        config.write_text(
            "\n".join(
                [
                    f'listen: "127.0.0.1:{self.port}"',
                    *lines,
                    f"authorization {{\n  users: [\n{names}\n  ]\n}}",
                    "",
                ]
            )
        )
        self._log = (folder / "nats.log").open("wb")
        self._process = subprocess.Popen(
            [find_server(), "-c", str(config), "-D"], stdout=self._log, stderr=self._log
        )

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)
        self._log.close()

    async def connect(self, tls: ssl.SSLContext, **options: object) -> Client:
        """One try, with TLS first."""
        return await nats.connect(
            self.url, tls=tls, tls_handshake_first=True, allow_reconnect=False, connect_timeout=5, **options
        )

    async def user_of(self, client: Issued) -> str:
        """Whom the server takes a certificate for."""
        connection = await self.connect(context(self.folder, client))
        try:
            reply = await connection.request("$SYS.REQ.USER.INFO", b"", timeout=5)
            return str(json.loads(reply.data)["data"]["user"])
        finally:
            await connection.close()


@contextlib.contextmanager
def tls_server(folder: Path, users: Sequence[str], lines: Sequence[str]) -> Iterator[TlsServer]:
    """A server while the context lasts."""
    server = TlsServer(folder, users, lines)
    try:
        wait_for_port(server.port)
        yield server
    finally:
        server.stop()


def server_files(folder: Path) -> tuple[Path, Path, Path]:
    """A server's certificate and key, and the CA file by which it knows clients."""
    server = issue_server(servers(), ["localhost"], BROKER_OIN, NOW)
    path = write_pem(folder, "server", server.chain, server.key)
    roots = write_pem(folder, "ca", [servers().chain[-1], organisations().chain[-1]])
    return path, path.with_suffix(".key"), roots


def make_tls_enclave(path: Path, users: str, *parties: str) -> Enclave:
    """A new enclave with a trial PKI, its users named by nkey or by certificate."""
    port = free_port()
    only = [x for p in parties for x in ("--party", p)]
    words = ["--port", str(port), "--no-witnesses", "--trial-pki", "--users", users]
    done = run_broker_command("init", path, *words, *only)
    assert done.status == 0, done
    made = Enclave(path, port)
    made.url = f"tls://localhost:{port}"
    return made


def trial_authority(enclave: Enclave) -> Authority:
    """The issuing CA of the enclave's trial PKI, for certificates that it never issued."""
    chain = x509.load_pem_x509_certificates((enclave.path / "pki" / "other-lp.crt").read_bytes())
    key = load_pem_private_key((enclave.path / "pki" / "other-lp.key").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return Authority(tuple(chain), key)


def reconfigured(enclave: Enclave, party: str, name: str, **files: Path | str | None) -> Path:
    """A copy of a party's configuration with other files in its [tls]; ``None`` leaves one out."""
    table = tomllib.loads(enclave.config(party).read_text())
    tls = table["tls"] | {k: str(v) if v is not None else None for k, v in files.items()}
    table["tls"] = {k: v for k, v in tls.items() if v is not None}
    table["state"] = f"state/{name}"
    path = enclave.path / f"{name}.toml"
    path.write_text(tomli_w.dumps(table))
    return path
