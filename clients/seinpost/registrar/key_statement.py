# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Key statements: a party's certificate says that keys are the party's (specification, section 8.12). Pure.

A JWS in compact form (PS256 or ES256, the certificate and its issuers' in x5c) over the request in which the keys
are handed in. Certificates are slow, and revoked by lists; so they seal this once, and messages use the fast keys.

``verify_statement`` does, in this order:

1. the form: three parts, exactly the header fields alg, typ and x5c, limits before decoding;
2. the chain, from the certificate to a CA that the registrar trusts, at the time of verifying: its validity, key
   usages and purpose: a certificate to connect with does not seal;
3. the lists of revoked certificates, where the registrar gives them;
4. the signature, by the certificate's key, with the algorithm that goes with that key;
5. what is sealed: this party, name, key object and request, the OIN of the certificate, not older than 90 days.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import itertools
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ObjectIdentifier
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from msgspec import Meta

from seinpost_schemas.cert_subject import CertSubject, subject_of
from seinpost_schemas.errors import MalformedError, SignatureError
from seinpost_schemas.register import Hex32, Oin
from seinpost_schemas.request import MAX_STATEMENT_CHARACTERS, KeyRequest

TYPE = "seinpost-keys+jws"
FORMAT = "seinpost-key-statement/1"
MAX_CERTIFICATES = 5
MAX_AGE = dt.timedelta(days=90)
"""From being sealed to being taken in."""
MAX_AHEAD = dt.timedelta(minutes=15)
"""As far as a partner's clock may be ahead."""
MIN_RSA_BITS = 3072
_DOCUMENT_SIGNING = frozenset(
    {ObjectIdentifier("1.3.6.1.5.5.7.3.36"), ObjectIdentifier("1.3.6.1.4.1.311.10.3.12")}
)
"""id-kp-documentSigning, and Microsoft's, which PKIoverheid has beside it."""


class _Registry(jws.JWSRegistry):
    """The library's rules, with room for the certificates in the header: its own 512 bytes hold none."""

    max_header_length = MAX_STATEMENT_CHARACTERS


SealingKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class KeyStatement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a certificate seals; ``keys`` and ``request`` are hashes in hexadecimal, ``issued`` Unix seconds."""

    format: Literal["seinpost-key-statement/1"]
    party: str
    name: str
    oin: Oin
    keys: Hex32
    request: Hex32
    issued: Annotated[int, Meta(ge=0)]


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    alg: Literal["PS256", "ES256"]
    typ: Literal["seinpost-keys+jws"]
    x5c: Annotated[tuple[str, ...], Meta(min_length=1, max_length=MAX_CERTIFICATES)]


class Sealed(msgspec.Struct, frozen=True):
    """A statement that verified, and the subject of the certificate that sealed it."""

    statement: KeyStatement
    subject: CertSubject


def seal_statement(
    request: KeyRequest, chain: Sequence[x509.Certificate], key: SealingKey, now: dt.datetime
) -> str:
    """The statement over a request; raises ``MalformedError`` for a certificate or key that cannot seal it.

    ``chain`` is the certificate and those of its issuers, without or with the root.
    """
    if not 1 <= len(chain) <= MAX_CERTIFICATES:
        raise MalformedError(f"a key statement carries 1 to {MAX_CERTIFICATES} certificates")
    if _raw(key.public_key()) != _raw(chain[0].public_key()):
        raise MalformedError("the key is not that of the certificate")
    oin = _verify_oin(chain[0], request.oin)
    algorithm = _algorithm_of(chain[0])
    header = {
        "alg": algorithm,
        "typ": TYPE,
        "x5c": [base64.b64encode(c.public_bytes(Encoding.DER)).decode() for c in chain],
    }
    statement = KeyStatement(
        format="seinpost-key-statement/1",
        party=request.party,
        name=request.name,
        oin=oin,
        keys=request.key_object().keys_hash().hex(),
        request=request.unsealed_fingerprint().hex(),
        issued=int(now.timestamp()),
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    signing = RSAKey.import_key(pem) if isinstance(key, rsa.RSAPrivateKey) else ECKey.import_key(pem)
    text = jws.serialize_compact(header, msgspec.json.encode(statement), signing, algorithms=[algorithm])
    if len(text) > MAX_STATEMENT_CHARACTERS:
        raise MalformedError(f"a key statement has at most {MAX_STATEMENT_CHARACTERS} characters")
    return text


def verify_statement(
    request: KeyRequest,
    roots: Sequence[x509.Certificate],
    now: dt.datetime,
    crls: Sequence[x509.CertificateRevocationList] | None = None,
) -> Sealed:
    """What a request's statement says, and whose certificate sealed it.

    ``roots`` are the CAs that the registrar trusts; ``crls``, if not ``None``, must hold a current list of the CA
    that issued the certificate; those above it are checked where theirs are given. Raises ``MalformedError`` or
    ``SignatureError``, a sentence each.
    """
    if request.statement is None:
        raise MalformedError("the request has no key statement")
    header, payload = _parse(request.statement)
    certificates = [_certificate(c) for c in header.x5c]
    if header.alg != _algorithm_of(certificates[0]):
        raise MalformedError("the key statement's algorithm is not that of its certificate's key")
    chain = _verify_chain(certificates, roots, now)
    if crls is not None:
        _verify_not_revoked(chain, crls, now)
    _verify_signature(request.statement, header.alg, certificates[0])
    statement = _statement(payload)
    _verify_said(statement, request, certificates[0], now)
    return Sealed(statement, subject_of(certificates[0]))


# -- the form -------------------------------------------------------------------------------------


def _parse(text: str) -> tuple[_Header, bytes]:
    if len(text) > MAX_STATEMENT_CHARACTERS or not text.isascii() or text.count(".") != 2:
        raise MalformedError("the key statement is not a JWS in compact form")
    head, payload, _ = text.split(".")
    try:
        return msgspec.json.decode(_unpadded(head), type=_Header), _unpadded(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, binascii.Error, ValueError):
        raise MalformedError(
            f"the key statement's header has alg (PS256 or ES256), typ ({TYPE}) and x5c, and nothing else"
        ) from None


def _unpadded(text: str) -> bytes:
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise ValueError("another encoding of the same bytes")
    return data


def _certificate(text: str) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        raise MalformedError("the key statement holds a certificate that is none") from None


def _statement(payload: bytes) -> KeyStatement:
    try:
        return msgspec.json.decode(payload, type=KeyStatement)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedError(f"the key statement: {error}") from None


def _algorithm_of(certificate: x509.Certificate) -> Literal["PS256", "ES256"]:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return "PS256"
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return "ES256"
    raise MalformedError(
        f"a certificate that seals has an RSA key of {MIN_RSA_BITS} bits or more, or one on P-256"
    )


def _raw(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


# -- the chain ------------------------------------------------------------------------------------


def _verify_chain(
    certificates: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], now: dt.datetime
) -> list[x509.Certificate]:
    """The chain that the library built, the certificate first, the trusted CA last."""
    end = (
        ExtensionPolicy.permit_all()
        .require_present(x509.KeyUsage, Criticality.AGNOSTIC, _verify_usage)
        .may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _verify_purpose)
        .may_be_present(x509.BasicConstraints, Criticality.AGNOSTIC, _verify_no_ca)
    )
    try:
        verifier = (
            PolicyBuilder()
            .store(Store(list(roots)))
            .time(now)
            .max_chain_depth(MAX_CERTIFICATES)
            .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=end)
            .build_client_verifier()
        )
        return verifier.verify(certificates[0], list(certificates[1:])).chain
    except VerificationError as error:
        cause = str(error).removeprefix("validation failed: ").partition(" (encountered")[0]
        raise SignatureError(f"the certificate of the key statement does not verify: {cause}") from None
    except (ValueError, UnsupportedAlgorithm) as error:
        raise MalformedError(f"the certificate of the key statement cannot be verified: {error}") from None


def _verify_usage(_policy: Policy, _certificate: x509.Certificate, usage: x509.KeyUsage) -> None:
    if not (usage.digital_signature or usage.content_commitment):
        raise ValueError("its key usage is not to sign")


def _verify_purpose(
    _policy: Policy, _certificate: x509.Certificate, purposes: x509.ExtendedKeyUsage | None
) -> None:
    # Certificates of earlier generations name none; one that names another was not given to seal with.
    if purposes is not None and not _DOCUMENT_SIGNING & set(purposes):
        raise ValueError("its purpose is not to seal: take the certificate for authenticity")


def _verify_no_ca(
    _policy: Policy, _certificate: x509.Certificate, constraints: x509.BasicConstraints | None
) -> None:
    if constraints is not None and constraints.ca:
        raise ValueError("it is a CA's")


def _verify_not_revoked(
    chain: Sequence[x509.Certificate], crls: Sequence[x509.CertificateRevocationList], now: dt.datetime
) -> None:
    """Every certificate but the trusted CA against its issuer's list, which must be there for the first."""
    for certificate, issuer in itertools.pairwise(chain):
        named = issuer.subject.rfc4514_string()
        lists = [crl for crl in crls if crl.issuer == issuer.subject]
        if not lists and certificate is chain[0]:
            raise MalformedError(f"no list of revoked certificates of {named} was given")
        for crl in lists:
            if not _signed_by(crl, issuer):
                raise SignatureError(f"the list of revoked certificates is not signed by {named}")
            if crl.next_update_utc is None or not crl.last_update_utc <= now < crl.next_update_utc:
                raise MalformedError(
                    f"the list of revoked certificates of {named} is not of today: get the newest"
                )
            if crl.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
                raise SignatureError(f"a certificate of the key statement was revoked by its issuer, {named}")


def _signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    key = issuer.public_key()
    try:
        return isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) and crl.is_signature_valid(key)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False


def _verify_signature(text: str, algorithm: str, certificate: x509.Certificate) -> None:
    pem = _pem(certificate)
    try:
        key = RSAKey.import_key(pem) if algorithm == "PS256" else ECKey.import_key(pem)
        jws.deserialize_compact(text, key, registry=_Registry(algorithms=[algorithm]))
    except (JoseError, ValueError):
        raise SignatureError("the signature of the key statement does not verify") from None


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


# -- what is said ---------------------------------------------------------------------------------


def _verify_oin(certificate: x509.Certificate, oin: str | None) -> str:
    """The OIN that a certificate shows; raises unless it is ``oin``, where that is given."""
    shown = subject_of(certificate).serial_number
    if shown is None:
        raise MalformedError("the certificate's subject has no serialNumber: it must be the party's OIN")
    if oin is not None and shown != oin:
        raise MalformedError(f"the certificate is of OIN {shown[:20]}, the request of {oin}")
    return shown


def _verify_said(
    statement: KeyStatement, request: KeyRequest, certificate: x509.Certificate, now: dt.datetime
) -> None:
    if (statement.party, statement.name) != (request.party, request.name):
        raise MalformedError(f"the key statement is for {statement.name[:40]} of {statement.party[:40]}")
    if statement.keys != request.key_object().keys_hash().hex():
        raise MalformedError("the key statement is for other keys than those in the request")
    if statement.request != request.unsealed_fingerprint().hex():
        raise MalformedError("the request was changed after its key statement was sealed")
    _verify_oin(certificate, statement.oin)
    _verify_oin(certificate, request.oin)
    issued = dt.datetime.fromtimestamp(min(statement.issued, 4_102_444_800), dt.UTC)
    if issued > now + MAX_AHEAD:
        raise MalformedError(f"the key statement was sealed on {issued:%Y-%m-%d}, which is yet to come")
    if issued < now - MAX_AGE:
        raise MalformedError(
            f"the key statement was sealed on {issued:%Y-%m-%d}: over {MAX_AGE.days} days ago; have it sealed again"
        )
