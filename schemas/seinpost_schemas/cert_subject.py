# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A certificate's subject as nats-server names it: the user of a client that comes with that certificate.

nats-server (``verify_and_map``) looks for a user by the text that Go makes of a subject, which is not that of
RFC 4514: of the attributes only nine are in it, in an order of their own (``SERIALNUMBER=…,CN=…,O=…,C=NL``), and
equal ones are put together (``O=a+O=b``). An organizationIdentifier is left out. So two subjects may have one
text: here a subject is refused whose text would say less than it, and the register demands the OIN in it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .errors import MalformedError

MAX_SUBJECT_CHARACTERS = 1_000
"""Ours: ten attributes of the 64 characters that X.520 allows, and escapes."""

_NAMES = {
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.3": "CN",
    "2.5.4.11": "OU",
    "2.5.4.10": "O",
    "2.5.4.17": "POSTALCODE",
    "2.5.4.9": "STREET",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.6": "C",
}
"""What Go knows of a subject, in the order in which it writes it."""
_ORDER = tuple(_NAMES.values())
_ONE = ("CN", "SERIALNUMBER")
"""Of these nats-server sees the last one only."""
_SPECIAL = frozenset(',+"\\<>;')
_ATTRIBUTE = re.compile(r"([A-Z]+)=((?:[^,+\"\\<>;]|\\.)+)")


class CertSubject(msgspec.Struct, frozen=True):
    """The attributes in Go's order, (name, value) each."""

    attributes: tuple[tuple[str, str], ...]

    def values(self, name: str) -> tuple[str, ...]:
        """The values of one attribute, such as ``SERIALNUMBER``."""
        return tuple(value for key, value in self.attributes if key == name)

    @property
    def serial_number(self) -> str | None:
        """The subject's serialNumber: for an organisation of PKIoverheid, its OIN."""
        return next(iter(self.values("SERIALNUMBER")), None)

    def __str__(self) -> str:
        groups = []
        for name in _ORDER:
            values = self.values(name)
            if values:
                groups.append("+".join(f"{name}={_escape(v)}" for v in values))
        return ",".join(groups)


def subject_of(certificate: x509.Certificate) -> CertSubject:
    """The subject of a certificate; raises ``MalformedError`` for one that nats-server cannot tell from others."""
    found: dict[str, list[str]] = {name: [] for name in _ORDER}
    for attribute in certificate.subject:
        name = _NAMES.get(attribute.oid.dotted_string)
        if name is None:
            continue
        if not isinstance(attribute.value, str):
            raise MalformedError(f"the certificate's subject has an {name} that is no text")
        found[name].append(attribute.value)
    subject = CertSubject(tuple((name, value) for name in _ORDER for value in found[name]))
    _verify(subject)
    return subject


def certificate_key_of(certificate: x509.Certificate) -> str:
    """The SHA-256 of a certificate's SubjectPublicKeyInfo in hexadecimal, by which nats-server pins it."""
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).hexdigest()


def parse_subject(text: str) -> CertSubject:
    """A subject from the text that nats-server makes of it, and no other; raises ``MalformedError``."""
    if len(text) > MAX_SUBJECT_CHARACTERS:
        raise MalformedError(f"a certificate's subject has at most {MAX_SUBJECT_CHARACTERS} characters")
    attributes = []
    end = -1
    while end < len(text):
        match = _ATTRIBUTE.match(text, end + 1)
        if (
            match is None
            or match[1] not in _ORDER
            or text[match.end() : match.end() + 1] not in ("", ",", "+")
        ):
            raise _no_subject(text)
        attributes.append((match[1], re.sub(r"\\(.)", r"\1", match[2], flags=re.DOTALL)))
        end = match.end()
    subject = CertSubject(tuple(attributes))
    _verify(subject)
    if str(subject) != text:
        raise _no_subject(text)
    return subject


def _no_subject(text: str) -> MalformedError:
    return MalformedError(
        f"{text[:60]!r} is not a certificate's subject as nats-server writes it, such as "
        "SERIALNUMBER=00000099000000005000,CN=NCSC,O=NCSC,C=NL"
    )


def _verify(subject: CertSubject) -> None:
    for name in _ONE:
        if len(subject.values(name)) > 1:
            raise MalformedError(
                f"the certificate's subject has more than one {name}; nats-server sees one only"
            )
    if not subject.attributes:
        raise MalformedError("the certificate's subject is empty")
    for name, value in subject.attributes:
        # An equals sign would be read as the end of a type: then the value stands for another attribute.
        if "=" in value or not value or any(unicodedata.category(c)[0] == "C" for c in value):
            raise MalformedError(
                f"the {name} of the certificate's subject is empty, or has an equals sign or a character that "
                "does not show"
            )
    if len(str(subject)) > MAX_SUBJECT_CHARACTERS:
        raise MalformedError(f"a certificate's subject has at most {MAX_SUBJECT_CHARACTERS} characters")


def _escape(value: str) -> str:
    last = len(value) - 1
    return "".join(
        f"\\{c}" if c in _SPECIAL or (c == " " and n in (0, last)) or (c == "#" and n == 0) else c
        for n, c in enumerate(value)
    )
