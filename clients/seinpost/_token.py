# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The Ed25519 half of a signing key in a PKCS#11 token: made there, used there, never outside it.

The other half, ML-DSA-65, is in the identity file: no token has that mechanism. A thief needs both, and the token
cannot be copied. One signature, of an envelope with up to 1,024 signals, is one operation of the token.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519
from msgspec import Meta

from seinpost_schemas.entry import from_base64, to_base64
from seinpost_schemas.errors import SetupError, UnavailableError

if TYPE_CHECKING:
    from pkcs11 import Session

_CURVE = bytes.fromhex("06032b6570")
"""CKA_EC_PARAMS: the object identifier 1.3.101.112, id-Ed25519."""
_POINT_PREFIX = b"\x04\x20"
"""CKA_EC_POINT is the 32 bytes as a DER octet string."""


class TokenKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a key is: the token's label, the key's CKA_ID in hexadecimal, and its public half in base64."""

    label: Annotated[str, Meta(min_length=1, max_length=32)]
    key_id: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
    public: str

    @property
    def public_bytes(self) -> bytes:
        """32 bytes; raises ``MalformedError``."""
        return from_base64(self.public, 32)


class TokenAccess(msgspec.Struct, frozen=True):
    """How to get at a token on this machine: its PKCS#11 module, and where the PIN comes from."""

    module: Path
    pin: Callable[[], str]


class TokenSigner:
    """A key in a token with an open session; signs for one thread at a time."""

    def __init__(self, key: TokenKey, session: Session, private: Any) -> None:
        self._key = key
        self._session = session
        self._private = private
        self._lock = threading.Lock()
        self._verifying = ed25519.Ed25519PublicKey.from_public_bytes(key.public_bytes)

    def __repr__(self) -> str:
        return f"TokenSigner({self._key.label})"

    @property
    def public(self) -> bytes:
        """32 bytes."""
        return self._key.public_bytes

    def sign(self, data: bytes) -> bytes:
        """64 bytes; raises ``UnavailableError`` when the token does not sign, or signs wrongly."""
        pkcs11 = _pkcs11()
        try:
            with self._lock:
                signature: bytes = self._private.sign(data, mechanism=pkcs11.Mechanism.EDDSA)
            # What a broken token signs could tell its key; and nothing is sent that nobody can verify.
            self._verifying.verify(signature, data)
        except pkcs11.PKCS11Error as error:
            raise UnavailableError(f"the token {self._key.label} does not sign: {_cause(error)}") from None
        except InvalidSignature:
            raise UnavailableError(
                f"the token {self._key.label} signs with another key, or wrongly"
            ) from None
        return signature

    def close(self) -> None:
        """End the session."""
        self._session.close()


def open_key(key: TokenKey, access: TokenAccess) -> TokenSigner:
    """The signer of a key that is in a token; raises ``SetupError``."""
    pkcs11 = _pkcs11()
    session = _open(key.label, access, rw=False)
    try:
        private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, id=bytes.fromhex(key.key_id))
        signer = TokenSigner(key, session, private)
        signer.sign(os.urandom(32))
    except pkcs11.NoSuchKey:
        raise SetupError(f"the token {key.label} does not hold the key of this identity") from None
    except pkcs11.PKCS11Error as error:
        raise SetupError(f"the token {key.label} cannot be used: {_cause(error)}") from None
    except UnavailableError as error:
        raise SetupError(str(error)) from None
    return signer


def make_key(label: str, access: TokenAccess, name: str) -> TokenKey:
    """A new key in a token, labelled with the identity's name; it can never leave it. Raises ``SetupError``."""
    pkcs11 = _pkcs11()
    attribute = pkcs11.Attribute
    key_id = os.urandom(16)
    session = _open(label, access, rw=True)
    try:
        curve = session.create_domain_parameters(
            pkcs11.KeyType.EC_EDWARDS, {attribute.EC_PARAMS: _CURVE}, local=True
        )
        public, private = curve.generate_keypair(
            mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
            store=True,
            label=name,
            id=key_id,
            private_template={attribute.SENSITIVE: True, attribute.EXTRACTABLE: False},
        )
        point = bytes(public[attribute.EC_POINT])
        if private[attribute.EXTRACTABLE] or not private[attribute.SENSITIVE]:
            raise SetupError(f"the token {label} would give its keys away: it cannot be used")
    except pkcs11.PKCS11Error as error:
        raise SetupError(f"the token {label} makes no Ed25519 key: {_cause(error)}") from None
    finally:
        session.close()
    if len(point) != 34 or not point.startswith(_POINT_PREFIX):
        raise SetupError(f"the token {label} gives the new key in another form than PKCS#11 says")
    return TokenKey(label=label, key_id=key_id.hex(), public=to_base64(point[2:]))


def remove_key(key: TokenKey, access: TokenAccess) -> None:
    """Take a key out of its token again; for one that was made in vain."""
    pkcs11 = _pkcs11()
    session = _open(key.label, access, rw=True)
    try:
        for found in list(session.get_objects({pkcs11.Attribute.ID: bytes.fromhex(key.key_id)})):
            found.destroy()
    except pkcs11.PKCS11Error as error:
        raise SetupError(
            f"the token {key.label} keeps a key that was made in vain: {_cause(error)}"
        ) from None
    finally:
        session.close()


def _open(label: str, access: TokenAccess, *, rw: bool) -> Session:
    pkcs11 = _pkcs11()
    try:
        token = pkcs11.lib(str(access.module)).get_token(token_label=label)
    except (pkcs11.NoSuchToken, pkcs11.MultipleTokensReturned):
        raise SetupError(f"there is not one token called {label} at {access.module}; is it there?") from None
    except (pkcs11.PKCS11Error, RuntimeError) as error:
        raise SetupError(f"cannot use the PKCS#11 module {access.module}: {_cause(error)}") from None
    try:
        session: Session = token.open(rw=rw, user_pin=access.pin())
    except pkcs11.UserAlreadyLoggedIn:
        # A process is logged in or not, all of it: another identity of this one uses the same token.
        session = token.open(rw=rw)
    except (pkcs11.PinIncorrect, pkcs11.PinLenRange, pkcs11.PinInvalid):
        raise SetupError(
            f"the PIN of the token {label} is wrong; after a few tries it locks itself"
        ) from None
    except pkcs11.PKCS11Error as error:
        raise SetupError(f"the token {label} cannot be opened: {_cause(error)}") from None
    return session


def _pkcs11() -> Any:
    """The library, which is an extra: most partners have no token."""
    try:
        import pkcs11  # noqa: PLC0415
    except ImportError:
        raise SetupError("a key in a token needs python-pkcs11: run pip install 'seinpost[pkcs11]'") from None
    return pkcs11


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__
