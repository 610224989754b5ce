# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A registrar's key: 64 bytes of composite signing seed, under a passphrase, at mode 0600.

What `seinpost-broker init` leaves in its registrars folder is the seed in hexadecimal alone, for trials; it
is read too, and goes by its file's name.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag
from msgspec import Meta

from seinpost._files import NewFile, read_bounded, write_together
from seinpost.identity import MIN_PASSPHRASE, Kdf, derive_key
from seinpost_schemas.entry import from_base64, to_base64
from seinpost_schemas.errors import MalformedError, SetupError
from seinpost_schemas.note import composite_type_and_key, format_vkey, verify_key_name
from seinpost_schemas.signing import SEED_BYTES, SigningKey

_LABEL = b"seinpost/registrar-file/v1"
_MAX_FILE_BYTES = 16 * 1024


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Annotated[str, Meta(pattern="^seinpost-registrar/1$")]
    name: str
    kdf: Kdf
    sealed: str


class RegistrarKey:
    """An unlocked registrar key and its name."""

    def __init__(self, name: str, seed: bytes) -> None:
        verify_key_name(name)
        self.name = name
        self.signing = SigningKey(seed)

    def __repr__(self) -> str:
        return f"RegistrarKey({self.name})"

    @property
    def vkey(self) -> str:
        """The verifier key, as the register's ``registrars.keys`` lists it."""
        return format_vkey(self.name, composite_type_and_key(self.signing.public.raw))


def make_registrar_key(path: Path, public: Path, name: str, passphrase: str) -> RegistrarKey:
    """A new key and its verifier key, in two new files; raises ``SetupError`` or ``DiskError`` for neither."""
    seed = os.urandom(SEED_BYTES)
    key = RegistrarKey(name, seed)
    if len(passphrase) < MIN_PASSPHRASE:
        raise SetupError(f"the passphrase is too short: use at least {MIN_PASSPHRASE} characters")
    kdf = Kdf(salt=to_base64(os.urandom(16)))
    encryptor = Cobblestone256Encryptor(derive_key(passphrase, kdf), _context(name))
    sealed = encryptor.update(seed) + encryptor.finalize()
    file = _File("seinpost-registrar/1", name, kdf, to_base64(sealed))
    secret = NewFile(path, msgspec.json.encode(file) + b"\n", secret=True)
    write_together([secret, NewFile(public, key.vkey.encode() + b"\n")])
    return key


def load_registrar_key(path: Path, find_passphrase: Callable[[], str]) -> RegistrarKey:
    """Unlock a registrar's key; the passphrase is asked for only when there is one. Raises ``SetupError``."""
    data = read_bounded(path, _MAX_FILE_BYTES)
    if path.stat().st_mode & 0o077:
        raise SetupError(f"{path} can be read by others: run 'chmod 600 {path}'")
    try:
        if not data.startswith(b"{"):
            return RegistrarKey(path.stem, bytes.fromhex(data.decode("ascii").strip()))
        file = msgspec.json.decode(data, type=_File)
        sealed = from_base64(file.sealed, _MAX_FILE_BYTES)
        decryptor = Cobblestone256Decryptor(derive_key(find_passphrase(), file.kdf), _context(file.name))
        return RegistrarKey(file.name, decryptor.update(sealed) + decryptor.finalize())
    except InvalidTag:
        raise SetupError(f"wrong passphrase for {path} (or the file was changed)") from None
    except (msgspec.DecodeError, MalformedError, ValueError):
        raise SetupError(f"{path} is not a registrar's key file") from None


def _context(name: str) -> bytes:
    return b"\0".join((_LABEL, name.encode()))
