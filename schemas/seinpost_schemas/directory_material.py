# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The directory as proofs carry it: entries and objects in base64, prekey statements without their objects.

A directory holds a prekey of every reader for every day, and no proof rests on them: their entries are there for the
root, their objects are left out.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from .directory import DIRECTORY_ENTRY_BYTES, DirectoryType, TrustedDirectory, decode_directory_entry
from .entry import from_base64, to_base64
from .errors import ProofError
from .limits import MAX_REGISTER_BYTES


class DirectoryItem(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A directory entry and its object; ``None`` for a prekey statement's."""

    entry: str
    object: str | None = None


def directory_item(entry: str, body: bytes) -> DirectoryItem:
    """An entry, in base64 as it came, and its object; raises ``MalformedError``."""
    type_ = decode_directory_entry(from_base64(entry, DIRECTORY_ENTRY_BYTES)).type
    return DirectoryItem(entry=entry, object=None if type_ == DirectoryType.PREKEY else to_base64(body))


def verify_directory_material(items: Iterable[DirectoryItem], enclave_id: bytes) -> TrustedDirectory:
    """The directory that the items make, from its 16-byte enclave_id on; its root is for the caller to compare.

    Raises ``InvalidError``; ``ProofError`` when there is no register in it.
    """
    directory = TrustedDirectory(enclave_id)
    for item in items:
        directory.advance(
            from_base64(item.entry, DIRECTORY_ENTRY_BYTES),
            from_base64(item.object, MAX_REGISTER_BYTES) if item.object is not None else None,
        )
    if directory.view_at(directory.size) is None:
        raise ProofError("the proof's directory holds no register")
    return directory
