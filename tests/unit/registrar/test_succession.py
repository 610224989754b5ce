# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An identity vouches for its successor: what counts, and every word that does not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest
from harness.memory import ISSUED, Keys, keys_of

from seinpost.cli.register_edit import Joining, run_add
from seinpost.registrar.draft import add_identity, add_revocations
from seinpost_broker.core import founding
from seinpost_schemas.entry import to_base64
from seinpost_schemas.errors import MalformedError, SeinpostError, SetupError, SignatureError
from seinpost_schemas.note import composite_type_and_key, format_vkey
from seinpost_schemas.policy import View
from seinpost_schemas.register import Register, Revocation, parse_table, register_problems
from seinpost_schemas.request import KeyRequest, Succession, decode_request

NOBODY = Joining(None, None, None, "ong")
OLD = keys_of("ncsc")
OTHERS = (OLD, keys_of("bzk"))


@pytest.fixture(scope="module")
def text() -> str:
    tokens = ("bzk", "ncsc")
    identities = [founding.FoundingIdentity(f"{t}-1", t, keys_of(t).keys, keys_of(t).nats) for t in tokens]
    keys = founding.FoundingKeys(
        registrars=[format_vkey("r-1", composite_type_and_key(keys_of("r-1").signing.public.raw))],
        threshold=1,
        log_ed25519=bytes(32),
        log_mldsa44=bytes(1312),
        brokers={"broker-1": keys_of("broker").nats},
    )
    return founding.founding_text("proef", ISSUED, identities, keys)


def bare(**fields: Any) -> KeyRequest:
    keys = Keys("ncsc-2")
    table = {"party": "ncsc", "name": "ncsc-2", "keys": to_base64(keys.keys.encode()), "nats": keys.nats}
    return KeyRequest(**(table | fields))


def vouched(request: KeyRequest | None = None, by: Keys = OLD) -> KeyRequest:
    return (request or bare()).succeeding(by.signing, by.keys)


def register(text: str) -> Register:
    return parse_table(text)


def test_a_word_that_counts_names_who_gave_it(text: str) -> None:
    found = vouched().verify_succession(register(text))
    assert found is not None
    assert found.name == "ncsc-1"
    assert bare().verify_succession(register(text)) is None
    again = decode_request(msgspec.json.encode(vouched()))
    assert again.verify_succession(register(text)) == found
    draft = add_identity(text, again)
    identity = parse_table(draft).parties[4].identities[-1]
    assert (identity.name, identity.succeeds) == ("ncsc-2", "ncsc-1")
    assert register_problems(draft) == []


CHANGES: dict[str, dict[str, Any]] = {
    "another connection key": {"nats": Keys("thief").nats},
    "other keys": {"keys": to_base64(Keys("thief").keys.encode())},
    "another name": {"name": "ncsc-3"},
    "another machine": {"machine": "elders"},
    "an OIN": {"oin": "00000099000000005000"},
    "another certificate": {"certificate_keys": ("ab" * 32,)},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_word_is_for_one_request(text: str, change: dict[str, Any]) -> None:
    with pytest.raises(SignatureError):
        msgspec.structs.replace(vouched(), **change).verify_succession(register(text))


def test_a_key_statement_comes_over_it_and_changes_nothing(text: str) -> None:
    once = vouched()
    sealed = msgspec.structs.replace(once, statement="x.y.z")
    assert sealed.verify_succession(register(text)) is not None
    # The statement, in turn, is over the word.
    assert sealed.unsealed_fingerprint() == once.fingerprint() != bare().fingerprint()


def test_a_word_that_was_not_given_is_refused(text: str) -> None:
    good = vouched().succeeds
    assert good is not None
    thief = Keys("thief")
    # Signed by another key under the old one's name; the old one's word for something else; half a signature.
    forged = vouched(by=thief).succeeds
    assert forged is not None
    wrong = [
        Succession(good.keys, forged.signature),
        Succession(
            good.keys, to_base64(OLD.signing.sign(bare().succession_message(OLD.keys.sender_id), b"x"))
        ),
        Succession(good.keys, to_base64(bytes(3373))),
        Succession(good.keys, to_base64(bytes(64))),
    ]
    for word in wrong:
        with pytest.raises((SignatureError, MalformedError)):
            msgspec.structs.replace(bare(), succeeds=word).verify_succession(register(text))
    for keys in ("", "AAAA", "*"):
        with pytest.raises(MalformedError):
            msgspec.structs.replace(bare(), succeeds=Succession(keys, good.signature)).verify_succession(
                register(text)
            )


def test_only_an_identity_of_the_party_in_force_vouches(text: str) -> None:
    with pytest.raises(MalformedError, match="does not hold for ncsc"):
        vouched(by=Keys("thief")).verify_succession(register(text))
    with pytest.raises(MalformedError, match="does not hold for ncsc"):
        vouched(by=keys_of("bzk")).verify_succession(register(text))
    with pytest.raises(MalformedError, match="does not hold for ibd"):
        vouched(bare(party="ibd")).verify_succession(register(text))
    since = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    revoked = Revocation(sender_id=OLD.keys.sender_id.hex(), reason="gestolen", suspect_from=since)
    with pytest.raises(MalformedError, match="is revoked"):
        vouched().verify_succession(register(add_revocations(text, [revoked])))
    with pytest.raises(MalformedError, match="cannot succeed itself"):
        vouched(bare(keys=to_base64(OLD.keys.encode()))).verify_succession(register(text))


def test_who_revoked_itself_vouches_for_nobody_where_the_directory_is_asked(
    text: str, tmp_path: Path
) -> None:
    since = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
    own = [
        Revocation(sender_id=k.keys.sender_id.hex(), reason="eigen woord", suspect_from=since) for k in OTHERS
    ]
    others_ended = View(register(text), bytes(16), [], own_revocations=own[1:])
    ended = View(register(text), bytes(16), [], own_revocations=own)
    draft, request = tmp_path / "r.toml", tmp_path / "request.json"
    draft.write_text(text)
    request.write_bytes(msgspec.json.encode(vouched()))

    def add(known: View | None) -> None:
        run_add(request, draft, None, NOBODY, None, endorsed=True, as_json=True, known=known)

    with pytest.raises(MalformedError, match="ncsc-1 has revoked itself"):
        add(ended)
    assert draft.read_text() == text
    add(others_ended)
    assert 'succeeds = "ncsc-1"' in draft.read_text()


def test_the_register_names_a_predecessor_that_there_is(text: str) -> None:
    draft = add_identity(text, vouched())
    for wrong in ("ncsc-2", "bzk-1", "niemand"):
        (problem,) = register_problems(draft.replace('succeeds = "ncsc-1"', f'succeeds = "{wrong}"'))
        assert "no identity of ncsc before it" in problem
    # Nor one that comes after it: two that succeed each other would be a circle.
    (problem,) = register_problems(draft.replace('name = "ncsc-1"', 'name = "ncsc-1"\nsucceeds = "ncsc-2"'))
    assert "no identity of ncsc before it" in problem


def test_a_registrar_takes_the_word_or_the_fingerprint(text: str, tmp_path: Path) -> None:
    draft, request = tmp_path / "r.toml", tmp_path / "request.json"

    def add(asked: KeyRequest, fingerprint: str | None, *, endorsed: bool) -> None:
        draft.write_text(text)
        request.write_bytes(msgspec.json.encode(asked))
        run_add(request, draft, fingerprint, NOBODY, None, endorsed=endorsed, as_json=True)

    add(vouched(), None, endorsed=True)
    assert 'succeeds = "ncsc-1"' in draft.read_text()
    asked = vouched()
    add(asked, asked.fingerprint().hex(), endorsed=False)
    add(asked, asked.fingerprint().hex(), endorsed=True)
    refused: list[tuple[KeyRequest, str | None, bool, str]] = [
        (bare(), None, True, "no identity of this party vouches"),
        (vouched(), None, False, "compare the fingerprint"),
        (vouched(), "00" * 32, True, "not that of this request"),
        (vouched(by=Keys("thief")), None, True, "does not hold for ncsc"),
    ]
    for asked, fingerprint, endorsed, match in refused:
        with pytest.raises(SeinpostError, match=match):
            add(asked, fingerprint, endorsed=endorsed)
        assert draft.read_text() == text


def test_a_party_with_a_certificate_on_record_needs_its_statement_too(text: str) -> None:
    seal = 'token = "ncsc"\nseal = "SERIALNUMBER=00000099000000005000,CN=NCSC"'
    sealing = text.replace('token = "ncsc"', seal)
    with pytest.raises(SetupError, match="has a certificate on record"):
        add_identity(sealing, vouched())
