# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The vectors of ``statements.json``: what an identity says in the directory, and what is not its word."""

from __future__ import annotations

import struct
from typing import Any

import reference as ref
from opening_cases import ATTACKER, ENCLAVE, NOW_MS, SENDER
from reference import rand

Vector = dict[str, Any]
PREKEY, END = b"seinpost/prekey/v1", b"seinpost/own-revocation/v1"
YEAR_10000_MS = 253_402_300_800_000
KEM = ref.Reader(rand("prekey", 96))


def _prekey(
    *,
    enclave: bytes = ENCLAVE,
    sender: bytes = SENDER.sender_id,
    number: int = 7,
    kem: bytes = KEM.public,
    signer: ref.Signer = SENDER,
    context: bytes = PREKEY,
) -> bytes:
    signed = PREKEY + enclave + sender + struct.pack(">Q", number) + kem
    return signed + signer.sign(signed, context)


def _end(
    *,
    enclave: bytes = ENCLAVE,
    sender: bytes = SENDER.sender_id,
    moment_ms: int = NOW_MS,
    signer: ref.Signer = SENDER,
    context: bytes = END,
) -> bytes:
    signed = END + enclave + sender + struct.pack(">Q", moment_ms)
    return signed + signer.sign(signed, context)


def _flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def statement_vectors() -> list[Vector]:
    """Valid statements, and each rule broken."""
    vectors: list[Vector] = []

    def add(name: str, description: str, data: bytes, expect: str, fields: Vector | None = None) -> None:
        vectors.append(
            {
                "name": name,
                "description": description,
                "enclave_id": ENCLAVE.hex(),
                "sender_public_key": SENDER.public.hex(),
                "statement": data.hex(),
                "expect": expect,
            }
            | ({"fields": fields} if fields is not None else {})
        )

    def shown(number: int, kem: ref.Reader = KEM) -> Vector:
        return {"type": 3, "number": str(number), "kem_key_id": kem.kem_key_id.hex()}

    for number in (1, 7, (1 << 64) - 1):
        add(f"prekey-{number}", f"Prekey {number}.", _prekey(number=number), "success", shown(number))
    other = ref.Reader(rand("another prekey", 96))
    add("prekey-another", "Another key.", _prekey(kem=other.public), "success", shown(7, other))
    for moment in (0, NOW_MS, YEAR_10000_MS - 1):
        add(
            f"revocation-{moment}",
            f"Suspect from {moment}.",
            _end(moment_ms=moment),
            "success",
            {"type": 4, "suspect_from_ms": str(moment)},
        )
    good, end = _prekey(), _end()
    for name, data in (("prekey", good), ("revocation", end)):
        add(f"{name}-truncated", "The last byte is missing.", data[:-1], "malformed")
        add(f"{name}-extended", "A byte follows.", data + b"\0", "malformed")
        add(f"{name}-label", "Another label.", b"S" + data[1:], "malformed")
        add(f"{name}-mldsa", "A bit of the ML-DSA half is another.", _flipped(data, -3_000), "signature")
        add(f"{name}-ed25519", "A bit of the Ed25519 half is another.", _flipped(data, -40), "signature")
    add("prekey-zero", "Number 0.", _prekey(number=0), "malformed")
    add("prekey-changed-number", "The number is not the one signed.", _flipped(good, 57), "signature")
    add("prekey-enclave", "For another enclave.", _prekey(enclave=rand("elsewhere", 16)), "binding")
    add("prekey-sender", "Of another identity.", _prekey(sender=ATTACKER.sender_id), "binding")
    add("prekey-signer", "Signed with another key.", _prekey(signer=ATTACKER), "signature")
    add("prekey-context", "Signed as a revocation.", _prekey(context=END), "signature")
    add(
        "prekey-low-order",
        "An X25519 half of order one.",
        _prekey(kem=KEM.public[:1184] + bytes(32)),
        "malformed",
    )
    add(
        "prekey-not-mlkem",
        "An ML-KEM half out of range.",
        _prekey(kem=b"\xff" * 1184 + KEM.public[1184:]),
        "malformed",
    )
    add("revocation-enclave", "For another enclave.", _end(enclave=rand("elsewhere", 16)), "binding")
    add("revocation-sender", "Of another identity.", _end(sender=ATTACKER.sender_id), "binding")
    add("revocation-signer", "Signed with another key.", _end(signer=ATTACKER), "signature")
    add("revocation-context", "Signed as a prekey.", _end(context=PREKEY), "signature")
    add("revocation-kind", "Signed as an envelope.", _end(context=b"seinpost/kind-3/v1"), "signature")
    add("revocation-never", "A moment beyond every calendar.", _end(moment_ms=YEAR_10000_MS), "malformed")
    return vectors
