# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Key objects: an identity's public keys as the directory logs them."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from seinpost_schemas.errors import MalformedError
from seinpost_schemas.keys import KeyObject, decode_key_object, kem_key_id_of


def test_a_key_object_is_its_label_and_two_keys(enclave: Any) -> None:
    keys: KeyObject = enclave.keys["ncsc"]
    data = keys.encode()
    assert len(data) == 3_216
    assert data == b"seinpost/keys/v1" + keys.signing + keys.kem
    assert decode_key_object(data) == keys


def test_ids_and_hash_are_the_specifications(enclave: Any) -> None:
    keys: KeyObject = enclave.keys["ncsc"]
    assert keys.keys_hash() == hashlib.sha256(keys.encode()).digest()
    wanted = hashlib.sha256(b"seinpost/kem-key/v1" + keys.kem).digest()[:16]
    assert keys.kem_key_id == kem_key_id_of(keys.kem) == wanted
    assert keys.sender_id == keys.verifying_key().sender_id == enclave.signing["ncsc"].public.sender_id


def test_another_length_or_label_is_malformed(enclave: Any) -> None:
    data = enclave.keys["ncsc"].encode()
    for bad in (b"", data[:-1], data + b"\0", b"seinpost/keyz/v1" + data[16:]):
        with pytest.raises(MalformedError):
            decode_key_object(bad)
