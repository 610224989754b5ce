# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Changes to a draft's text: only the lines concerned, comments stay, and what cannot be done is not done."""

from __future__ import annotations

import datetime as dt
import re
import tomllib

import msgspec
import pytest
from harness.memory import ISSUED, Keys, keys_of

from seinpost.registrar.draft import (
    add_identity,
    add_revocations,
    next_version,
    remove_witnesses,
    set_registrars,
)
from seinpost_broker.core import founding
from seinpost_schemas.cert_subject import parse_subject
from seinpost_schemas.entry import to_base64
from seinpost_schemas.errors import SetupError
from seinpost_schemas.note import composite_type_and_key, format_vkey
from seinpost_schemas.register import Party, Revocation, parse_table, register_problems
from seinpost_schemas.request import KeyRequest, WitnessRequest, statement_hash

NOW = dt.datetime(2026, 12, 24, 9, tzinfo=dt.UTC)
REVOKED = Revocation(sender_id="ab" * 16, reason='gestolen, "zei" hij', suspect_from=NOW)


@pytest.fixture
def text() -> str:
    tokens = ("bzk", "ncsc")
    identities = [founding.FoundingIdentity(f"{t}-1", t, keys_of(t).keys, keys_of(t).nats) for t in tokens]
    keys = founding.FoundingKeys(
        registrars=[vkey("r-1"), vkey("r-2")],
        threshold=2,
        log_ed25519=bytes(32),
        log_mldsa44=bytes(1312),
        brokers={"broker-1": keys_of("broker").nats},
    )
    return "# Toelichting van het ministerie\n" + founding.founding_text("proef", ISSUED, identities, keys)


def vkey(name: str) -> str:
    return format_vkey(name, composite_type_and_key(keys_of(name).signing.public.raw))


def request(party: str, name: str, **more: object) -> KeyRequest:
    keys = Keys(name)
    return KeyRequest(party=party, name=name, keys=to_base64(keys.keys.encode()), nats=keys.nats, **more)  # type: ignore[arg-type]


def lines_changed(before: str, after: str) -> set[str]:
    return set(after.splitlines()) ^ set(before.splitlines())


def test_the_next_version_differs_in_three_lines(text: str) -> None:
    draft = next_version(text, NOW, 365)
    assert {x.split(" ")[0] for x in lines_changed(text, draft)} == {"version", "issued", "expires"}
    register = parse_table(draft)
    assert (register.version, register.issued) == (2, NOW)
    assert register.expires - NOW == dt.timedelta(days=365)


@pytest.mark.parametrize("token", [f.token for f in founding.PARTIES])
def test_an_identity_goes_into_its_party_and_nothing_else_changes(text: str, token: str) -> None:
    draft = add_identity(text, request(token, f"{token}-9"))
    party = parse_table(draft).party(token)
    assert party is not None
    assert party.identities[-1].name == f"{token}-9"
    assert party.identities[-1].keys == Keys(f"{token}-9").keys.keys_hash().hex()
    assert register_problems(draft) == []
    assert "# Toelichting van het ministerie" in draft
    gone = set(text.splitlines()) - set(draft.splitlines())
    assert gone <= {"identities = []"}
    assert register_problems(add_identity(draft, request(token, f"{token}-10"))) == []


def test_a_party_can_join(text: str) -> None:
    party = Party(
        token="rvig", oin="00000099000000099000", name_nl='RvIG "zelf"', name_en="RvIG", clearance="ong"
    )
    draft = add_identity(text, request("rvig", "rvig-1", oin=party.oin), party)
    joined = parse_table(draft).party("rvig")
    assert joined is not None
    assert (joined.name_nl, joined.mandates, len(joined.identities)) == ('RvIG "zelf"', (), 1)
    assert register_problems(draft) == []
    with pytest.raises(SetupError, match="in the register already"):
        add_identity(draft, request("rvig", "rvig-2"), party)


def test_an_unknown_party_or_a_name_in_use_or_another_oin_is_refused(text: str) -> None:
    with pytest.raises(SetupError, match="no party rvig"):
        add_identity(text, request("rvig", "rvig-1"))
    with pytest.raises(SetupError, match="already"):
        add_identity(text, request("ncsc", "bzk-1"))
    with pytest.raises(SetupError, match="has OIN"):
        add_identity(text, request("ncsc", "ncsc-2", oin="00000099000000999000"))


@pytest.mark.parametrize(("oin", "said"), [(None, "names no OIN"), ("00000099000000999000", "was given")])
def test_a_party_joins_under_the_oin_of_its_request(text: str, oin: str | None, said: str) -> None:
    party = Party(token="rvig", oin="00000099000000099000", name_nl="RvIG", name_en="RvIG", clearance="ong")
    with pytest.raises(SetupError, match=said):
        add_identity(text, request("rvig", "rvig-1", oin=oin), party)


def test_a_witness_raises_the_quorum_as_far_as_it_must(text: str) -> None:
    for count, (party, quorum) in enumerate([("ncsc", 1), ("ibd", 2), ("ap", 2), ("toezicht", 3)], 1):
        keys = WitnessRequest(to_base64(bytes([count]) * 32), to_base64(bytes([count]) * 1312))
        text = add_identity(text, request(party, f"{party}-witness", witness=keys))
        register = parse_table(text)
        assert (len(register.witnesses), register.quorum) == (count, quorum)
        assert register_problems(text) == []


def witnessed(text: str) -> str:
    for count, party in enumerate(("ncsc", "ibd", "ap", "toezicht"), 1):
        keys = WitnessRequest(to_base64(bytes([count]) * 32), to_base64(bytes([count]) * 1312))
        text = add_identity(text, request(party, f"{party}-witness", witness=keys))
    return text


def test_a_witness_goes_and_the_quorum_with_it(text: str) -> None:
    """One after another, in any order; what is left is a register that keeps its rules, and the why is in the text."""
    text = witnessed(text)
    comments = [x for x in text.splitlines() if x.startswith("#")]
    for gone, quorum in (("ibd-witness", 2), ("toezicht-witness", 2), ("ncsc-witness", 1), ("ap-witness", 0)):
        keys = {w.name: w.ed25519 for w in parse_table(text).witnesses}
        text = remove_witnesses(text, [gone], 'gestolen,\n\n[[witnesses]] "zei" hij')
        register = parse_table(text)
        assert gone not in {w.name for w in register.witnesses}
        assert {w.name: w.ed25519 for w in register.witnesses}.items() < keys.items()
        assert (register.quorum, register_problems(text)) == (quorum, [])
        comments.append(f'# witness {gone} revoked: gestolen, [[witnesses]] "zei" hij')
    assert sorted(x for x in text.splitlines() if x.startswith("#")) == sorted(comments)


def test_several_witnesses_go_at_once(text: str) -> None:
    register = parse_table(remove_witnesses(witnessed(text), ["ncsc-witness", "toezicht-witness"], "x"))
    assert ([w.name for w in register.witnesses], register.quorum) == (["ibd-witness", "ap-witness"], 2)


def test_a_witness_in_another_layout_is_left_to_people(text: str) -> None:
    odd = witnessed(text).replace("[[witnesses]]", "[[ witnesses ]]")
    with pytest.raises(SetupError, match="by hand"):
        remove_witnesses(odd, ["ncsc-witness"], "x")


def test_revocations_come_at_the_end_and_once(text: str) -> None:
    draft = add_revocations(text, [REVOKED])
    assert draft.startswith(text)
    assert parse_table(draft).revocations == (REVOKED,)
    placed = msgspec.structs.replace(
        REVOKED, sender_id="cd" * 16, suspect_from=None, suspect_log="2026q4/depv/process", suspect_index=7
    )
    assert parse_table(add_revocations(draft, [placed])).revocations == (REVOKED, placed)
    with pytest.raises(SetupError, match="revoked already"):
        add_revocations(draft, [REVOKED])


def test_registrars_are_replaced(text: str) -> None:
    draft = set_registrars(text, [vkey("r-2"), vkey("r-3"), vkey("r-4")], 3)
    registrars = parse_table(draft).registrars
    assert (registrars.threshold, registrars.keys) == (3, (vkey("r-2"), vkey("r-3"), vkey("r-4")))
    assert register_problems(draft) == []


def test_a_text_that_is_written_in_another_way_is_left_alone(text: str) -> None:
    inline = re.sub(r"\[\[brokers\]\]", "[[ brokers ]]", text) + "\nrevocations = []\n"
    assert tomllib.loads(text)
    odd = text.replace('token = "ncsc"', '"token" = "ncsc"')
    with pytest.raises(SetupError, match="by hand"):
        add_identity(odd, request("ncsc", "ncsc-2"))
    dotted = text.replace("version = 1\n", '"version" = 1\n')
    with pytest.raises(SetupError, match="by hand"):
        next_version(dotted, NOW, 30)
    with pytest.raises(SetupError, match="by hand"):
        set_registrars(text.replace("[registrars]", "[ registrars ]"), [vkey("r-2")], 1)
    assert inline


def test_values_cannot_get_out_of_their_quotes(text: str) -> None:
    for reason in ('"\nversion = 9\n"', "\\", "\x7f", "é\u2028🗳", "'''"):
        draft = add_revocations(text, [msgspec.structs.replace(REVOKED, reason=reason)])
        assert parse_table(draft).revocations[0].reason == reason


SUBJECT = 'SERIALNUMBER=00000099000000005000,CN=ncsc-2,O=De \\"Raad\\"\\, ë,C=NL'


def test_an_identity_that_connects_with_a_certificate_is_named_by_it(text: str) -> None:
    asked = request("ncsc", "ncsc-2", certificate=SUBJECT, certificate_keys=("ab" * 32,))
    draft = add_identity(text, asked)
    identity = parse_table(draft).parties[4].identities[-1]
    assert (identity.name, identity.nats, identity.certificate) == ("ncsc-2", None, SUBJECT)
    assert identity.certificate_keys == ("ab" * 32,)
    assert register_problems(draft) == []
    # With a key on record and no subject, its NKEY names it.
    pinned = add_identity(text, request("ncsc", "ncsc-2", certificate_keys=("ab" * 32,)))
    identity = parse_table(pinned).parties[4].identities[-1]
    assert (identity.certificate, identity.certificate_keys) == (None, ("ab" * 32,))
    assert identity.nats == Keys("ncsc-2").nats


def test_a_certificate_of_another_party_is_found_by_check(text: str) -> None:
    draft = add_identity(text, request("ibd", "ibd-2", certificate=SUBJECT))
    (problem,) = register_problems(draft)
    assert "SERIALNUMBER of its certificate is not" in problem


def test_a_witness_can_connect_with_a_certificate(text: str) -> None:
    keys = WitnessRequest(to_base64(b"\1" * 32), to_base64(b"\1" * 1312))
    draft = add_identity(text, request("ncsc", "ncsc-witness", witness=keys, certificate=SUBJECT))
    assert parse_table(draft).witnesses[0].certificate == SUBJECT
    assert register_problems(draft) == []


SEALER = parse_subject("SERIALNUMBER=00000099000000005000,CN=TRIAL NCSC,O=TRIAL NCSC,C=NL")


def test_the_first_key_statement_puts_the_certificate_on_record(text: str) -> None:
    draft = add_identity(text, request("ncsc", "ncsc-2", statement="x"), None, SEALER)
    ncsc = parse_table(draft).party("ncsc")
    assert ncsc is not None
    assert ncsc.seal == str(SEALER)
    assert [i.statement for i in ncsc.identities] == [None, statement_hash("x")]
    assert register_problems(draft) == []
    added = lines_changed(text, draft)
    assert f'seal = "{SEALER}"' in added
    assert sum("seal" in x for x in added) == 1

    # From now on it is demanded, and by the same certificate.
    with pytest.raises(SetupError, match="has a certificate on record"):
        add_identity(draft, request("ncsc", "ncsc-3"))
    renamed = parse_subject("SERIALNUMBER=00000099000000005000,CN=TRIAL Other,O=TRIAL NCSC,C=NL")
    with pytest.raises(SetupError, match="change seal in the draft"):
        add_identity(draft, request("ncsc", "ncsc-3", statement="y"), None, renamed)
    again = parse_table(add_identity(draft, request("ncsc", "ncsc-3", statement="y"), None, SEALER))
    assert again.parties[4].identities[-1].statement == statement_hash("y")


def test_a_witness_is_sealed_as_well(text: str) -> None:
    keys = WitnessRequest(to_base64(b"\1" * 32), to_base64(b"\1" * 1312))
    draft = add_identity(text, request("ncsc", "ncsc-witness", witness=keys, statement="x"), None, SEALER)
    assert parse_table(draft).witnesses[0].statement == statement_hash("x")
    assert register_problems(draft) == []
    with pytest.raises(SetupError, match="has a certificate on record"):
        add_identity(draft, request("ncsc", "ncsc-2"))


def test_a_party_joins_with_its_certificate(text: str) -> None:
    party = Party(token="rvig", oin="00000099000000099000", name_nl="RvIG", name_en="RvIG", clearance="ong")
    by = parse_subject(f"SERIALNUMBER={party.oin},CN=RvIG,C=NL")
    draft = add_identity(text, request("rvig", "rvig-1", oin=party.oin, statement="x"), party, by)
    joined = parse_table(draft).party("rvig")
    assert joined is not None
    assert joined.seal == str(by)
    assert register_problems(draft) == []


def test_a_key_statement_counts_when_it_was_verified_and_is_of_the_party(text: str) -> None:
    with pytest.raises(SetupError, match="was not verified"):
        add_identity(text, request("ncsc", "ncsc-2", statement="x"))
    with pytest.raises(SetupError, match="was not verified"):
        add_identity(text, request("ncsc", "ncsc-2"), None, SEALER)
    with pytest.raises(SetupError, match="sealed under OIN 00000099000000005000; ibd has"):
        add_identity(text, request("ibd", "ibd-2", statement="x"), None, SEALER)
