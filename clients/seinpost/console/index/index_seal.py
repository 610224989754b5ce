# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""AES-256-GCM for the console's index, under a key of its own for every building of it, bound to the very place."""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from seinpost_schemas.errors import MalformedError, SetupError
from seinpost_schemas.padding import pad, unpad

_LABEL = b"seinpost/console-index/v1"
_NONCE_BYTES = 12
GENERATION_BYTES = 16


class IndexChangedError(SetupError):
    """What the index holds is not what was stored there: it is built again from the logs."""

    def __init__(self) -> None:
        super().__init__("the console's index was changed or damaged; it is built again from the logs")


class IndexSeal:
    """Seals values; ``generation`` is random for each building, so that nothing of an older one opens in this one."""

    def __init__(self, storage_key: bytes, generation: bytes) -> None:
        self.generation = generation
        self._key = AESGCM(_derive(storage_key, b"seal", generation))
        self.value_secret = _derive(storage_key, b"values", generation)

    def __repr__(self) -> str:
        return f"IndexSeal({self.generation.hex()})"

    def seal(self, data: bytes, kind: bytes, number: int = 0) -> bytes:
        """Nonce 12 ‖ ciphertext of the padded data; it opens at this place only."""
        # Random nonces under one key: a building has far fewer values than the 2^32 that they are good for.
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._key.encrypt(nonce, pad(data), _place(kind, number))

    def open(self, sealed: object, kind: bytes, number: int = 0) -> bytes:
        """What was sealed at this place; raises ``IndexChangedError`` for anything else."""
        if not isinstance(sealed, bytes) or len(sealed) < _NONCE_BYTES:
            raise IndexChangedError
        try:
            return unpad(
                self._key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _place(kind, number))
            )
        except (InvalidTag, MalformedError):
            raise IndexChangedError from None


def _derive(storage_key: bytes, use: bytes, generation: bytes) -> bytes:
    return HKDFExpand(hashes.SHA256(), 32, b"\0".join((_LABEL, use, generation))).derive(storage_key)


def _place(kind: bytes, number: int) -> bytes:
    return b"\0".join((_LABEL, kind, number.to_bytes(8, "big")))
