# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Writes deploy/nats/nats-server.conf: what `seinpost-broker render` makes of the shipped register.

Every key in it is made from a fixed seed and its private half thrown away: it shows the shape, and serves nobody.
``--check`` compares instead.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import sys
from pathlib import Path

import nkeys
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519

from seinpost_broker.adapters.enclave_dir import directory_of
from seinpost_broker.core import founding, nats_config
from seinpost_schemas.checkpoint import LogKeys
from seinpost_schemas.cosignature import WitnessKeys
from seinpost_schemas.directory import DirectoryType
from seinpost_schemas.entry import to_base64
from seinpost_schemas.keys import KeyObject
from seinpost_schemas.note import Note, composite_type_and_key, format_vkey, sign_note_composite
from seinpost_schemas.policy import View
from seinpost_schemas.signing import SigningKey
from seinpost_schemas.trusted_register import enclave_id_of

TARGET = Path(__file__).parents[1] / "deploy" / "nats" / "nats-server.conf"
ISSUED = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
SERVER = nats_config.Server(
    name="proef-broker-1",
    listen="127.0.0.1:4222",
    store_dir="/var/lib/seinpost/proef/nats/jetstream",
    pid_file="/run/seinpost/nats.pid",
)


def seed(name: str, size: int = 64) -> bytes:
    """Bytes that everyone can make again."""
    return hashlib.shake_256(b"seinpost sample " + name.encode()).digest(size)


def nats_user(name: str) -> str:
    """A user's public NKEY."""
    pair = nkeys.from_seed(bytearray(nkeys.encode_seed(seed(name, 32), nkeys.PREFIX_BYTE_USER)))
    return str(pair.public_key.decode())


def key_object(name: str) -> KeyObject:
    """An identity's public keys."""
    kem = mlkem.MLKEM768PrivateKey.from_seed_bytes(seed(name + " kem"))
    ecdh = x25519.X25519PrivateKey.from_private_bytes(seed(name + " x25519", 32))
    public = kem.public_key().public_bytes_raw() + ecdh.public_key().public_bytes_raw()
    return KeyObject(SigningKey(seed(name)).public.raw, public)


def sample_view() -> View:
    """The shipped register with an identity per party and the shipped witnesses."""
    identities = [
        founding.FoundingIdentity(f"{p.token}-1", p.token, key_object(p.token), nats_user(p.token))
        for p in founding.PARTIES
    ]
    witnesses = []
    for party in sorted(founding.WITNESSES):
        name = f"{party}-witness"
        public = WitnessKeys(name, seed(name)).public
        keys = (to_base64(public.ed25519), to_base64(public.mldsa44))
        witnesses.append(founding.FoundingWitness(name, party, nats_user(name), *keys))
    registrars = {name: SigningKey(seed(name)) for name in ("registrar-1", "registrar-2")}
    log = LogKeys(seed("log")).public
    keys = founding.FoundingKeys(
        registrars=[format_vkey(n, composite_type_and_key(k.public.raw)) for n, k in registrars.items()],
        threshold=2,
        log_ed25519=log.ed25519,
        log_mldsa44=log.mldsa44,
        brokers={"broker-1": nats_user("broker-1")},
    )
    text = founding.founding_text("proef", ISSUED, identities, keys, witnesses=witnesses)
    note = Note(text, tuple(sign_note_composite(text, n, k) for n, k in registrars.items())).encode()
    objects = [(DirectoryType.KEYS, i.keys.encode()) for i in identities] + [(DirectoryType.REGISTER, note)]
    return directory_of(enclave_id_of(text), objects).current


def main() -> int:
    """0, or 1 when --check finds the file out of date."""
    text = nats_config.render(sample_view(), SERVER, int(ISSUED.timestamp() * 1000))
    if "--check" in sys.argv:
        return 0 if TARGET.exists() and TARGET.read_text() == text else 1
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
