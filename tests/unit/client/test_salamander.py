# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An "invisible salamander": one ciphertext that two AES-GCM keys accept (Dodis et al., 2018).

A hostile sender that gave two readers two secrets could show them two different texts under one
signature. AES-GCM's tag is GHASH, a polynomial over GF(2^128) in a value H that each key fixes. With two
keys a tag is a linear equation in any one ciphertext block, so solving for one free block makes one
(ciphertext, tag) valid under both. Cobblestone's commitment must refuse what plain AES-GCM accepts.
"""

from __future__ import annotations

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from seinpost.epochs import EpochSecrets
from seinpost.sealing import open_envelope, open_verified, part_key, seal_envelope
from seinpost_schemas import labels
from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.envelope import Envelope, sign_envelope, verify_envelope
from seinpost_schemas.errors import DecryptionError, InvalidError
from seinpost_schemas.header import Header, batch_context, hash_body
from seinpost_schemas.kinds import Kind
from seinpost_schemas.padding import pad
from seinpost_schemas.sealed_body import join_parts, split_parts
from seinpost_schemas.sections import EncodedSignal
from seinpost_schemas.signing import SigningKey

BLOCK = 16
_REDUCTION = 0xE1 << 120
"""x^128 + x^7 + x^2 + x + 1 in GCM's bit order, the leftmost bit being x^0."""


def multiply(x: int, y: int) -> int:
    """The product in GCM's field (NIST SP 800-38D, 6.3)."""
    product = 0
    for bit in range(127, -1, -1):
        if x >> bit & 1:
            product ^= y
        y = y >> 1 ^ (_REDUCTION if y & 1 else 0)
    return product


def power(x: int, exponent: int) -> int:
    result = 1 << 127
    while exponent:
        if exponent & 1:
            result = multiply(result, x)
        x = multiply(x, x)
        exponent >>= 1
    return result


def invert(x: int) -> int:
    return power(x, (1 << 128) - 2)


def encrypt_block(key: bytes, block: bytes) -> int:
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - GCM's building block
    return int.from_bytes(encryptor.update(block) + encryptor.finalize(), "big")


def tag_of(key: bytes, nonce: bytes, ciphertext: bytes) -> int:
    """GCM's tag of whole blocks with empty AAD: GHASH plus the mask of the first counter block."""
    h = encrypt_block(key, bytes(BLOCK))
    state = 0
    for at in range(0, len(ciphertext), BLOCK):
        state = multiply(state ^ int.from_bytes(ciphertext[at : at + BLOCK], "big"), h)
    state = multiply(state ^ len(ciphertext) * 8, h)
    return state ^ encrypt_block(key, nonce + b"\0\0\0\1")


def salamander(
    first: tuple[bytes, bytes], second: tuple[bytes, bytes], ciphertext: bytes, free: int
) -> bytes:
    """``ciphertext`` with block ``free`` changed, and a tag, valid for both (key, nonce) pairs."""
    base = bytearray(ciphertext)
    base[free * BLOCK : (free + 1) * BLOCK] = bytes(BLOCK)
    # The free block's coefficient is H^(blocks after it, itself and the length block included).
    exponent = len(base) // BLOCK - free + 1
    coefficients = [power(encrypt_block(key, bytes(BLOCK)), exponent) for key, _ in (first, second)]
    difference = tag_of(*first, bytes(base)) ^ tag_of(*second, bytes(base))
    block = multiply(difference, invert(coefficients[0] ^ coefficients[1]))
    base[free * BLOCK : (free + 1) * BLOCK] = block.to_bytes(BLOCK, "big")
    return bytes(base) + tag_of(*first, bytes(base)).to_bytes(BLOCK, "big")


SENDER = SigningKey(bytes(range(64)))
FIRST = EpochSecrets(b"I" * 16, b"\x51" * 32, None)
SECOND = EpochSecrets(b"I" * 16, b"\x52" * 32, None)
SIGNAL = EncodedSignal(bytes.fromhex("0198c5d7a00070008000000000000001"), (b"zero", b"one", None, None))
PLACE = Header(
    kind=Kind.SIGNALS,
    compartment=Compartment(Classification.DEPV, Theme.PROCESS),
    enclave_id=b"E" * 16,
    sender_id=SENDER.public.sender_id,
    epoch_id=FIRST.epoch_id,
    seq=7,
    prev_hash=b"p" * 32,
    directory_size=12,
    created_ms=1_790_000_000_000,
    count=1,
    batch_root=bytes(32),
    body_len=0,
    body_hash=bytes(32),
)
SALT = b"s" * 24


def derive(secrets: EpochSecrets, salt: bytes, context: bytes) -> tuple[bytes, bytes, bytes]:
    """Cobblestone-256's (AEAD key, nonce, commitment): C2SP chunked-encryption, with IANA's AEAD name."""
    key = part_key(labels.MAIN_KEY, secrets.secret, PLACE.epoch_id, PLACE.seq)
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
    okm = HKDFExpand(algorithm=hashes.SHA512(), length=76, info=info).derive(key)
    return okm[:32], okm[32:44], okm[44:]


@pytest.fixture(scope="module")
def context() -> bytes:
    return batch_context(PLACE.encode())


@pytest.fixture(scope="module")
def two_faced(context: bytes) -> bytes:
    """A chunk with its tag that the first and the second reader's AES-GCM keys both accept."""
    (key1, nonce1, _), (key2, nonce2, _) = (derive(s, SALT, context) for s in (FIRST, SECOND))
    shown_to_first = AESGCM(key1).encrypt(nonce1, pad(b"what the first reader is shown"), None)[:-BLOCK]
    return salamander((key1, nonce1), (key2, nonce2), shown_to_first, free=len(shown_to_first) // BLOCK - 1)


def signed(commitment: bytes, chunk: bytes) -> Envelope:
    """What a hostile sender signs: a well-formed envelope around a part of its own making."""
    body = join_parts(SALT + commitment + chunk, b"")
    header = msgspec.structs.replace(PLACE, body_len=len(body), body_hash=hash_body(body))
    return verify_envelope(sign_envelope(header, body, SENDER), SENDER.public)


def test_our_ghash_is_gcms() -> None:
    key, nonce, text = b"k" * 32, b"n" * 12, bytes(range(64))
    ciphertext = AESGCM(key).encrypt(nonce, text, None)
    assert tag_of(key, nonce, ciphertext[:-BLOCK]).to_bytes(BLOCK, "big") == ciphertext[-BLOCK:]
    assert multiply(0x1234 << 64, invert(0x1234 << 64)) == 1 << 127


def test_our_derivation_is_cobblestones(context: bytes) -> None:
    envelope = seal_envelope([SIGNAL], PLACE, FIRST, SENDER)
    sealed, _ = split_parts(envelope.body)
    key, nonce, commitment = derive(FIRST, sealed[:24], batch_context(envelope.header_bytes))
    assert sealed[24:56] == commitment
    assert SIGNAL.id in AESGCM(key).decrypt(nonce, sealed[56:], None)
    assert envelope.header.batch_root != PLACE.batch_root
    assert context != batch_context(envelope.header_bytes)


def test_plain_aes_gcm_opens_one_ciphertext_under_two_keys(two_faced: bytes, context: bytes) -> None:
    texts = []
    for secrets in (FIRST, SECOND):
        key, nonce, _ = derive(secrets, SALT, context)
        texts.append(AESGCM(key).decrypt(nonce, two_faced, None))
    assert texts[0].startswith(pad(b"what the first reader is shown")[:64])
    assert texts[0] != texts[1]
    key, nonce, _ = derive(EpochSecrets(b"I" * 16, b"\x53" * 32, None), SALT, context)
    with pytest.raises(InvalidTag):  # the control's control: a third key is not fooled
        AESGCM(key).decrypt(nonce, two_faced, None)


@pytest.mark.parametrize(("committed", "refusing"), [(FIRST, SECOND), (SECOND, FIRST)])
def test_a_sealed_part_opens_for_the_committed_key_only(
    two_faced: bytes, context: bytes, committed: EpochSecrets, refusing: EpochSecrets
) -> None:
    envelope = signed(derive(committed, SALT, context)[2], two_faced)
    with pytest.raises(DecryptionError) as refused:
        open_verified(envelope, refusing)
    assert refused.value.code == "decryption"
    with pytest.raises(DecryptionError):
        open_envelope(envelope, SENDER.public, refusing)
    # The committed key does decrypt it: only what was inside is refused, so the commitment alone decided.
    with pytest.raises(InvalidError) as opened:
        open_verified(envelope, committed)
    assert not isinstance(opened.value, DecryptionError)


@pytest.mark.parametrize("commitment", [bytes(32), b"\xff" * 32])
def test_a_part_that_commits_to_neither_key_opens_for_nobody(two_faced: bytes, commitment: bytes) -> None:
    for secrets in (FIRST, SECOND):
        with pytest.raises(DecryptionError):
            open_verified(signed(commitment, two_faced), secrets)
