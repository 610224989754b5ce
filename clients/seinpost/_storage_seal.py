# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What an identity keeps on disk, sealed under its storage key and bound to the very place where it stands."""

from __future__ import annotations

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from seinpost_schemas.errors import SetupError

_CONTEXT = b"seinpost/keyring/v1"


class StorageSeal:
    """Cobblestone-256 under a 32-byte storage key; ``file`` is named when something in it does not open."""

    def __init__(self, key: bytes, file: str) -> None:
        self._key = key
        self._file = file

    def __repr__(self) -> str:
        return f"StorageSeal({self._file})"

    def seal(self, data: bytes, *place: bytes) -> bytes:
        """A value to be stored; it opens at this place only."""
        encryptor = Cobblestone256Encryptor(self._key, b"\0".join((_CONTEXT, *place)))
        return encryptor.update(data) + encryptor.finalize()

    def open(self, data: object, *place: bytes) -> bytes:
        """A value as it was stored at this very place; raises ``SetupError`` for any other."""
        decryptor = Cobblestone256Decryptor(self._key, b"\0".join((_CONTEXT, *place)))
        try:
            if not isinstance(data, bytes):
                raise ValueError
            return decryptor.update(data) + decryptor.finalize()
        except (InvalidTag, ValueError):
            raise SetupError(
                "this state directory belongs to another identity or was changed: "
                f"remove {self._file} to start over"
            ) from None
