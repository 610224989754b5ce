# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Keys sealed by a party's certificate: what holds, and every single thing that does not."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from harness.memory import Keys
from joserfc import jws
from joserfc.jwk import RSAKey

from seinpost.registrar import key_statement
from seinpost.registrar.key_statement import seal_statement, verify_statement
from seinpost_broker.core.trial_pki import (
    Authority,
    Issued,
    Purpose,
    found_hierarchy,
    issue_crl,
    issue_organisation,
    issue_server,
)
from seinpost_schemas.entry import to_base64
from seinpost_schemas.errors import InvalidError, MalformedError, SignatureError
from seinpost_schemas.request import KeyRequest, decode_request

MADE = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
NOW = MADE + dt.timedelta(days=10)
OIN = "00000099000000005000"


@functools.cache
def authority() -> Authority:
    return found_hierarchy("Other LP", MADE)


@functools.cache
def sealer(oin: str = OIN, purpose: Purpose = Purpose.AUTHENTICITY) -> Issued:
    return issue_organisation(authority(), "NCSC", oin, purpose, MADE)


ROOTS = (authority().chain[-1],)


def request(**fields: Any) -> KeyRequest:
    keys = Keys("ncsc-2")
    table = {"party": "ncsc", "name": "ncsc-2", "keys": to_base64(keys.keys.encode()), "nats": keys.nats}
    return KeyRequest(**(table | {"oin": OIN} | fields))


def sealed(asked: KeyRequest | None = None, by: Issued | None = None, now: dt.datetime = NOW) -> KeyRequest:
    asked, by = asked or request(), by or sealer()
    return msgspec.structs.replace(asked, statement=seal_statement(asked, by.chain, by.key, now))


def signed(
    payload: dict[str, Any] | bytes,
    by: Issued | None = None,
    *,
    chain: Sequence[x509.Certificate] | None = None,
    **header: Any,
) -> KeyRequest:
    """A request with any statement, signed by the right key."""
    by = by or sealer()
    x5c = [base64.b64encode(c.public_bytes(Encoding.DER)).decode() for c in chain or by.chain]
    full = {"alg": "PS256", "typ": "seinpost-keys+jws", "x5c": x5c} | header
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    key = RSAKey.import_key(by.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    registry = jws.JWSRegistry(algorithms=[full["alg"]], strict_check_header=False)
    registry.max_header_length = 32_768
    return request(statement=jws.serialize_compact(full, data, key, registry=registry))


def said(**fields: Any) -> dict[str, Any]:
    asked = request()
    return {
        "format": "seinpost-key-statement/1",
        "party": "ncsc",
        "name": "ncsc-2",
        "oin": OIN,
        "keys": asked.key_object().keys_hash().hex(),
        "request": asked.unsealed_fingerprint().hex(),
        "issued": int(NOW.timestamp()),
    } | fields


def refused(asked: KeyRequest, match: str, error: type[InvalidError] = MalformedError, **given: Any) -> None:
    with pytest.raises(error, match=match) as caught:
        verify_statement(asked, given.pop("roots", ROOTS), given.pop("now", NOW), **given)
    assert "\n" not in str(caught.value)


def test_what_a_certificate_sealed_verifies() -> None:
    found = verify_statement(sealed(), ROOTS, NOW)
    assert msgspec.to_builtins(found.statement) == said()
    assert str(found.subject) == f"SERIALNUMBER={OIN},CN=TRIAL NCSC,O=TRIAL NCSC,C=NL"
    # The issuing CA alone is enough to trust, and the request goes through a file.
    again = decode_request(msgspec.json.encode(sealed()))
    assert verify_statement(again, [authority().certificate], NOW).statement == found.statement
    assert verify_statement(signed(said()), ROOTS, NOW).statement == found.statement


def test_the_statement_is_in_the_fingerprint_and_the_fingerprint_without_it_in_the_statement() -> None:
    asked = sealed()
    assert asked.fingerprint() != asked.unsealed_fingerprint() == request().fingerprint()


FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "another party": ({"party": "ibd"}, "for ncsc-2 of ibd"),
    "another name": ({"name": "ncsc-3"}, "for ncsc-3 of ncsc"),
    "other keys": ({"keys": "ab" * 32}, "other keys"),
    "another request": ({"request": "ab" * 32}, "was changed after"),
    "another OIN than the certificate": ({"oin": "00000099000000006000"}, "is of OIN"),
    "no OIN": ({"oin": "12"}, "the key statement:"),
    "another format": ({"format": "seinpost-key-statement/2"}, "the key statement:"),
    "a field more": ({"until": 1}, "the key statement:"),
    "to come": ({"issued": int(NOW.timestamp()) + 901}, "yet to come"),
    "far to come": ({"issued": 2**62}, "yet to come"),
    "old": ({"issued": int(NOW.timestamp()) - 90 * 86_400 - 1}, "over 90 days ago"),
    "before time": ({"issued": -1}, "the key statement:"),
}


@pytest.mark.parametrize(("fields", "match"), FIELDS.values(), ids=FIELDS.keys())
def test_a_statement_of_something_else_is_refused(fields: dict[str, Any], match: str) -> None:
    refused(signed(said(**fields)), match)


@pytest.mark.parametrize("seconds", [900, -90 * 86_400])
def test_the_bounds_of_its_time_are_inside(seconds: int) -> None:
    verify_statement(signed(said(issued=int(NOW.timestamp()) + seconds)), ROOTS, NOW)


def test_any_field_of_the_request_is_sealed() -> None:
    other = Keys("another")
    for change in (
        {"nats": other.nats},
        {"machine": "elders"},
        {"oin": None},
        {"certificate_keys": ("ab" * 32,)},
    ):
        refused(msgspec.structs.replace(sealed(), **change), "was changed after")
    refused(msgspec.structs.replace(sealed(), keys=to_base64(other.keys.encode())), "other keys")
    refused(msgspec.structs.replace(sealed(), party="ibd"), "for ncsc-2 of ncsc")


def test_a_request_of_another_oin_is_neither_sealed_nor_taken() -> None:
    with pytest.raises(MalformedError, match="is of OIN"):
        sealed(request(oin="00000099000000006000"))
    asked = request(oin="00000099000000006000")
    statement = signed(said(request=asked.unsealed_fingerprint().hex())).statement
    refused(msgspec.structs.replace(asked, statement=statement), "is of OIN")


def test_a_certificate_without_an_oin_seals_nothing() -> None:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TRIAL NCSC")])
    by = certified(name)
    with pytest.raises(MalformedError, match="no serialNumber"):
        sealed(by=by)
    refused(signed(said(), by), "no serialNumber")


# -- the chain ------------------------------------------------------------------------------------


def certified(
    name: x509.Name | None = None,
    *,
    usage: dict[str, bool] | None = None,
    extended: Sequence[x509.ObjectIdentifier] | None = None,
    ca: bool = False,
    key: Any = None,
) -> Issued:
    """A certificate of the trial's CA, as that CA would never make it."""
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=3072)
    flags = dict.fromkeys(
        [
            "digital_signature",
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "key_cert_sign",
            "crl_sign",
            "encipher_only",
            "decipher_only",
        ],
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name or sealer().certificate.subject)
        .issuer_name(authority().certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(MADE)
        .not_valid_after(MADE + dt.timedelta(days=397))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if usage is not None or extended is None:
        given = usage if usage is not None else {"digital_signature": True}
        builder = builder.add_extension(x509.KeyUsage(**(flags | given)), critical=True)
    if extended is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
    made = builder.sign(authority().key, hashes.SHA512(), rsa_padding=_pss())
    return Issued((made, *authority().chain[:-1]), key)


def _pss() -> padding.PSS:
    return padding.PSS(padding.MGF1(hashes.SHA512()), 64)


def test_a_certificate_of_an_earlier_generation_seals() -> None:
    """Without extended key usage, and with non-repudiation instead of signature."""
    for usage in ({"digital_signature": True}, {"content_commitment": True}):
        verify_statement(sealed(by=certified(usage=usage)), ROOTS, NOW)


CHAINS: dict[str, tuple[Callable[[], Issued], str]] = {
    "to connect": (lambda: sealer(purpose=Purpose.AUTHENTICATION), "its purpose is not to seal"),
    "a server's": (lambda: issue_server(_tls(), ["localhost"], OIN, MADE), "not verify"),
    "not to sign": (lambda: certified(usage={"key_encipherment": True}), "its key usage is not to sign"),
    "without key usage": (
        lambda: certified(extended=[x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")]),
        "not verify",
    ),
    "a CA's": (lambda: certified(usage={"digital_signature": True}, ca=True), "it is a CA's"),
    "for time stamps": (
        lambda: certified(usage={"digital_signature": True}, extended=[ExtendedKeyUsageOID.TIME_STAMPING]),
        "its purpose is not to seal",
    ),
}


@functools.cache
def _tls() -> Authority:
    return found_hierarchy("TLS SYS", MADE)


@pytest.mark.parametrize(("make", "match"), CHAINS.values(), ids=CHAINS.keys())
def test_a_certificate_that_was_not_given_to_seal_with_is_refused(
    make: Callable[[], Issued], match: str
) -> None:
    roots = (*ROOTS, _tls().chain[-1])
    refused(signed(said(), make()), match, SignatureError, roots=roots)


def test_another_ca_is_refused() -> None:
    refused(sealed(), "not verify", SignatureError, roots=[_tls().chain[-1]])
    refused(sealed(), "cannot be verified", roots=[])
    foreign = found_hierarchy("Other LP", MADE)
    by = issue_organisation(foreign, "NCSC", OIN, Purpose.AUTHENTICITY, MADE)
    refused(signed(said(), by), "not verify", SignatureError)


def test_a_chain_with_a_gap_is_refused() -> None:
    refused(signed(said(), chain=sealer().chain[:1]), "not verify", SignatureError)
    assert verify_statement(signed(said(), chain=sealer().chain[:1]), [authority().certificate], NOW)


@pytest.mark.parametrize("days", [-1, 397, 4000])
def test_a_certificate_counts_while_it_is_valid(days: int) -> None:
    now = MADE + dt.timedelta(days=days, seconds=1)
    statement = signed(said(issued=max(0, int(now.timestamp()))))
    refused(statement, "not verify: cert is not valid at validation time", SignatureError, now=now)


def test_a_certificate_that_its_issuer_revoked_is_refused() -> None:
    mine, other = sealer().certificate.serial_number, 12345
    clean = issue_crl(authority(), [other], MADE)
    assert verify_statement(sealed(), ROOTS, NOW, [clean])
    revoked = issue_crl(authority(), [other, mine], MADE)
    refused(sealed(), "was revoked by its issuer", SignatureError, crls=[revoked])
    refused(sealed(), "was revoked by its issuer", SignatureError, crls=[clean, revoked])
    refused(sealed(), "no list of revoked certificates of CN=TRIAL My TSP", crls=[])
    refused(sealed(), "no list of revoked certificates", crls=[issue_crl(_tls(), [], MADE)])
    refused(sealed(), "not of today", crls=[clean], now=MADE + dt.timedelta(days=30))
    refused(sealed(), "not of today", crls=[issue_crl(authority(), [], NOW + dt.timedelta(days=1))])
    forged = issue_crl(Authority(authority().chain, _tls().key), [], MADE)
    refused(sealed(), "is not signed by", SignatureError, crls=[forged])


# -- form and signature ---------------------------------------------------------------------------


def test_every_part_is_signed() -> None:
    head, payload, signature = str(sealed().statement).split(".")
    other = str(sealed(now=NOW - dt.timedelta(days=1)).statement).split(".")
    flipped = signature[:40] + ("A" if signature[40] != "A" else "B") + signature[41:]
    for parts in ((head, other[1], signature), (head, payload, other[2]), (head, payload, flipped)):
        refused(request(statement=".".join(parts)), "signature of the key statement", SignatureError)
    refused(request(statement=f"{head}.{payload}."), "signature of the key statement", SignatureError)
    verify_statement(request(statement=f"{head}.{payload}.{signature}"), ROOTS, NOW)


def test_another_key_than_the_certificates_is_refused() -> None:
    by = Issued(sealer().chain, sealer(purpose=Purpose.AUTHENTICATION).key)
    refused(signed(said(), by), "signature of the key statement", SignatureError)
    with pytest.raises(MalformedError, match="not that of the certificate"):
        sealed(by=by)


HEADERS: dict[str, dict[str, Any]] = {
    "another algorithm": {"alg": "RS256"},
    "another type": {"typ": "JWT"},
    "a field more": {"kid": "1"},
    "a critical field": {"crit": ["kid"], "kid": "1"},
    "no certificate": {"x5c": []},
    "too many": {"x5c": ["AAAA"] * 6},
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_another_header_is_refused(header: dict[str, Any]) -> None:
    refused(signed(said(), **header), "header has alg")


TEXTS = {
    "nothing": "",
    "two parts": "e30.e30",
    "four parts": "e30.e30.e30.e30",
    "not base64": "*.e30.e30",
    "another alphabet": "+/8.e30.AA",
    "padding": "e30=.e30.AA",
    "no JSON": "AAAA.e30.AA",
    "none": base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode() + ".e30.",
    "another alphabet altogether": "é.e30.e30",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_what_is_no_statement_is_malformed(text: str) -> None:
    refused(request(statement=text), "key statement")


def test_a_payload_or_certificate_that_is_none_is_malformed() -> None:
    refused(signed(b"\xff"), "the key statement:")
    refused(signed(b"[]"), "the key statement:")
    for wrong in ("AAAA", "*", base64.b64encode(b"x" * 100).decode()):
        refused(signed(said(), x5c=[wrong]), "certificate that is none")


def test_a_request_without_a_statement_has_none() -> None:
    refused(request(), "no key statement")


def test_a_statement_has_a_bounded_size() -> None:
    with pytest.raises(MalformedError):
        decode_request(msgspec.json.encode(request(statement="a" * 32_769)))
    refused(request(statement="." * 32_769), "not a JWS")


def test_an_elliptic_key_seals_with_es256_and_others_not_at_all() -> None:
    by = certified(key=ec.generate_private_key(ec.SECP256R1()))
    asked = sealed(by=by)
    verify_statement(asked, ROOTS, NOW)
    assert b'"ES256"' in base64.urlsafe_b64decode(str(asked.statement).split(".")[0] + "==")
    for key in (
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ):
        with pytest.raises(MalformedError, match="3072 bits"):
            sealed(by=certified(key=key))
    refused(signed(said(), certified(key=key)), "3072 bits")


def test_the_algorithm_is_that_of_the_key() -> None:
    by = certified(key=ec.generate_private_key(ec.SECP256R1()))
    x5c = [base64.b64encode(by.certificate.public_bytes(Encoding.DER)).decode()]
    head = {"alg": "PS256", "typ": "seinpost-keys+jws", "x5c": x5c}
    parts = [base64.urlsafe_b64encode(json.dumps(x).encode()).rstrip(b"=").decode() for x in (head, said())]
    refused(request(statement=".".join([*parts, "AAAA"])), "algorithm is not that of its certificate's key")


def test_the_keys_library_is_asked_and_not_our_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the check of the signature, a changed payload would pass."""
    head, _, signature = str(sealed().statement).split(".")
    payload = str(sealed(now=NOW - dt.timedelta(days=1)).statement).split(".")[1]
    changed = request(statement=f"{head}.{payload}.{signature}")
    monkeypatch.setattr(key_statement, "_verify_signature", lambda *_: None)
    assert verify_statement(changed, ROOTS, NOW)
