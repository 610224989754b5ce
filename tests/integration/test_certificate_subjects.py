# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The subject that the register names is the user that a real nats-server finds, and nobody else is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import nats.errors
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from harness.mtls import TlsServer, issued, server_files, tls_server

from seinpost_broker.core.nats_config import Tls, tls_lines
from seinpost_schemas.cert_subject import certificate_key_of, parse_subject, subject_of
from seinpost_schemas.errors import MalformedError

pytestmark = pytest.mark.nats

OIN = "00000099000000005000"
TITLE, GIVEN = NameOID.TITLE, NameOID.GIVEN_NAME
C, ORG, OU, CN, SN = (
    NameOID.COUNTRY_NAME,
    NameOID.ORGANIZATION_NAME,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.COMMON_NAME,
    NameOID.SERIAL_NUMBER,
)
L, ST, STREET, PC = (
    NameOID.LOCALITY_NAME,
    NameOID.STATE_OR_PROVINCE_NAME,
    NameOID.STREET_ADDRESS,
    NameOID.POSTAL_CODE,
)


def name(
    *attributes: tuple[x509.ObjectIdentifier, str] | list[tuple[x509.ObjectIdentifier, str]],
) -> x509.Name:
    """A subject; a list is one RDN of several values."""
    rdns = [a if isinstance(a, list) else [a] for a in attributes]
    return x509.Name([x509.RelativeDistinguishedName([x509.NameAttribute(o, v) for o, v in r]) for r in rdns])


SUBJECTS = {
    "as in G4": name(
        (C, "NL"), (ORG, "NCSC"), (NameOID.ORGANIZATION_IDENTIFIER, "NTRNL-1"), (CN, "NCSC"), (SN, OIN)
    ),
    "another order": name((SN, OIN), (CN, "order"), (C, "NL"), (ORG, "NCSC")),
    "commas": name((ORG, "Rijk, Zaken, en meer"), (CN, "a,b"), (SN, OIN)),
    "plus": name((ORG, "A+B"), (CN, "+"), (SN, OIN)),
    "quotes and backslashes": name((ORG, 'De "Raad"'), (CN, "a\\b\\"), (SN, OIN)),
    "angles and semicolons": name((ORG, "<x>; y"), (CN, "a<"), (SN, OIN)),
    "number sign first": name((ORG, "#1 van Nederland"), (CN, "a#b"), (SN, OIN)),
    "spaces at the ends": name((ORG, " vooraan"), (CN, "achteraan "), (SN, OIN)),
    "one space": name((ORG, "x"), (CN, " "), (SN, OIN)),
    "diaeresis": name((ORG, "Coördinatie België"), (CN, "ë"), (SN, OIN)),
    "other scripts": name((ORG, "Ελλάδα 日本"), (CN, "Ωλ"), (SN, OIN)),
    "apostrophe and dollar": name((ORG, "'s-Gravenhage $HOME"), (CN, "a/b"), (SN, OIN)),
    "multi-valued": name((C, "NL"), [(ORG, "mv"), (OU, "unit")], [(CN, "mv"), (SN, OIN)]),
    "two units": name((C, "NL"), (ORG, "twee"), (OU, "een"), (OU, "twee"), (SN, OIN)),
    "all that there is": name(
        (C, "NL"),
        (ST, "ZH"),
        (L, "Den Haag"),
        (STREET, "Laan 1"),
        (PC, "2500 AA"),
        (ORG, "alles"),
        (OU, "u"),
        (SN, OIN),
    ),
    "attributes that are not seen": name(
        (C, "NL"), (ORG, "zie niet"), (TITLE, "dr."), (GIVEN, "A"), (SN, OIN)
    ),
    "domain components": name((NameOID.DOMAIN_COMPONENT, "example"), (ORG, "dc"), (SN, OIN)),
}


def mail(text: str) -> x509.RFC822Name:
    """An e-mail address that is none, as a careless CA would take it."""
    return x509.RFC822Name._init_without_validation(text)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """One that has every subject above for a user."""
    folder = tmp_path_factory.mktemp("subjects")
    certificate, key, ca = server_files(folder)
    lines = tls_lines(Tls(certificate=str(certificate), key=str(key), clients_ca=str(ca)))
    users = [str(subject_of(issued(n).certificate)) for n in SUBJECTS.values()]
    assert len(set(users)) == len(users)
    with tls_server(folder, users, lines) as running:
        yield running


@pytest.mark.parametrize("what", SUBJECTS)
async def test_the_server_finds_the_user_by_our_text(server: TlsServer, what: str) -> None:
    certificate = issued(SUBJECTS[what])
    text = str(subject_of(certificate.certificate))
    assert await server.user_of(certificate) == text
    # And the text is what a register may hold.
    assert str(parse_subject(text)) == text


PLAIN = [(C, "NL"), (ORG, "NCSC"), (CN, "NCSC"), (SN, OIN)]
STRANGERS = {
    "a prefix of the name": name(*PLAIN[:2], (CN, "NCS"), (SN, OIN)),
    "the name as a prefix": name(*PLAIN[:2], (CN, "NCSC 2"), (SN, OIN)),
    "one attribute fewer": name(*PLAIN[1:]),
    "one attribute more": name(*PLAIN, (OU, "extra")),
    "another OIN": name(*PLAIN[:3], (SN, "00000099000000006000")),
    "without OIN": name(*PLAIN[:3]),
    "another case": name(*PLAIN[:2], (CN, "ncsc"), (SN, OIN)),
    "the whole text in one attribute": name((CN, f"x,SERIALNUMBER={OIN},CN=NCSC,O=NCSC,C=NL")),
    "two OINs, the wrong one last": name(*PLAIN, (SN, "00000099000000006000")),
}


@pytest.mark.parametrize("what", STRANGERS)
async def test_a_certificate_that_resembles_a_users_is_nobody(server: TlsServer, what: str) -> None:
    assert f"SERIALNUMBER={OIN},CN=NCSC,O=NCSC,C=NL" in (server.folder / "nats.conf").read_text()
    with pytest.raises(nats.errors.Error, match=r"(?i)authorization"):
        await server.user_of(issued(STRANGERS[what]))


@pytest.mark.parametrize("kind", [mail, x509.UniformResourceIdentifier, x509.DNSName])
async def test_an_alternative_name_is_believed_before_the_subject(
    server: TlsServer, kind: Callable[[str], x509.GeneralName], tmp_path: Path
) -> None:
    """Why certificates are pinned: else whoever has a user's text for any name, from any CA that is trusted, is it."""
    text = f"SERIALNUMBER={OIN},CN=NCSC,O=NCSC,C=NL"
    thief = issued(name((CN, "thief")), x509.SubjectAlternativeName([kind(text)]))
    assert await server.user_of(thief) == text
    ours = issued(SUBJECTS["as in G4"])
    certificate, key, ca = server_files(tmp_path)
    tls = Tls(certificate=str(certificate), key=str(key), clients_ca=str(ca))
    with tls_server(tmp_path, [text], tls_lines(tls, [certificate_key_of(ours.certificate)])) as pinned:
        assert await pinned.user_of(ours) == text
        with pytest.raises((nats.errors.Error, OSError)):
            await pinned.user_of(thief)


async def test_what_the_server_cannot_tell_apart_is_refused_before_it_is_registered(
    server: TlsServer,
) -> None:
    """Two OINs in one subject: the server sees the last one only, and so takes it for the other."""
    double = issued(name(*PLAIN[:3], (SN, "00000099000000006000"), (SN, OIN)))
    assert await server.user_of(double) == f"SERIALNUMBER={OIN},CN=NCSC,O=NCSC,C=NL"
    with pytest.raises(MalformedError, match="more than one SERIALNUMBER"):
        subject_of(double.certificate)
