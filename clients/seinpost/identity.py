# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Identities: one machine's (or person's) keys, in a passphrase-protected file of mode 0600.

The file is JSON; its secret part, 224 bytes, is Cobblestone-256 under an Argon2id key: signing seed 64 ‖ KEM
seed 96 ‖ NATS seed 32 ‖ storage key 32. Party and name are bound as context: a file cannot be relabelled.

An identity that succeeds another has its storage key, so that what is on disk stays readable, and at the end of its
secret part, per predecessor, 112 bytes: sender_id 16 ‖ KEM seed 96, to open what was sealed before it came.

With the Ed25519 half of its signing key in a PKCS#11 token, the file (format 2) names the token and the key, which
are bound as context too, and its secret part is 192 bytes: the signing seed is ML-DSA-65's alone, 32.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import nkeys
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from msgspec import Meta

from seinpost_schemas.cosignature import WITNESS_SEED_BYTES, WitnessKeys
from seinpost_schemas.entry import from_base64, to_base64
from seinpost_schemas.errors import MalformedError, SetupError
from seinpost_schemas.keys import KeyObject
from seinpost_schemas.signing import MLDSA_SEED_BYTES, SEED_BYTES, Ed25519Signer, SigningKey
from seinpost_schemas.subjects import parse_token, witness_key_name

from ._files import NewFile, write_together
from ._token import TokenAccess, TokenKey, open_key
from .kem import SEED_BYTES as KEM_SEED_BYTES
from .kem import KemPrivateKey

_LABEL = b"seinpost/identity-file/v1"
_WITNESS_LABEL = b"seinpost/witness-keys/v1"
_TOKEN_LABEL = b"seinpost/identity-file/v2"
_REST_BYTES = KEM_SEED_BYTES + 32 + 32
_SECRET_BYTES = SEED_BYTES + _REST_BYTES
_TOKEN_SECRET_BYTES = MLDSA_SEED_BYTES + _REST_BYTES
_PREDECESSOR_BYTES = 16 + KEM_SEED_BYTES
MAX_PREDECESSORS = 16
_MAX_FILE_BYTES = 64 * 1024
MIN_PASSPHRASE = 12


class Kdf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Argon2id's parameters; bounded, because the file is read before it is trusted."""

    salt: str
    iterations: Annotated[int, Meta(ge=1, le=16)] = 3
    memory_kib: Annotated[int, Meta(ge=8192, le=1_048_576)] = 65_536
    lanes: Annotated[int, Meta(ge=1, le=16)] = 1


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Annotated[str, Meta(pattern="^seinpost-identity/1$")]
    party: str
    name: str
    kdf: Kdf
    sealed: str


class _TokenFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Annotated[str, Meta(pattern="^seinpost-identity/2$")]
    party: str
    name: str
    token: TokenKey
    kdf: Kdf
    sealed: str


class _Format(msgspec.Struct, frozen=True):
    format: str


class Predecessor(msgspec.Struct, frozen=True):
    """An identity that this one succeeds: its 16-byte sender_id, and the KEM key that the register had of it."""

    sender_id: bytes
    kem: KemPrivateKey


class Identity:
    """An unlocked identity. Its secrets never leave this process, nor the token that keeps one of them."""

    def __init__(
        self, party: str, name: str, secret: bytes, ed25519_signer: Ed25519Signer | None = None
    ) -> None:
        own = _SECRET_BYTES if ed25519_signer is None else _TOKEN_SECRET_BYTES
        count, odd = divmod(len(secret) - own, _PREDECESSOR_BYTES)
        if odd or not 0 <= count <= MAX_PREDECESSORS:
            raise MalformedError("an identity's secret part has another length")
        self.party = parse_token(party, "party")
        self.name = parse_token(name, "identity")
        secret, past = secret[:own], secret[own:]
        self.predecessors = tuple(
            Predecessor(past[at : at + 16], KemPrivateKey(past[at + 16 : at + _PREDECESSOR_BYTES]))
            for at in range(0, len(past), _PREDECESSOR_BYTES)
        )
        self.signing = SigningKey(secret[:-_REST_BYTES], ed25519_signer)
        self.kem = KemPrivateKey(secret[-_REST_BYTES : -_REST_BYTES + KEM_SEED_BYTES])
        self._nats_raw = secret[-64:-32]
        self.storage_key = secret[-32:]

    def __repr__(self) -> str:
        return f"Identity({self.party}/{self.name}, sender_id={self.sender_id.hex()})"

    @property
    def sender_id(self) -> bytes:
        """16 bytes."""
        return self.signing.public.sender_id

    @property
    def sender_ids(self) -> tuple[bytes, ...]:
        """Its own sender_id, and those of the identities that it succeeds."""
        return (self.sender_id, *(p.sender_id for p in self.predecessors))

    @property
    def keys(self) -> KeyObject:
        """The public half, as the directory logs it."""
        return KeyObject(self.signing.public.raw, self.kem.public)

    def witness_keys(self, enclave: str) -> WitnessKeys:
        """The cosignature keys of this identity as a witness of ``enclave``, derived from its storage key."""
        info = b"\0".join((_WITNESS_LABEL, enclave.encode()))
        seed = HKDFExpand(hashes.SHA256(), WITNESS_SEED_BYTES, info).derive(self.storage_key)
        return WitnessKeys(witness_key_name(enclave, self.name), seed)

    @property
    def nats_seed(self) -> str:
        """The NATS user's NKEY seed."""
        return str(nkeys.encode_seed(self._nats_raw, nkeys.PREFIX_BYTE_USER).decode())

    @property
    def nats_public(self) -> str:
        """The NATS user's public NKEY."""
        return str(nkeys.from_seed(bytearray(self.nats_seed.encode())).public_key.decode())


def generate_identity(
    party: str, name: str, ed25519_signer: Ed25519Signer | None = None
) -> tuple[Identity, bytes]:
    """A new identity and its 224 secret bytes, from the operating system's randomness; 192 with a token's signer."""
    secret = os.urandom(_SECRET_BYTES if ed25519_signer is None else _TOKEN_SECRET_BYTES)
    return Identity(party, name, secret, ed25519_signer), secret


def generate_successor(
    before: Identity, name: str, ed25519_signer: Ed25519Signer | None = None
) -> tuple[Identity, bytes]:
    """A new identity that succeeds one: new keys, the same storage key, and the KEM keys of those before it."""
    fresh = os.urandom((SEED_BYTES if ed25519_signer is None else MLDSA_SEED_BYTES) + KEM_SEED_BYTES + 32)
    past = (Predecessor(before.sender_id, before.kem), *before.predecessors)[:MAX_PREDECESSORS]
    secret = fresh + before.storage_key + b"".join(p.sender_id + p.kem.seed for p in past)
    return Identity(before.party, name, secret, ed25519_signer), secret


def derive_key(passphrase: str, kdf: Kdf) -> bytes:
    """32 bytes from a passphrase by Argon2id."""
    return Argon2id(
        salt=from_base64(kdf.salt, 64),
        length=32,
        iterations=kdf.iterations,
        lanes=kdf.lanes,
        memory_cost=kdf.memory_kib,
    ).derive(passphrase.encode())


def _context(party: str, name: str, token: TokenKey | None = None) -> bytes:
    if token is None:
        return b"\0".join((_LABEL, party.encode(), name.encode()))
    where = (token.label.encode(), bytes.fromhex(token.key_id), token.public_bytes)
    return b"\0".join((_TOKEN_LABEL, party.encode(), name.encode(), *where))


def store_identity(
    path: Path,
    identity: Identity,
    secret: bytes,
    passphrase: str,
    *,
    token: TokenKey | None = None,
    beside: Sequence[NewFile] = (),
) -> None:
    """Write a new identity file at mode 0600; never overwrites. With what goes ``beside`` it, or none of all.

    Raises ``SetupError``, or ``DiskError`` when the disk does not take it.
    """
    if len(passphrase) < MIN_PASSPHRASE:
        raise SetupError(f"the passphrase is too short: use at least {MIN_PASSPHRASE} characters")
    kdf = Kdf(salt=to_base64(os.urandom(16)))
    context = _context(identity.party, identity.name, token)
    encryptor = Cobblestone256Encryptor(derive_key(passphrase, kdf), context)
    sealed = to_base64(encryptor.update(secret) + encryptor.finalize())
    file: _File | _TokenFile = _File("seinpost-identity/1", identity.party, identity.name, kdf, sealed)
    if token is not None:
        file = _TokenFile("seinpost-identity/2", identity.party, identity.name, token, kdf, sealed)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SetupError(f"cannot write {path}: {error.strerror}") from None
    data = msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n"
    write_together([NewFile(path, data, secret=True), *beside])


def load_identity(path: Path, passphrase: str, access: TokenAccess | None = None) -> Identity:
    """Unlock an identity file, and its token with ``access`` if it has one. Raises ``SetupError`` saying what to do."""
    try:
        if path.stat().st_mode & 0o077:
            raise SetupError(f"{path} can be read by others: run 'chmod 600 {path}'")
        data = path.read_bytes()[: _MAX_FILE_BYTES + 1]
        file = _decode(data)
        token = file.token if isinstance(file, _TokenFile) else None
        sealed = from_base64(file.sealed, _MAX_FILE_BYTES)
        context = _context(file.party, file.name, token)
        decryptor = Cobblestone256Decryptor(derive_key(passphrase, file.kdf), context)
        secret = decryptor.update(sealed) + decryptor.finalize()
        signer = _signer(path, token, access) if token is not None else None
        return Identity(file.party, file.name, secret, signer)
    except OSError as error:
        raise SetupError(f"cannot read the identity {path}: {error.strerror}") from None
    except InvalidTag:
        raise SetupError(f"wrong passphrase for {path} (or the file was changed)") from None
    except (msgspec.DecodeError, MalformedError, ValueError):
        raise SetupError(f"{path} is not an identity file") from None


def _decode(data: bytes) -> _File | _TokenFile:
    if msgspec.json.decode(data, type=_Format).format == "seinpost-identity/2":
        return msgspec.json.decode(data, type=_TokenFile)
    return msgspec.json.decode(data, type=_File)


def _signer(path: Path, token: TokenKey, access: TokenAccess | None) -> Ed25519Signer:
    if access is None:
        raise SetupError(
            f"{path} has a key in the token {token.label}: give its module in [token] of the configuration"
        )
    return open_key(token, access)


def read_passphrase_file(path: Path) -> str:
    """The first line of a passphrase file. Raises ``SetupError``."""
    try:
        with path.open(encoding="utf-8") as file:
            passphrase = file.readline(4096).rstrip("\n")
    except OSError as error:
        raise SetupError(f"cannot read the passphrase file {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SetupError(f"the passphrase file {path} is not UTF-8 text") from None
    if not passphrase:
        raise SetupError(f"the passphrase file {path} is empty")
    with contextlib.suppress(OSError):
        if path.stat().st_mode & 0o077:
            raise SetupError(f"{path} can be read by others: run 'chmod 600 {path}'")
    return passphrase
