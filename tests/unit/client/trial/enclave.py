# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A register of eight parties and its directory log, which can be amended version by version."""

from __future__ import annotations

import copy
import datetime as dt
import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

import tomli_w

from seinpost._transport import StoredMessage
from seinpost.identity import Identity
from seinpost.kem import KemPrivateKey
from seinpost_schemas.checkpoint import Checkpoint, LogKeys
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import (
    DirectoryEntry,
    DirectoryType,
    TrustedDirectory,
    directory_object_hash,
)
from seinpost_schemas.entry import ENTRY_HEADER, from_base64, to_base64
from seinpost_schemas.note import Note, composite_type_and_key, format_vkey, sign_note_composite
from seinpost_schemas.policy import Member
from seinpost_schemas.signing import SigningKey
from seinpost_schemas.statements import OwnRevocation, PrekeyStatement
from seinpost_schemas.subjects import directory_origin
from seinpost_schemas.trusted_register import enclave_id_of

T0 = int(dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC).timestamp() * 1000)
"""When the honest logs begin."""
PROCESS = Compartment.parse("depv/process")
DEBATE = Compartment.parse("depv/debate")
OPEN = Compartment.parse("ong/process")
STATE_SECRET = Compartment.parse("stgc/process")
ENCLAVE = "proef"
LOG_KEYS = LogKeys(b"\x04" * 64)
REGISTRAR = SigningKey(b"\x01" * 64)
_VKEY = format_vkey("registrar-1", composite_type_and_key(REGISTRAR.public.raw))
NAMES = {
    "ncsc-1": "ncsc",
    "ncsc-2": "ncsc",
    "ibd-1": "ibd",
    "kiesraad-1": "kiesraad",
    "cvdm-1": "cvdm",
    "tafel-1": "tafel",
    "ec-1": "ec",
    "stil-1": "stil",
}
"""The registered identities and their parties; ``stil`` has no mandate at all."""
STRANGER = "vreemd-1"


@cache
def identity(name: str, party: str | None = None) -> Identity:
    """An identity whose keys follow from its name: the same in every test."""
    secret = hashlib.shake_256(name.encode()).digest(224)
    return Identity(party or NAMES.get(name, name.partition("-")[0]), name, secret)


def mandate(themes: str, actions: str, **more: Any) -> dict[str, Any]:
    """One mandate's table; ``themes`` and ``actions`` are words."""
    base = {"basis": "Voorzet", "status": "default", "ceiling": "depv", "default_audience": "all"}
    return {"themes": themes.split(), "actions": actions.split(), **base, **more}


_PARTIES: dict[str, tuple[str, list[dict[str, Any]]]] = {
    "ncsc": ("depv", [mandate("process parties", "publish share"), mandate("process parties", "read")]),
    "ibd": ("depv", [mandate("process", "publish share"), mandate("process", "read")]),
    "kiesraad": (
        "depv",
        [mandate("process", "publish", default_audience="tafel"), mandate("process", "read")],
    ),
    "cvdm": ("depv", [mandate("debate", "publish", signal_types=["incident"]), mandate("debate", "read")]),
    "tafel": ("depv", [mandate("all", "read read-protected feedback")]),
    "ec": ("ong", [mandate("process international", "publish read", ceiling="ong")]),
    "stil": ("depv", []),
}


def founding_table() -> dict[str, Any]:
    """The register's first version, as a table."""
    return {
        "enclave": ENCLAVE,
        "version": 1,
        "issued": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        "expires": dt.datetime(2099, 1, 1, tzinfo=dt.UTC),
        "ceiling": "depv",
        "schema": 1,
        "quorum": 0,
        "periods": {"current": "2026q4", "next": "2027q1"},
        "registrars": {"threshold": 1, "keys": [_VKEY]},
        "log": {
            "ed25519": to_base64(LOG_KEYS.public.ed25519),
            "mldsa44": to_base64(LOG_KEYS.public.mldsa44),
        },
        "brokers": [{"name": "broker-1", "nats": "U" + "A" * 55}],
        "audiences": [
            {"name": "all", "code": 1, "members": "readers", "sender": False},
            {"name": "tafel", "code": 2, "members": ["tafel"], "sender": True},
            {"name": "own", "code": 3, "members": [], "sender": True},
        ],
        "prohibitions": [
            {
                "party": "kiesraad",
                "action": "publish",
                "signal_types": ["assessment"],
                "basis": "Beslisnota",
                "status": "note",
            },
        ],
        "parties": [
            {
                "token": token,
                "oin": f"00000099{place:09d}000",
                "name_nl": token,
                "name_en": token,
                "clearance": clearance,
                "mandates": mandates,
                "identities": [_identity_table(n) for n, p in NAMES.items() if p == token],
            }
            for place, (token, (clearance, mandates)) in enumerate(_PARTIES.items(), 1)
        ],
    }


def _identity_table(name: str) -> dict[str, Any]:
    made = identity(name)
    return {
        "name": name,
        "sender_id": made.sender_id.hex(),
        "keys": made.keys.keys_hash().hex(),
        "nats": made.nats_public,
    }


def party_of(table: dict[str, Any], token: str) -> dict[str, Any]:
    """A party's table, to be changed."""
    return next(p for p in table["parties"] if p["token"] == token)


class TrialEnclave:
    """The directory log from its first entry on; ``amend`` adds a register version."""

    def __init__(self, change: Callable[[dict[str, Any]], None] | None = None) -> None:
        self.messages: list[StoredMessage] = []
        for name in [*NAMES, STRANGER]:
            self._log(DirectoryType.KEYS, identity(name).keys.encode())
        self.table = copy.deepcopy(founding_table())
        if change is not None:
            change(self.table)
        text = tomli_w.dumps(self.table)
        self.enclave_id = enclave_id_of(text)
        self._log(DirectoryType.REGISTER, _signed(text))

    def _log(self, type_: DirectoryType, data: bytes, at_ms: int = T0 - 1_000) -> None:
        entry = DirectoryEntry(type_, at_ms, directory_object_hash(data))
        headers = {ENTRY_HEADER: to_base64(entry.encode())}
        self.messages.append(StoredMessage(len(self.messages) + 1, headers, data))

    @property
    def size(self) -> int:
        """Directory entries so far."""
        return len(self.messages)

    def amend(self, change: Callable[[dict[str, Any]], None]) -> int:
        """Log the next register version, changed so; the directory's new size."""
        change(self.table)
        self.table["version"] += 1
        self._log(DirectoryType.REGISTER, _signed(tomli_w.dumps(self.table)))
        return self.size

    def state_prekey(self, name: str, number: int, at_ms: int = T0 - 1_000) -> KemPrivateKey:
        """Log an identity's prekey of this number; its private half, which follows from name and number."""
        key = KemPrivateKey(hashlib.shake_256(f"{name} prekey {number}".encode()).digest(96))
        made = identity(name)
        statement = PrekeyStatement(self.enclave_id, made.sender_id, number, key.public)
        self._log(DirectoryType.PREKEY, statement.sign(made.signing), at_ms)
        return key

    def close_log(self, note: bytes) -> None:
        """Log where a log of an earlier period ended."""
        self._log(DirectoryType.CLOSING, note)

    def state_end(self, name: str, moment_ms: int, at_ms: int = T0 - 1_000) -> None:
        """Log an identity's own revocation."""
        made = identity(name)
        statement = OwnRevocation(self.enclave_id, made.sender_id, moment_ms)
        self._log(DirectoryType.REVOCATION, statement.sign(made.signing), at_ms)

    def directory(self, size: int | None = None) -> TrustedDirectory:
        """A directory that has eaten the first ``size`` entries (all of them by default)."""
        directory = TrustedDirectory(self.enclave_id)
        self.feed(directory, size)
        return directory

    def feed(self, directory: TrustedDirectory, size: int | None = None) -> None:
        """Let a directory catch up."""
        for message in self.messages[directory.size : size]:
            directory.advance(from_base64(message.headers[ENTRY_HEADER], 1_000), message.body)

    def member(self, name: str) -> Member:
        """An identity as the newest register knows it."""
        return self.directory().current.member(identity(name).sender_id)

    def checkpoint(self, timestamp: int, keys: LogKeys = LOG_KEYS, root: bytes | None = None) -> bytes:
        """The directory's checkpoint as a broker signs it, at Unix seconds."""
        directory = self.directory()
        return keys.sign(
            Checkpoint(directory_origin(ENCLAVE), directory.size, root or directory.root()), timestamp
        )


def _signed(text: str) -> bytes:
    return Note(text, (sign_note_composite(text, "registrar-1", REGISTRAR),)).encode()
