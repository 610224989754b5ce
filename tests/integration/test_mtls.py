# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An enclave whose channel is TLS 1.3 with certificates: who comes in, and everyone who does not."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nats
import nats.errors
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from harness.enclave import Enclave, run, run_broker_command
from harness.mtls import (
    NOW,
    context,
    issued,
    make_tls_enclave,
    organisations,
    reconfigured,
    servers,
    trial_authority,
    write_pem,
)
from harness.registrar import Desk
from harness.samples import table

from seinpost_broker.core.trial_pki import Issued, organisation_name

pytestmark = [pytest.mark.nats]

NCSC = "00000099000000005000"
NAME = "Nationaal Cyber Security Centrum"
WHERE = ("--theme", "process", "--classification", "ong")


@pytest.fixture(scope="module", params=["nkey", "certificate"])
def enclave(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enclave]:
    """One that knows its users by NKEY, and one that knows them by certificate; certificates pinned in both."""
    made = make_tls_enclave(tmp_path_factory.mktemp("tls") / "e", request.param, "ncsc", "ibd", "tafel")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def signal(tmp_path: Path) -> Path:
    """A signal to publish."""
    path = tmp_path / "signal.json"
    path.write_text(json.dumps(table("Langs het kanaal", exercise=True)))
    return path


def test_signals_go_the_whole_way(enclave: Enclave, signal: Path) -> None:
    done = enclave.publish("ncsc", signal, *WHERE)
    assert done.status == 0, done
    read = enclave.watch("tafel", "--from-start", "--count", "1")
    assert (read.status, read.stderr) == (0, ""), read
    assert read.rows[0]["signal"]["report"]["title"] == "Langs het kanaal"
    drift = run_broker_command("drift", enclave.path)
    assert (drift.status, drift.stdout) == (0, "the server is what the register says\n"), drift


def test_nothing_is_said_in_the_clear(enclave: Enclave) -> None:
    with socket.create_connection(("127.0.0.1", enclave.port), 5) as plain:
        plain.settimeout(1)
        with pytest.raises(TimeoutError):
            plain.recv(1)
        plain.sendall(b"CONNECT {}\r\nPING\r\n")
        plain.settimeout(10)
        said = b""
        with contextlib.suppress(ConnectionError):
            while chunk := plain.recv(4096):
                said += chunk
    # At most a TLS alert, and no word of the protocol.
    assert b"INFO" not in said
    assert b"PONG" not in said


async def refused(enclave: Enclave, tls: ssl.SSLContext) -> str:
    """What a client hears that has NCSC's NKEY, should NCSC have one; fails when it is let in."""
    with pytest.raises((nats.errors.Error, OSError)) as caught:
        await nats.connect(
            enclave.url,
            tls=tls,
            tls_handshake_first=True,
            allow_reconnect=False,
            connect_timeout=5,
            **credentials(enclave, "ncsc"),
        )
    return repr(caught.value)


async def comes_in(enclave: Enclave, tls: ssl.SSLContext) -> bool:
    """NCSC with its NKEY if it has one, so that nothing but the certificate can be what is refused."""
    connection = await nats.connect(
        enclave.url, tls=tls, tls_handshake_first=True, allow_reconnect=False, **credentials(enclave, "ncsc")
    )
    await connection.close()
    return True


def credentials(enclave: Enclave, party: str) -> dict[str, str]:
    """The NKEY of a party that the register names by it."""
    named = 'user = "nkey"' in enclave.config(party).read_text()
    return {"nkeys_seed_str": enclave.identity(party).nats_seed} if named else {}


def trusting(enclave: Enclave, folder: Path, client: Issued | None, **more: ssl.TLSVersion) -> ssl.SSLContext:
    made = context(folder, client, **more)
    made.load_verify_locations(enclave.path / "ca.pem")
    return made


def own(enclave: Enclave, party: str) -> Issued:
    """A party's own certificate and key."""
    base = enclave.path / "identities" / f"{party}-1-tls"
    chain = x509.load_pem_x509_certificates(base.with_suffix(".crt").read_bytes())
    return Issued(tuple(chain), load_pem_private_key(base.with_suffix(".key").read_bytes(), None))  # type: ignore[arg-type]


async def test_tls_1_2_is_refused(enclave: Enclave, tmp_path: Path) -> None:
    old = trusting(enclave, tmp_path, own(enclave, "ncsc"), newest=ssl.TLSVersion.TLSv1_2)
    assert "protocol" in (await refused(enclave, old)).lower()


STRANGERS: dict[str, Callable[[Enclave], Issued | None]] = {
    "no certificate": lambda _: None,
    "another CA": lambda _: issued(organisation_name(NAME, NCSC, "ncsc-1"), authority=organisations()),
    "expired": lambda e: issued(
        organisation_name(NAME, NCSC, "ncsc-1"),
        authority=trial_authority(e),
        now=NOW - dt.timedelta(days=400),
    ),
    "not valid yet": lambda e: issued(
        organisation_name(NAME, NCSC, "ncsc-1"), authority=trial_authority(e), now=NOW + dt.timedelta(days=2)
    ),
    "the very subject, with a key that is not on record": lambda e: issued(
        organisation_name(NAME, NCSC, "ncsc-1"), authority=trial_authority(e)
    ),
    "a subject of which another's is the beginning": lambda e: issued(
        organisation_name(NAME, NCSC, "ncsc-12"), authority=trial_authority(e)
    ),
    "a stranger of the same CA": lambda e: issued(
        organisation_name("Iemand", "00000099000000777000"), authority=trial_authority(e)
    ),
}


@pytest.mark.parametrize("who", STRANGERS)
async def test_who_is_not_on_record_does_not_come_in(enclave: Enclave, tmp_path: Path, who: str) -> None:
    assert await comes_in(enclave, trusting(enclave, tmp_path, own(enclave, "ncsc")))
    await refused(enclave, trusting(enclave, tmp_path, STRANGERS[who](enclave)))


@pytest.mark.parametrize("who", ["another CA", "the very subject, with a key that is not on record"])
def test_the_client_says_so_in_a_sentence(enclave: Enclave, tmp_path: Path, signal: Path, who: str) -> None:
    """With NCSC's own identity: the NKEY alone is not enough."""
    client = STRANGERS[who](enclave)
    assert client is not None
    path = write_pem(tmp_path, "stranger", client.chain, client.key)
    config = reconfigured(enclave, "ncsc", "stranger", certificate=path, key=path.with_suffix(".key"))
    done = run("publish", signal, "--config", config, *WHERE)
    assert done.status in (1, 4), done
    assert "our certificate" in done.error


def test_a_partner_without_a_certificate_is_told(enclave: Enclave, signal: Path) -> None:
    config = reconfigured(enclave, "ncsc", "bare", certificate=None, key=None, user="nkey")
    done = run("publish", signal, "--config", config, *WHERE)
    assert (done.status, "does not take our certificate" in done.error) == (4, True), done


def test_another_partys_certificate_is_not_ours(enclave: Enclave, signal: Path) -> None:
    """NCSC's keys with IBD's certificate: where certificates name users, the server knows IBD, and NCSC hears it.

    Where NKEYs do, the certificate opens the channel only, and NCSC is who its NKEY says.
    """
    folder = enclave.path / "identities"
    files = {"certificate": folder / "ibd-1-tls.crt", "key": folder / "ibd-1-tls.key"}
    done = run("publish", signal, "--config", reconfigured(enclave, "ncsc", "borrowed", **files), *WHERE)
    if credentials(enclave, "ncsc"):
        assert done.status == 0, done
    else:
        assert (done.status, "does not know our certificate as one of ncsc" in done.error) == (1, True), done


def test_a_server_that_is_not_trusted_is_left_alone(enclave: Enclave, tmp_path: Path, signal: Path) -> None:
    other = write_pem(tmp_path, "other", [servers().chain[-1]])
    done = run("publish", signal, "--config", reconfigured(enclave, "ncsc", "other-ca", ca=other), *WHERE)
    assert (done.status, "is not trusted" in done.error) == (4, True), done
    named = reconfigured(enclave, "ncsc", "other-name", server_name="nats.elders.example")
    done = run("publish", signal, "--config", named, *WHERE)
    assert (done.status, "is not trusted" in done.error) == (4, True), done


def test_a_key_that_others_can_read_or_that_wants_a_passphrase_is_refused(
    enclave: Enclave, tmp_path: Path, signal: Path
) -> None:
    folder = enclave.path / "identities"
    wide = tmp_path / "wide.key"
    shutil.copy(folder / "ncsc-1-tls.key", wide)
    wide.chmod(0o640)
    done = run("publish", signal, "--config", reconfigured(enclave, "ncsc", "wide", key=wide), *WHERE)
    assert (done.status, "can be read by others" in done.error) == (4, True), done

    locked = tmp_path / "locked.key"
    secret = BestAvailableEncryption(b"een lange wachtwoordzin")
    locked.write_bytes(own(enclave, "ncsc").key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
    locked.chmod(0o600)
    done = run("publish", signal, "--config", reconfigured(enclave, "ncsc", "locked", key=locked), *WHERE)
    assert (done.status, "without a passphrase" in done.error) == (4, True), done

    odd = tmp_path / "odd.key"
    key = ec.generate_private_key(ec.SECP256R1())
    odd.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    odd.chmod(0o600)
    done = run("publish", signal, "--config", reconfigured(enclave, "ncsc", "odd", key=odd), *WHERE)
    assert (done.status, "cannot use" in done.error) == (4, True), done


def test_a_broker_with_an_open_key_does_not_start(enclave: Enclave) -> None:
    key = enclave.path / "pki" / "server.key"
    key.chmod(0o644)
    try:
        done = run_broker_command("drift", enclave.path)
        assert (done.status, "can be read by others" in done.error) == (4, True), done
    finally:
        key.chmod(0o600)


async def test_a_revoked_identity_loses_its_connection_and_its_certificate(
    enclave: Enclave, tmp_path: Path, signal: Path
) -> None:
    """Last of all: IBD is out after it. What others have, they keep."""
    assert enclave.trusted_directory().current.register.pinned
    ibd = trusting(enclave, tmp_path, own(enclave, "ibd"))
    thief = await nats.connect(
        enclave.url,
        tls=ibd,
        tls_handshake_first=True,
        allow_reconnect=False,
        inbox_prefix=b"_INBOX_ibd",
        **credentials(enclave, "ibd"),
    )
    keeps = await nats.connect(
        enclave.url,
        tls=trusting(enclave, tmp_path, own(enclave, "tafel")),
        tls_handshake_first=True,
        allow_reconnect=False,
        inbox_prefix=b"_INBOX_tafel",
        **credentials(enclave, "tafel"),
    )
    try:
        desk = Desk(enclave, tmp_path)
        began = time.monotonic()
        done = await asyncio.to_thread(desk.publish, desk.revoke("ibd-1"))
        assert "in force" in done.stdout, done
        async with asyncio.timeout(60):
            while not thief.is_closed:
                await asyncio.sleep(0.05)
        print(f"revoked: closed after {time.monotonic() - began:.1f} s")
        assert keeps.is_connected
        await keeps.flush()
    finally:
        await thief.close()
        await keeps.close()
    await refused(enclave, ibd)
    done = enclave.publish("ibd", signal, *WHERE)
    assert (done.status, "on record" in done.error) == (1, True), done
    assert enclave.publish("ncsc", signal, *WHERE).status == 0
