# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""One register version: what its text may say, and what it must not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from seinpost_schemas.errors import MalformedError, SeinpostError
from seinpost_schemas.note import format_vkey
from seinpost_schemas.register import (
    Audience,
    Identity,
    Mandate,
    Party,
    Prohibition,
    Registrars,
    Revocation,
    WitnessEntry,
    parse_register,
)
from seinpost_schemas.trusted_register import TrustedRegister, enclave_id_of


def changed(text: str, old: str, new: str, count: int = 1) -> str:
    assert text.count(old) >= count
    return text.replace(old, new, count)


def test_a_whole_register_is_read(enclave: Any) -> None:
    register = parse_register(enclave.note(enclave.text()))
    assert (register.enclave, register.version, register.quorum) == ("test", 1, 0)
    assert [p.token for p in register.parties] == ["ncsc", "tafel"]
    assert register.ceiling_level.token == "depv"
    assert register.party("ncsc") is register.parties[0]
    assert register.party("nctv") is None
    mandate = register.parties[0].mandates[0]
    assert mandate.starts is not None
    assert mandate.until is not None
    assert mandate.starts < mandate.until
    assert (mandate.default_audience, mandate.signal_types) == ("all", ())
    assert register.audiences[0].members == "readers"
    assert (register.audiences[2].members, register.audiences[2].sender) == ((), True)


REPLACED: dict[str, tuple[str, str, str]] = {
    "an unknown key at the top": ("quorum = 0", "quorum = 0\nquorums = 1", "unknown field"),
    "an unknown key of a party": ('name_nl = "V', 'note = "x"\nname_nl = "V', "unknown field"),
    "an unknown key of a mandate": ("from = ", "since = 2026-01-01T00:00:00Z\nfrom = ", "unknown field"),
    "a key twice": ("quorum = 0", "quorum = 0\nquorum = 0", "not TOML"),
    "no version": ("version = 1\n", "", "version"),
    "version 0": ("version = 1\n", "version = 0\n", ">= 1"),
    "a version as text": ("version = 1\n", 'version = "1"\n', "int"),
    "a time without offset": ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00", "timezone"),
    "a date for a time": ("2027-01-01T00:00:00Z", "2027-01-01", "datetime"),
    "an end before its beginning": ("2027-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "expires before"),
    "a state secret as ceiling": ('ceiling = "depv"\nschema', 'ceiling = "stgc"\nschema', "above what"),
    "a state secret as clearance": ('clearance = "depv"', 'clearance = "stgzg"', "above what"),
    "a state secret as a mandate's ceiling": (
        'ceiling = "depv"\nfrom',
        'ceiling = "stgg"\nfrom',
        "above what",
    ),
    "an unknown ceiling": ('ceiling = "depv"\nschema', 'ceiling = "high"\nschema', "unknown classification"),
    "a newer schema": ("schema = 1", "schema = 2", "schema 2"),
    "a threshold above the registrars": ("threshold = 2", "threshold = 4", "threshold"),
    "a threshold of 0": ("threshold = 2", "threshold = 0", ">= 1"),
    "a negative quorum": ("quorum = 0", "quorum = -1", ">= 0"),
    "an enclave name with a dot": ('enclave = "test"', 'enclave = "te.st"', "enclave"),
    "a period of another form": ('current = "2026q4"', 'current = "2026Q4"', "period"),
    "a next period of another form": ('next = "2027q1"', 'next = "2027*"', "period"),
    "a party twice": ('token = "tafel"', 'token = "ncsc"', "party twice"),
    "an OIN twice": ("00000099000000002000", "00000099000000001000", "OIN twice"),
    "an OIN that ends otherwise": ("00000099000000002000", "00000099000000002001", "oin"),
    "an OIN in small letters": ("00000099000000002000", "0000009900000a002000", "oin"),
    "an OIN of no register": ("00000099000000002000", "00000005000000002000", "begin with 00000005"),
    "an OIN of a KvK-nummer of nine digits": ("00000099000000002000", "00000003123456789000", "0000"),
    "a test OIN in production": ("schema = 1", "schema = 1\nproduction = true", "test OIN"),
    "an OIN of 19 digits": ("00000099000000002000", "0000009900000000200", "oin"),
    "an audience twice": ('name = "tafel"\ncode', 'name = "all"\ncode', "audience twice"),
    "an audience code twice": ("code = 2", "code = 1", "audience code twice"),
    "an audience code of 0": ("code = 2", "code = 0", ">= 1"),
    "an audience code of 256": ("code = 2", "code = 256", "<= 255"),
    "an audience of a party that is not there": ('members = ["tafel"]', 'members = ["nctv"]', "'nctv'"),
    "an audience of other words": ('members = "readers"', 'members = "everybody"', "members"),
    "an audience name with a space": ('name = "own"', 'name = "my own"', "audience"),
    "an identity twice": ('name = "tafel-desk"', 'name = "ncsc-desk"', "identity twice"),
    "a NATS key twice": ("U" + "C" * 55, "U" + "B" * 55, "NATS key twice"),
    "a broker's NATS key for an identity": ("U" + "C" * 55, "U" + "A" * 55, "NATS key twice"),
    "a NATS key of another kind": ("U" + "C" * 55, "A" + "C" * 55, "nats"),
    "a theme that does not exist": ('themes = ["process"]', 'themes = ["sport"]', "unknown theme"),
    "an action that does not exist": ('actions = ["publish", "read"]', 'actions = ["write"]', "actions"),
    "a mandate without themes": ('themes = ["process"]', "themes = []", "length >= 1"),
    "a mandate without actions": ('actions = ["publish", "read"]', "actions = []", "length >= 1"),
    "a mandate without its basis": ('basis = "default"\n', 'basis = ""\n', "basis"),
    "a mandate with another status": ('status = "note"', 'status = "law"', "status"),
    "a mandate that ends as it begins": ("until = 2026-12-01", "until = 2026-02-01", "ends before"),
    "a default audience that is not there": (
        "from = ",
        'default_audience = "press"\nfrom = ',
        "no audience is called 'press'",
    ),
    "a prohibition of a party that is not there": ('party = "ncsc"', 'party = "nctv"', "'nctv'"),
    "a prohibition of a type that does not exist": ('["assessment"]', '["rumour"]', "signal_types"),
    "a prohibition on a theme that does not exist": (
        'signal_types = ["assessment"]',
        'themes = ["sport"]',
        "unknown theme",
    ),
    "a broker with a dot": ('name = "broker-1"', 'name = "broker.1"', "broker"),
    "a party token with a capital": ('token = "ncsc"', 'token = "NCSC"', "party"),
}


@pytest.mark.parametrize(("old", "new", "message"), REPLACED.values(), ids=REPLACED.keys())
def test_a_register_that_breaks_a_rule_is_malformed(enclave: Any, old: str, new: str, message: str) -> None:
    with pytest.raises(MalformedError, match=re.escape(message)):
        parse_register(enclave.note(changed(enclave.text(), old, new)))


def test_a_registrar_stands_once_by_name_and_by_key(enclave: Any) -> None:
    vkeys = enclave.vkeys(0, 1)
    _, type_and_key = vkeys[0].split("+", 1)[0], enclave.registrars[0].public.raw
    again = format_vkey("registrar-2", b"\xffseinpost/composite/v1" + type_and_key)
    same_name = format_vkey("registrar-1", b"\xffseinpost/composite/v1" + enclave.registrars[1].public.raw)
    for bad, what in ((vkeys[0], "registrar twice"), (same_name, "registrar twice"), (again, "key twice")):
        with pytest.raises(MalformedError, match=what):
            parse_register(enclave.note(changed(enclave.text(threshold=1), vkeys[1], bad)))


def test_a_sender_id_stands_once(enclave: Any) -> None:
    one, other = (enclave.keys[p].sender_id.hex() for p in ("ncsc", "tafel"))
    with pytest.raises(MalformedError, match="sender_id twice"):
        parse_register(enclave.note(changed(enclave.text(), other, one)))


def test_the_log_keys_have_their_lengths(enclave: Any) -> None:
    for old, new in (('ed25519 = "', 'ed25519 = "AAAA'), ('mldsa44 = "', 'mldsa44 = "!')):
        with pytest.raises(MalformedError):
            parse_register(enclave.note(changed(enclave.text(), old, new)))
    text = re.sub(r'ed25519 = "[^"]+"', 'ed25519 = "AAAA"', enclave.text())
    with pytest.raises(MalformedError, match="32 and 1,312"):
        parse_register(enclave.note(text))


@pytest.mark.parametrize("text", ["", "\n", "= 1\n", "a = [\n", "a = " + "[" * 3_000, "[" * 3_000])
def test_text_that_is_no_register_is_malformed(enclave: Any, text: str) -> None:
    with pytest.raises(MalformedError):
        parse_register(enclave.note(text))


def test_all_stands_for_every_theme_in_a_mandate(enclave: Any) -> None:
    register = parse_register(enclave.note(enclave.text()))
    assert register.parties[1].mandates[0].themes == ("all",)


# Found while testing


def test_a_number_that_is_too_long_is_malformed(enclave: Any) -> None:
    with pytest.raises(SeinpostError):
        parse_register(enclave.note("version = " + "9" * 5_000 + "\n"))


@pytest.mark.parametrize("field", ["sender_id", "keys", "oin", "nats"])
def test_a_name_with_a_final_newline_is_malformed(enclave: Any, field: str) -> None:
    text = re.sub(rf'^({field} = "[0-9a-zA-Z]+)"', r'\1\\n"', enclave.text(), count=1, flags=re.MULTILINE)
    assert text != enclave.text()
    with pytest.raises(MalformedError):
        parse_register(enclave.note(text))


def test_the_next_period_is_another_than_the_current_one(enclave: Any) -> None:
    with pytest.raises(MalformedError):
        parse_register(enclave.note(changed(enclave.text(), '"2027q1"', '"2026q4"')))


def test_a_registrars_key_is_composite(enclave: Any) -> None:
    plain = format_vkey("registrar-3", b"\x01" + bytes(32))
    with pytest.raises(MalformedError):
        parse_register(enclave.note(changed(enclave.text(), enclave.vkeys(2)[0], plain)))


@pytest.mark.parametrize(
    "oin", ["00000001822477348000", "00000003123456780000", "00000004194049711000", "0000000712AB00000000"]
)
def test_a_real_oin_is_one_in_production_too(enclave: Any, oin: str) -> None:
    text = changed(enclave.text(), "00000099000000002000", oin)
    parse_register(enclave.note(text))
    text = changed(text, "00000099000000001000", "00000001000000001000")
    register = parse_register(enclave.note(changed(text, "schema = 1", "schema = 1\nproduction = true")))
    assert register.production


# -- nothing can refer to itself ----------------------------------------------------------------------


@pytest.mark.parametrize("member", ["all", "tafel-en-ncsc", "other"])
def test_an_audience_is_made_of_parties_and_of_no_audience(enclave: Any, member: str) -> None:
    """Not of itself, not of another; so there is no circle that someone would have to resolve."""
    more = f"""
[[audiences]]
name = "tafel-en-ncsc"
code = 8
members = ["ncsc", "{member}"]

[[audiences]]
name = "other"
code = 9
members = ["tafel-en-ncsc"]
"""
    with pytest.raises(MalformedError, match="names a party"):
        parse_register(enclave.note(enclave.text() + more))


NAMED = {
    Mandate: {"default_audience": "audience", "themes": "theme"},
    Audience: {"members": "party"},
    Prohibition: {"party": "party", "themes": "theme"},
    WitnessEntry: {"party": "party"},
    Revocation: {"sender_id": "identity", "suspect_log": "log"},
    # An identity succeeds one that stands before it.
    Identity: {"sender_id": "keys", "keys": "keys", "succeeds": "earlier identity"},
    Registrars: {"keys": "keys"},
    Party: {"identities": "identity", "mandates": "mandate"},
}
"""What each table names something else by, or holds."""
PLAIN = {
    "action", "actions", "basis", "ceiling", "certificate", "certificate_keys",
    "clearance", "code", "ed25519", "mldsa44", "name", "name_en", "name_nl", "nats",
    "oin", "quota", "reason", "seal", "sender", "statement", "signal_types", "starts", "status",
    "suspect_from", "suspect_index",
    "threshold", "token", "until",
}  # fmt: skip


def test_what_tables_name_each_other_by_has_no_way_back() -> None:
    """A new field must be put in one of the two lists; if it closed a circle, this would fail."""
    for table, names in NAMED.items():
        assert set(table.__struct_fields__) - set(names) <= PLAIN, table
    kinds = {"WitnessEntry": "witness"}
    graph = {kinds.get(t.__name__, t.__name__.lower()): set(n.values()) for t, n in NAMED.items()}
    # An audience's parties are named by their tokens: what they hold plays no part in it.
    graph["audience"] = {"token"}
    while graph:
        free = {kind for kind, names in graph.items() if not names & set(graph)}
        assert free, f"a circle among {sorted(graph)}"
        graph = {kind: names for kind, names in graph.items() if kind not in free}


def test_registrars_cannot_sign_themselves_in(enclave: Any) -> None:
    """A version whose registrars are its own word only: the ones before it must have signed too."""
    trusted = TrustedRegister(enclave_id_of(enclave.text()))
    trusted.advance(enclave.sign(enclave.text(), 0, 1))
    own = enclave.text(version=2, threshold=1, registrars=(2,))
    with pytest.raises(SeinpostError):
        trusted.advance(enclave.sign(own, 2))
    assert trusted.advance(enclave.sign(own, 0, 1, 2)).version == 2


SUBJECT = "SERIALNUMBER={oin},CN=NCSC,O=NCSC,C=NL"


def certified(enclave: Any, **fields: str) -> str:
    """The text with other lines in the place of the first identity's NKEY."""
    text: str = enclave.text()
    oin = re.findall(r'oin = "(\d+)"', text)[0]
    start = text.index("nats = ", text.index("[[parties.identities]]"))
    lines = "".join(f"{k} = {v}\n" for k, v in fields.items()).replace("{oin}", oin)
    return text[:start] + lines + text[text.index("\n", start) + 1 :]


def test_an_identity_is_known_by_its_certificate(enclave: Any) -> None:
    key = "ab" * 32
    text = certified(enclave, certificate=f"'{SUBJECT}'", certificate_keys=f'["{key}"]')
    identity = parse_register(enclave.note(text)).parties[0].identities[0]
    assert identity.nats is None
    assert identity.certificate == SUBJECT.format(oin=parse_register(enclave.note(text)).parties[0].oin)
    assert identity.certificate_keys == (key,)


WRONG_USERS: dict[str, tuple[dict[str, str], str]] = {
    "neither": ({}, "one NATS user"),
    "both": ({"certificate": f"'{SUBJECT}'", "nats": '"U' + "B" * 55 + '"'}, "one NATS user"),
    "another party's OIN": (
        {"certificate": "'SERIALNUMBER=00000099000000777000,CN=NCSC'"},
        "SERIALNUMBER of its certificate is not",
    ),
    "no OIN": ({"certificate": "'CN=NCSC,O=NCSC'"}, "SERIALNUMBER of its certificate is not"),
    "another order": ({"certificate": "'CN=NCSC,SERIALNUMBER={oin}'"}, "as nats-server writes it"),
    "an empty one": ({"certificate": "''"}, "length >= 1"),
    "no key": ({"certificate": f"'{SUBJECT}'", "certificate_keys": '["abc"]'}, "regex"),
    "a key twice": (
        {"certificate": f"'{SUBJECT}'", "certificate_keys": f'["{"ab" * 32}", "{"ab" * 32}"]'},
        "twice",
    ),
}


@pytest.mark.parametrize(("fields", "message"), WRONG_USERS.values(), ids=WRONG_USERS.keys())
def test_a_user_that_the_server_could_mistake_is_refused(
    enclave: Any, fields: dict[str, str], message: str
) -> None:
    with pytest.raises(MalformedError, match=message):
        parse_register(enclave.note(certified(enclave, **fields)))


def test_two_identities_are_two_certificates(enclave: Any) -> None:
    """Also when they differ only where nats-server does not look: in the order of equal attributes."""
    text = certified(enclave, certificate="'SERIALNUMBER={oin},O=a+O=b'")
    (block,) = re.findall(r"\[\[parties.identities\]\]\n.*?\n\n", text + "\n\n", re.DOTALL)[:1]
    other = block.replace("O=a+O=b", "O=b+O=a").replace('name = "', 'name = "x')
    other = re.sub(r'sender_id = "\w+"', f'sender_id = "{"00" * 16}"', other)
    with pytest.raises(MalformedError, match="names a certificate twice"):
        parse_register(enclave.note(text.replace(block, block + other)))
    apart = text.replace(block, block + other.replace("O=b+O=a", "O=b+O=c"))
    assert len(parse_register(enclave.note(apart)).parties[0].identities) == 2


def test_a_pinned_register_has_a_key_for_everyone(enclave: Any) -> None:
    text = "pinned = true\n" + enclave.text()
    with pytest.raises(MalformedError, match="has no certificate_keys"):
        parse_register(enclave.note(text))


def test_what_a_party_sealed_belongs_to_a_party_with_a_certificate_of_its_oin(enclave: Any) -> None:
    text: str = enclave.text()
    (oin, *_) = re.findall(r'oin = "(\d+)"', text)
    identity = "[[parties.identities]]\n"
    statement = identity, f'{identity}statement = "{"ab" * 32}"\n'
    with pytest.raises(MalformedError, match="no certificate in seal"):
        parse_register(enclave.note(changed(text, *statement)))
    seal = 'clearance = "depv"\n', f'clearance = "depv"\nseal = "SERIALNUMBER={oin},CN=NCSC"\n'
    register = parse_register(enclave.note(changed(changed(text, *statement), *seal)))
    assert register.parties[0].seal == f"SERIALNUMBER={oin},CN=NCSC"
    assert register.parties[0].identities[0].statement == "ab" * 32
    for wrong in ("CN=NCSC", "SERIALNUMBER=00000099000000777000,CN=NCSC"):
        with pytest.raises(MalformedError, match="is not its OIN"):
            parse_register(enclave.note(changed(text, seal[0], f'{seal[0]}seal = "{wrong}"\n')))
