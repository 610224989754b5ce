# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Certificates in the shape of PKIoverheid G4, to try mTLS and key statements with. They are worth nothing else.

As in G4: a hierarchy for servers and one for organisations, each a root, a domain CA and an issuing CA; keys RSA-3072,
signatures RSASSA-PSS with SHA-512 and a salt of 64 bytes; one purpose per certificate; servers have DNS names and no
addresses, organisations no alternative names at all; the OIN is the subject's serialNumber, the KvK number its
organizationIdentifier. Names begin with TRIAL and OINs with the test prefix; a production register refuses both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from enum import Enum

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from seinpost_schemas.errors import MalformedError
from seinpost_schemas.oin import TEST_PREFIX, verify_oin

KEY_BITS = 3072
CA_DAYS = 1_826
END_DAYS = 397
"""The longest that a certificate of the trial hierarchies is valid."""
CRL_DAYS = 30
_PSS = padding.PSS(padding.MGF1(hashes.SHA512()), 64)
_MAKER = "TRIAL PKIoverheid - not for Production use"
_ISSUER = "TRIAL My TSP - not for Production use"
_KVK = "NTRNL-99999990"
_MAX_NAME = 64
_QC_STATEMENTS = x509.UnrecognizedExtension(
    ObjectIdentifier("1.3.6.1.5.5.7.1.3"),
    # id-qcs-pkixQCSyntax-v2 with id-etsi-qcs-SemanticsId-Legal.
    bytes.fromhex("30173015" + "06082b06010505070b02" + "3009" + "060704008bec490102"),
)


class Purpose(Enum):
    """What an end certificate is for: key usages, extended ones, and its policy (of the trial arc)."""

    SERVER = "server"
    AUTHENTICATION = "authentication"
    AUTHENTICITY = "authenticity"

    @property
    def extended(self) -> list[ObjectIdentifier]:
        """The extended key usages."""
        return {
            Purpose.SERVER: [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
            Purpose.AUTHENTICATION: [ExtendedKeyUsageOID.CLIENT_AUTH],
            Purpose.AUTHENTICITY: [
                ObjectIdentifier("1.3.6.1.4.1.311.10.3.12"),
                ObjectIdentifier("1.3.6.1.5.5.7.3.36"),
            ],
        }[self]

    @property
    def policy(self) -> ObjectIdentifier:
        """The certificate policy, in the arc of the trial hierarchies."""
        last = {
            Purpose.SERVER: "15.35.11",
            Purpose.AUTHENTICATION: "16.25.8",
            Purpose.AUTHENTICITY: "16.25.4",
        }
        return ObjectIdentifier(f"2.16.528.1.1003.1.2.41.{last[self]}")


class Authority(msgspec.Struct, frozen=True):
    """A CA that issues; ``chain`` its own certificate first, its root last."""

    chain: tuple[x509.Certificate, ...]
    key: rsa.RSAPrivateKey

    def __repr__(self) -> str:
        return f"Authority({self.certificate.subject.rfc4514_string()})"

    @property
    def certificate(self) -> x509.Certificate:
        """The issuing CA's certificate."""
        return self.chain[0]


class Issued(msgspec.Struct, frozen=True):
    """An end certificate with its key; ``chain`` without the root, as a TLS server sends it."""

    chain: tuple[x509.Certificate, ...]
    key: rsa.RSAPrivateKey

    def __repr__(self) -> str:
        return f"Issued({self.certificate.subject.rfc4514_string()})"

    @property
    def certificate(self) -> x509.Certificate:
        """The end certificate."""
        return self.chain[0]


def new_key() -> rsa.RSAPrivateKey:
    """An RSA key as G4 asks for."""
    return rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)


def found_hierarchy(what: str, now: dt.datetime) -> Authority:
    """A root, a domain CA and an issuing CA; ``what`` is ``TLS SYS`` or ``Other LP``."""
    year, domain = now.year, what.partition(" ")[0]
    root_name = _ca_name(f"TRIAL PKIoverheid - G4 Root Priv G-{domain} - {year}", _MAKER)
    domain_name = _ca_name(f"TRIAL PKIoverheid - G4 Intm Priv G-{what} - {year}", _MAKER)
    issuing_name = _ca_name(f"TRIAL My TSP - G4 PKIo Priv G-{what} - {year}", _ISSUER)
    keys = [new_key() for _ in range(3)]
    root = _ca(root_name, keys[0], Authority((), keys[0]), None, now)
    middle = _ca(domain_name, keys[1], Authority((root,), keys[0]), 1, now)
    issuing = _ca(issuing_name, keys[2], Authority((middle, root), keys[1]), 0, now)
    return Authority((issuing, middle, root), keys[2])


def issue_server(authority: Authority, names: Sequence[str], oin: str, now: dt.datetime) -> Issued:
    """A server certificate with DNS names, which its holder may use as a client too."""
    if not names or any(_is_address(name) for name in names):
        raise MalformedError("a server certificate has DNS names, and no addresses")
    subject = organisation_name("Seinpost broker", oin)
    alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    return issue_end(authority, subject, Purpose.SERVER, now, alternative)


def issue_organisation(
    authority: Authority,
    organisation: str,
    oin: str,
    purpose: Purpose,
    now: dt.datetime,
    *,
    common_name: str | None = None,
) -> Issued:
    """A certificate of an organisation, to authenticate or to seal with; without alternative names.

    Its ``common_name`` is the organisation's name, unless several of its machines are to be told apart.
    """
    name = organisation_name(organisation, oin, common_name)
    return issue_end(authority, name, purpose, now, None)


def organisation_name(organisation: str, oin: str, common_name: str | None = None) -> x509.Name:
    """The subject of an organisation; raises ``MalformedError`` for an OIN that is not a test OIN."""
    verify_oin(oin)
    if not oin.startswith(TEST_PREFIX):
        raise MalformedError(f"a trial certificate is for a test OIN only: {TEST_PREFIX}…")
    organisation, common_name = f"TRIAL {organisation}", f"TRIAL {common_name or organisation}"
    if max(len(organisation), len(common_name)) > _MAX_NAME:
        raise MalformedError(f"an organisation's name has at most {_MAX_NAME - 6} characters")
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, f"NTRNL-{oin[8:16]}"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, oin),
        ]
    )


def issue_crl(
    authority: Authority, revoked: Sequence[int], now: dt.datetime
) -> x509.CertificateRevocationList:
    """The list of the serial numbers that no longer count: G4 has no other way of saying so."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now)
        .next_update(now + dt.timedelta(days=CRL_DAYS))
        .add_extension(_authority_key_id(authority), critical=False)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
    )
    for number in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(now).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(authority.key, hashes.SHA512(), rsa_padding=_PSS)


def _is_address(name: str) -> bool:
    return ":" in name or not any(c.isalpha() for c in name)


def _ca_name(common: str, organisation: str) -> x509.Name:
    attributes = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "NL"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
        x509.NameAttribute(NameOID.COMMON_NAME, common),
    ]
    if organisation == _ISSUER:
        attributes.insert(2, x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, _KVK))
    return x509.Name(attributes)


def _ca(
    name: x509.Name, key: rsa.RSAPrivateKey, issuer: Authority, path_length: int | None, now: dt.datetime
) -> x509.Certificate:
    by = issuer.chain[0].subject if issuer.chain else name
    usage = _usage(digital_signature=True, key_cert_sign=True, crl_sign=True)
    return (
        _begun(name, by, key, now, CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
        )
        .sign(issuer.key, hashes.SHA512(), rsa_padding=_PSS)
    )


def issue_end(
    authority: Authority,
    subject: x509.Name,
    purpose: Purpose,
    now: dt.datetime,
    alternative: x509.SubjectAlternativeName | None,
) -> Issued:
    """An end certificate of any subject, for those who know what they try."""
    key = new_key()
    server = purpose is Purpose.SERVER
    common = authority.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    point = x509.UniformResourceIdentifier(f"http://crl.trial.invalid/{str(common).replace(' ', '')}.crl")
    builder = (
        _begun(subject, authority.certificate.subject, key, now, END_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True, key_encipherment=server), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purpose.extended), critical=False)
        .add_extension(_authority_key_id(authority), critical=False)
        .add_extension(
            x509.CertificatePolicies(
                [
                    x509.PolicyInformation(ObjectIdentifier("0.4.0.2042.1.1"), None),
                    x509.PolicyInformation(purpose.policy, None),
                ]
            ),
            critical=False,
        )
        .add_extension(
            x509.CRLDistributionPoints([x509.DistributionPoint([point], None, None, None)]), critical=False
        )
        .add_extension(_QC_STATEMENTS, critical=False)
    )
    if alternative is not None:
        builder = builder.add_extension(alternative, critical=False)
    certificate = builder.sign(authority.key, hashes.SHA512(), rsa_padding=_PSS)
    return Issued((certificate, *authority.chain[:-1]), key)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _authority_key_id(authority: Authority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())


def _usage(
    *,
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
