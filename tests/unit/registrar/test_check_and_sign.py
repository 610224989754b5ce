# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Every way in which a version can be wrong has its line; signatures are added one after another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from harness.memory import ISSUED, keys_of

from seinpost.registrar.check import check
from seinpost.registrar.draft import next_version, set_registrars
from seinpost.registrar.notes import read_register_file, sign, signed_by
from seinpost_broker.core import founding
from seinpost_schemas.errors import InvalidError, MalformedError, SetupError
from seinpost_schemas.limits import MAX_REGISTER_BYTES
from seinpost_schemas.note import Note, composite_type_and_key, format_vkey
from seinpost_schemas.register import parse_register
from seinpost_schemas.trusted_register import TrustedRegister, enclave_id_of

NOW = ISSUED + dt.timedelta(days=1)
IDENTITIES = [founding.FoundingIdentity("bzk-1", "bzk", keys_of("bzk").keys, keys_of("bzk").nats)]


def vkey(name: str) -> str:
    return format_vkey(name, composite_type_and_key(keys_of(name).signing.public.raw))


def signed(text: str, *names: str, previous: Note | None = None) -> Note:
    note = read_register_file(text.encode())
    before = parse_register(previous) if previous is not None else None
    for name in names:
        note = sign(note, name, keys_of(name).signing, before)
    return note


TEXT = founding.founding_text(
    "proef",
    ISSUED,
    IDENTITIES,
    founding.FoundingKeys(
        registrars=[vkey("r-1"), vkey("r-2"), vkey("r-3")],
        threshold=2,
        log_ed25519=bytes(32),
        log_mldsa44=bytes(1312),
        brokers={"broker-1": keys_of("broker").nats},
    ),
)
FIRST = signed(TEXT, "r-1", "r-2")
SECOND_TEXT = next_version(TEXT, NOW, 365)
SECOND = signed(SECOND_TEXT, "r-3", "r-1")


def problems(data: bytes, previous: Note | None = FIRST, now: dt.datetime = NOW) -> tuple[str, ...]:
    return check(data, now, previous=previous).problems


def test_what_is_right_has_no_problem() -> None:
    assert problems(FIRST.encode(), None) == ()
    assert problems(SECOND.encode()) == ()
    assert problems(FIRST.encode()) == ()
    assert check(SECOND_TEXT.encode(), NOW, previous=FIRST, unsigned=True).problems == ()
    assert check(FIRST.encode(), NOW, enclave_id=enclave_id_of(FIRST.text)).problems == ()


@pytest.mark.parametrize(
    ("data", "line"),
    [
        pytest.param(b"\xff", "UTF-8", id="not text"),
        pytest.param(b"x = [\n", "not TOML", id="not toml"),
        pytest.param(b"x = " + b"[" * 100_000 + b"\n", "not TOML", id="deep"),
        pytest.param(b"x = 1\n", "unknown field|missing", id="another file"),
        pytest.param(b"a\tb\n", "control characters", id="control"),
        pytest.param(b"# " + b"x" * MAX_REGISTER_BYTES + b"\n", "too large", id="enormous"),
        pytest.param(SECOND_TEXT.encode(), "unsigned", id="unsigned"),
        pytest.param(signed(SECOND_TEXT, "r-1").encode(), "under-signed: 1 of its own", id="under-signed"),
        pytest.param(
            Note(SECOND_TEXT, (SECOND.signatures[0], SECOND.signatures[0])).encode(),
            "under-signed: 1 of its own",
            id="signed twice by one",
        ),
        pytest.param(
            SECOND.encode().replace(b"Europese Commissie", b"Europese Kommissie"),
            "does not verify",
            id="changed",
        ),
        pytest.param(
            signed(next_version(SECOND_TEXT, NOW, 9), "r-1", "r-2").encode(),
            "cannot follow version 1",
            id="skip",
        ),
        pytest.param(
            signed(TEXT.replace("Europese", "Europeese"), "r-1", "r-2").encode(),
            "older",
            id="other version 1",
        ),
        pytest.param(
            signed(SECOND_TEXT.replace('"proef"', '"anders"'), "r-1", "r-2").encode(),
            "of enclave anders",
            id="enclave",
        ),
        pytest.param(
            signed(next_version(TEXT, NOW - dt.timedelta(days=9), 3), "r-1", "r-2").encode(),
            "expired on 2026-10-27",
            id="expired",
        ),
    ],
)
def test_what_is_wrong_has_one_line_that_says_so(data: bytes, line: str) -> None:
    import re

    found = problems(data)
    assert len([p for p in found if re.search(line, p)]) == 1, found
    assert all("\n" not in p and len(p) < 300 for p in found)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda t: t.replace(vkey("r-2"), vkey("r-1")), "twice"),
        (lambda t: t.replace('"Europese Commissie"', '"Kiеsraad"'), "mixes Cyrillic"),
        (lambda t: t.replace('"Europese Commissie"', '"KIESRAAD"'), "look alike"),
        (lambda t: t.replace("00000099000000001000", "00000099000000002000"), "OIN twice"),
    ],
    ids=["duplicate key", "mixed scripts", "look-alike", "duplicate OIN"],
)
def test_a_text_that_breaks_a_rule_is_told_and_not_signed(change: Callable[[str], str], line: str) -> None:
    import re

    text = change(SECOND_TEXT)
    assert text != SECOND_TEXT
    found = check(text.encode(), NOW, unsigned=True).problems
    assert [p for p in found if re.search(line, p)]
    with pytest.raises(MalformedError):
        signed(text, "r-1")


def test_a_version_that_nears_its_end_is_warned_of_from_14_days_before() -> None:
    def warned(days: float) -> int:
        at = ISSUED + dt.timedelta(days=365 - days)
        report = check(FIRST.encode(), at)
        assert report.problems == ()
        return len(report.warnings)

    assert (warned(14.1), warned(14), warned(1), warned(0.01)) == (0, 1, 1, 1)


def test_a_rotation_needs_the_old_and_the_new_registrars() -> None:
    text = set_registrars(SECOND_TEXT, [vkey("r-3"), vkey("r-4"), vkey("r-5")], 2)
    for names, whose in (
        (("r-4", "r-5"), "previous version's"),
        (("r-3", "r-4"), "previous version's"),
        (("r-1", "r-2"), "its own"),
    ):
        note = signed(text, *names, previous=FIRST)
        (problem,) = problems(note.encode())
        assert whose in problem
        trusted = TrustedRegister(enclave_id_of(TEXT))
        trusted.advance(FIRST.encode())
        with pytest.raises(InvalidError):
            trusted.advance(note.encode())
    note = signed(text, "r-1", "r-3", "r-4", previous=FIRST)
    assert problems(note.encode()) == ()
    assert signed_by(note, parse_register(note)).names == ("r-3", "r-4")


def test_a_stranger_or_a_second_time_does_not_sign() -> None:
    with pytest.raises(SetupError, match="not a registrar's"):
        signed(SECOND_TEXT, "r-9")
    with pytest.raises(SetupError, match="signed this text already"):
        signed(SECOND_TEXT, "r-1", "r-1")
    with pytest.raises(SetupError, match="not a registrar's"):
        sign(read_register_file(SECOND_TEXT.encode()), "r-1", keys_of("r-2").signing)


def test_one_registrar_below_the_threshold_achieves_nothing() -> None:
    trusted = TrustedRegister(enclave_id_of(TEXT))
    trusted.advance(FIRST.encode())
    for text in (SECOND_TEXT, set_registrars(SECOND_TEXT, [vkey("r-1")], 1)):
        with pytest.raises(InvalidError):
            trusted.advance(signed(text, "r-1").encode())
        assert trusted.register is not None
        assert trusted.register.version == 1
