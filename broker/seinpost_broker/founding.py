# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Making an enclave for a trial: `seinpost-broker init`, with every key on this machine.

Identities are made by running `seinpost keygen`, so that this package needs none of the client's code.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import nkeys

from seinpost_broker.adapters.enclave_dir import LOOPBACK, EnclaveDir, directory_of
from seinpost_broker.adapters.system_clock import SystemClock
from seinpost_broker.core import founding
from seinpost_broker.founding_channel import LaidChannel, TlsOptions, lay_channel
from seinpost_broker.publishing import read_bounded
from seinpost_broker.register_follower import render_config
from seinpost_schemas.checkpoint import LogKeys
from seinpost_schemas.errors import SetupError
from seinpost_schemas.note import Note, composite_type_and_key, format_vkey, sign_note_composite
from seinpost_schemas.request import MAX_REQUEST_BYTES, KeyRequest, decode_request
from seinpost_schemas.signing import SigningKey
from seinpost_schemas.subjects import parse_token

REGISTRARS = ("bzk-1", "bzk-2", "nctv-1")
THRESHOLD = 2
BROKER = "broker-1"


def init(
    path: Path,
    enclave: str,
    host: str,
    port: int,
    parties: Sequence[str],
    progress: Callable[[str], None],
    *,
    witnesses: bool = True,
    tls: TlsOptions | None = None,
) -> None:
    """Make an enclave for a trial in an empty or missing directory; raises ``SetupError`` and then leaves nothing."""
    verify_place(enclave, host, secured=tls is not None)
    known = [f.token for f in founding.PARTIES]
    unknown = [p for p in parties if p not in known]
    if unknown:
        raise SetupError(f"no party is called {unknown[0]!r} in the shipped register: use {', '.join(known)}")
    with whole_or_nothing(path) as directory:
        _make(directory, enclave, host, port, parties, progress, witnesses=witnesses, tls=tls)


@contextlib.contextmanager
def whole_or_nothing(path: Path) -> Iterator[EnclaveDir]:
    """A new or empty directory to be filled; when that fails it is as it was, and no key stays behind."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise SetupError(f"{path} is not empty: choose a new directory, nothing was changed")
    there = path.exists()
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SetupError(f"cannot make {path}: {error.strerror}") from None
    try:
        yield EnclaveDir(path)
    except BaseException:
        for child in path.iterdir():
            shutil.rmtree(child) if child.is_dir() else child.unlink()
        path.rmdir() if not there else None
        raise


def _make(
    directory: EnclaveDir,
    enclave: str,
    host: str,
    port: int,
    parties: Sequence[str],
    progress: Callable[[str], None],
    *,
    witnesses: bool,
    tls: TlsOptions | None,
) -> None:
    known = [f.token for f in founding.PARTIES]
    chosen = list(parties) or known
    wanted: list[tuple[str, str, str | None]] = [(p, f"{p}-1", None) for p in chosen]
    wanted += [(p, f"{p}-witness", enclave) for p in chosen if witnesses and p in founding.WITNESSES]
    channel = lay_channel(directory, tls, wanted, progress) if tls is not None else None
    subjects = channel.subjects if channel is not None else {}

    def certified(name: str) -> tuple[str, ...]:
        return channel.key_of(name) if channel is not None else ()

    requests = _keygen(directory, wanted, progress)
    progress("signing the register")
    registrars = {name: SigningKey(_seed(directory, name)) for name in REGISTRARS}
    broker_nats = make_broker_keys(directory)
    identities = [
        founding.FoundingIdentity(
            r.name, r.party, r.key_object(), r.nats, subjects.get(r.name), certified(r.name)
        )
        for r in requests
        if r.witness is None
    ]
    for identity in identities:
        directory.write(f"keys/{identity.name}.keys", identity.keys.encode())
    _, log_keys = directory.load_secrets()
    text = founding.founding_text(
        enclave,
        dt.datetime.now(dt.UTC).replace(microsecond=0),
        identities,
        founding.FoundingKeys(
            registrars=[format_vkey(n, composite_type_and_key(k.public.raw)) for n, k in registrars.items()],
            threshold=THRESHOLD,
            log_ed25519=log_keys.public.ed25519,
            log_mldsa44=log_keys.public.mldsa44,
            brokers={BROKER: broker_nats},
            broker_certificates=certified(""),
        ),
        witnesses=[
            founding.FoundingWitness(
                r.name,
                r.party,
                None if r.name in subjects else r.nats,
                r.witness.ed25519,
                r.witness.mldsa44,
                subjects.get(r.name),
                certified(r.name),
            )
            for r in requests
            if r.witness is not None
        ],
    )
    signatures = tuple(sign_note_composite(text, n, k) for n, k in registrars.items())
    directory.write("register.note", Note(text, signatures).encode())
    broker_table: dict[str, object] = {"name": BROKER, "host": host, "port": port}
    directory.write_toml("broker.toml", broker_table | (channel.broker if channel is not None else {}))
    enclave_id, objects = directory.load_founding()
    render_config(directory, directory_of(enclave_id, objects).current, SystemClock().now_ms())
    for request in requests:
        _client_config(directory, request, enclave_id, f"nats://{host}:{port}", channel)


def verify_place(enclave: str, host: str, *, secured: bool = False) -> None:
    """Raise unless the enclave's name is one, and its own nats-server may listen there: elsewhere with TLS only."""
    parse_token(enclave, "enclave")
    if not secured and host not in LOOPBACK:
        raise SetupError(
            f"its own nats-server has no TLS and must not listen on {host}: give it a certificate (--tls-certificate, "
            "--tls-key, --tls-ca and --tls-name; init --trial-pki makes one for a trial), use 127.0.0.1, or name "
            "a NATS of your own in broker.toml"
        )


def _seed(directory: EnclaveDir, name: str) -> bytes:
    seed = secrets.token_bytes(64)
    directory.write(f"registrars/{name}.key", seed.hex() + "\n", secret=True)
    return seed


def make_broker_keys(directory: EnclaveDir) -> str:
    """The broker's connection key and the log's keys, kept at mode 0600; the public NKEY."""
    seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
    log_seed = secrets.token_bytes(64)
    LogKeys(log_seed)
    directory.write(
        "broker.key",
        msgspec.json.encode({"nats_seed": seed.decode(), "log_seed": log_seed.hex()}),
        secret=True,
    )
    return str(nkeys.from_seed(bytearray(seed)).public_key.decode())


def _keygen(
    directory: EnclaveDir, wanted: list[tuple[str, str, str | None]], progress: Callable[[str], None]
) -> list[KeyRequest]:
    """Run `seinpost keygen` for each (party, name, enclave to witness)."""
    identities = directory.path / "identities"
    identities.mkdir(mode=0o700, exist_ok=True)
    identities.chmod(0o700)

    def make(identity: tuple[str, str, str | None]) -> KeyRequest:
        party, name, witness_of = identity
        passphrase = directory.write(
            f"identities/{_stem(party, name)}.pass", secrets.token_urlsafe(32) + "\n", secret=True
        )
        key_file = identities / f"{name}.key"
        command = [sys.executable, "-m", "seinpost", "keygen", str(key_file), "--party", party, "--name"]
        command += [name, "--passphrase-file", str(passphrase)]
        command += ["--witness-of", witness_of] if witness_of else []
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise SetupError(
                f"seinpost keygen for {name}: {done.stderr.decode(errors='replace').strip()[-300:]}"
            )
        progress(f"made the identity {name}")
        return decode_request(read_bounded(identities / f"{name}.key.request.json", MAX_REQUEST_BYTES))

    with ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        return list(pool.map(make, wanted))


def _stem(party: str, name: str) -> str:
    """A party's first identity goes by the party's name; its witness by its own."""
    return party if name == f"{party}-1" else name


def _client_config(
    directory: EnclaveDir, request: KeyRequest, enclave_id: bytes, server: str, channel: LaidChannel | None
) -> None:
    secure = {} if channel is None else channel.client(request.name)
    if channel is not None:
        server = f"tls://{channel.name}:{server.rpartition(':')[2]}"
    directory.write_toml(
        f"{_stem(request.party, request.name)}.toml",
        {
            "enclave": enclave_id.hex(),
            "party": request.party,
            "identity": f"identities/{request.name}.key",
            "passphrase_file": f"identities/{_stem(request.party, request.name)}.pass",
            "server": server,
            "state": f"state/{request.name}",
            **secure,
        },
    )
