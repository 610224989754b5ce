# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Every secret of an enclave, in every form in which one could slip out."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import nkeys
from cryptography.cobblestone import Cobblestone256Decryptor

import seinpost.identity as identities
import seinpost.registrar.key as registrars
from seinpost._storage_seal import StorageSeal
from seinpost.identity import Identity, derive_key, read_passphrase_file
from seinpost_schemas.entry import from_base64

PIECE = 32
"""Bytes of the shortest key; longer seeds are made of such."""


def secret_of(path: Path, passphrase: str) -> tuple[Identity, bytes]:
    """An identity with its 224 secret bytes, opened as ``load_identity`` does."""
    file = msgspec.json.decode(path.read_bytes(), type=identities._File)
    context = identities._context(file.party, file.name)
    decryptor = Cobblestone256Decryptor(derive_key(passphrase, file.kdf), context)
    secret = decryptor.update(from_base64(file.sealed, 65_536)) + decryptor.finalize()
    return Identity(file.party, file.name, secret), secret


def registrar_seed(path: Path, passphrase: str) -> bytes:
    """A registrar's 64 bytes of seed."""
    data = path.read_bytes()
    if not data.startswith(b"{"):
        return bytes.fromhex(data.decode("ascii"))
    file = msgspec.json.decode(data, type=registrars._File)
    decryptor = Cobblestone256Decryptor(derive_key(passphrase, file.kdf), registrars._context(file.name))
    return decryptor.update(from_base64(file.sealed, 65_536)) + decryptor.finalize()


def derived(identity: Identity, enclave: str) -> bytes:
    """What a witness signs with."""
    keys = identity.witness_keys(enclave)
    return bytes(keys._ed25519.private_bytes_raw() + keys._mldsa.private_bytes_raw())


def held_in(keyring: Path, identity: Identity) -> Iterator[bytes]:
    """The prekeys and epoch secrets that an identity keeps."""
    seal = StorageSeal(identity.storage_key, keyring.name)
    with sqlite3.connect(keyring) as database:
        for key_id, sealed in database.execute("SELECT key_id, sealed FROM prekey"):
            yield seal.open(sealed, b"prekey", key_id)
        for epoch_id, sealed in database.execute("SELECT epoch_id, sealed FROM epoch"):
            yield seal.open(sealed, b"epoch", epoch_id)
    database.close()


def forms(secret: bytes) -> set[bytes]:
    """Raw, hexadecimal, base64 wherever it begins in a longer text, decimal, and as an NKEY."""
    found: set[bytes] = set()
    for at in range(0, len(secret) - PIECE + 1, PIECE):
        piece = secret[at : at + PIECE]
        found |= {piece, piece.hex().encode(), piece.hex().upper().encode(), repr(piece)[2:-1].encode()}
        found.add(", ".join(map(str, piece)).encode())
        found.add(b":".join(b"%02x" % b for b in piece))
        for before in range(3):
            # What does not depend on the bytes around it.
            text = base64.b64encode(bytes(before) + piece)[4 if before else 0 : -4]
            found |= {text, text.replace(b"+", b"-").replace(b"/", b"_")}
        for kind in (nkeys.PREFIX_BYTE_USER, nkeys.PREFIX_BYTE_ACCOUNT, nkeys.PREFIX_BYTE_OPERATOR):
            found.add(bytes(nkeys.encode_seed(piece, kind)))
    return found


class Secrets:
    """What must not be found, by name."""

    def __init__(self) -> None:
        self.forms: dict[str, set[bytes]] = {}

    def add(self, name: str, *secrets: bytes) -> None:
        """A key's bytes."""
        for secret in secrets:
            self.forms.setdefault(name, set()).update(forms(secret))

    def add_text(self, name: str, text: str) -> None:
        """A passphrase."""
        self.forms.setdefault(name, set()).update({text.encode(), base64.b64encode(text.encode())})

    def add_enclave(self, folder: Path, enclave: str) -> None:
        """Everything that ``seinpost-broker init`` made, and what identities have kept since."""
        for path in sorted((folder / "identities").glob("*.key")):
            stem = path.stem if path.stem.endswith("-witness") else path.stem.removesuffix("-1")
            passphrase = read_passphrase_file(folder / "identities" / f"{stem}.pass")
            self.add_text(f"{path.stem} passphrase", passphrase)
            self.add_identity(path, passphrase, enclave, folder / "state" / path.stem / "keys.db")
        for path in sorted((folder / "registrars").glob("*.key")):
            self.add(path.stem, registrar_seed(path, ""))
        broker = json.loads((folder / "broker.key").read_text())
        self.add("broker log key", bytes.fromhex(broker["log_seed"]))
        _, connection = nkeys.decode_seed(broker["nats_seed"].encode())
        self.add("broker connection key", bytes(connection))

    def add_identity(self, path: Path, passphrase: str, enclave: str, keyring: Path | None = None) -> None:
        """One identity's keys, and those that it keeps."""
        identity, secret = secret_of(path, passphrase)
        self.add(path.stem, secret, derived(identity, enclave))
        if keyring is not None and keyring.exists():
            self.add(f"{path.stem} keyring", *held_in(keyring, identity))

    def found_in(self, data: bytes) -> set[str]:
        """The names of the secrets that are in some bytes."""
        return {name for name, looks in self.forms.items() if any(x in data for x in looks)}

    def found_in_files(self, folder: Path, leave_out: Iterable[Path] = ()) -> dict[str, set[str]]:
        """The same, by file."""
        left_out = set(leave_out)
        files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p not in left_out)
        return {str(p.relative_to(folder)): found for p in files if (found := self.found_in(p.read_bytes()))}
