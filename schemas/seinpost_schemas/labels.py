# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The ASCII labels that start every hash, key derivation and signature (specification, section 2).

No label is a prefix of another (a test holds this), and what follows a label has a fixed length, so no
two uses can produce the same input.
"""

from __future__ import annotations

ENCLAVE = b"seinpost/enclave/v1"
SENDER = b"seinpost/sender/v1"
KEM_KEY = b"seinpost/kem-key/v1"
KEYS = b"seinpost/keys/v1"
OBJECT = b"seinpost/object/v1"
BODY = b"seinpost/body/v1"
SIGNATURE = b"seinpost/signature/v1"
ENTRY = b"seinpost/entry/v1"
DIRECTORY_ENTRY = b"seinpost/directory-entry/v1"
DIRECTORY_OBJECT = b"seinpost/directory-object/v1"
ADMISSION_ENTRY = b"seinpost/admission-entry/v1"
BATCH_CONTEXT = b"seinpost/batch-context/v1"
MAIN_KEY = b"seinpost/main-key/v1"
PROTECTED_KEY = b"seinpost/protected-key/v1"
COMMITMENT = b"seinpost/commitment/v1"
PROTECTED_COMMITMENT = b"seinpost/protected-commitment/v1"
EPOCH_SLOT = b"seinpost/epoch-slot/v1"
SHARE_SLOT = b"seinpost/share-slot/v1"
SALTS = b"seinpost/salts/v1"
SECTION = b"seinpost/section/v1"
LEAF = b"seinpost/leaf/v1"
REGISTER_NOTE = b"seinpost/register-note/v1"
PREKEY = b"seinpost/prekey/v1"
OWN_REVOCATION = b"seinpost/own-revocation/v1"
REQUEST = b"seinpost/request/v1"
SUCCESSION = b"seinpost/succession/v1"

ALL = (
    ENCLAVE,
    SENDER,
    KEM_KEY,
    KEYS,
    OBJECT,
    BODY,
    SIGNATURE,
    ENTRY,
    DIRECTORY_ENTRY,
    DIRECTORY_OBJECT,
    ADMISSION_ENTRY,
    BATCH_CONTEXT,
    MAIN_KEY,
    PROTECTED_KEY,
    COMMITMENT,
    PROTECTED_COMMITMENT,
    EPOCH_SLOT,
    SHARE_SLOT,
    SALTS,
    SECTION,
    LEAF,
    REGISTER_NOTE,
    PREKEY,
    OWN_REVOCATION,
    REQUEST,
    SUCCESSION,
)


def kind_context(kind: int) -> bytes:
    """The composite signature's context for an envelope kind: ``seinpost/kind-<number>/v1``."""
    return b"seinpost/kind-%d/v1" % kind
