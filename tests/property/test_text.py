# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Everything that is text on a wire: one form of each value, and our errors only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seinpost_schemas.answer import BrokerAnswer, decode_answer
from seinpost_schemas.checkpoint import Checkpoint, LogKeys, parse_checkpoint, verify_checkpoint
from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.entry import from_base64, to_base64
from seinpost_schemas.errors import Reason, SeinpostError
from seinpost_schemas.kinds import Action
from seinpost_schemas.note import Note, NoteSignature, format_vkey, parse_note, parse_vkey
from seinpost_schemas.register import parse_register
from seinpost_schemas.subjects import (
    ingress_subject,
    parse_ingress_subject,
    parse_period,
    parse_token,
)
from seinpost_schemas.uuid7 import format_id, make_id, parse_id, verify_id

B32 = st.binary(min_size=32, max_size=32)
NAMES = st.text(alphabet="abz09./-é", min_size=1, max_size=12)
LINES = st.text(alphabet="ab Ï— 漢", max_size=8)
TEXTS = st.lists(LINES, min_size=1, max_size=4).map(lambda lines: "x" + "\n".join(lines) + "\n")
SIGNATURES = st.builds(
    NoteSignature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=80)
)
NOTES = st.builds(Note, TEXTS, st.lists(SIGNATURES, min_size=1, max_size=3).map(tuple))
CHECKPOINTS = st.builds(Checkpoint, NAMES, st.integers(0, (1 << 63) - 1), B32)
COMPARTMENTS = st.builds(Compartment, st.sampled_from(Classification), st.sampled_from(Theme))
TOKENS = st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True)
IDS = st.builds(make_id, st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=10))
ANSWERS = st.builds(
    BrokerAnswer,
    object=st.just("0f" * 32),
    sender=st.just("1e" * 16),
    compartment=COMPARTMENTS.map(str),
    verdict=st.just("admitted"),
    period=st.just("2026q4"),
    index=st.integers(0, 1 << 40),
    admitted_ms=st.integers(0, 1 << 62),
) | st.builds(
    BrokerAnswer,
    object=st.just("0f" * 32),
    sender=st.just("1e" * 16),
    compartment=COMPARTMENTS.map(str),
    verdict=st.just("refused"),
    reason=st.sampled_from(Reason),
    message=st.text(max_size=20),
    basis=st.none() | st.text(max_size=20),
)
LOG = LogKeys(bytes(range(64)))


def checkpoint_note(checkpoint: Checkpoint) -> Note:
    return Note(checkpoint.text(), (NoteSignature("n", bytes(4), b"s"),))


@settings(max_examples=300)
@given(data=st.data())
def test_a_note_has_no_other_form(mangle: Any, data: st.DataObject) -> None:
    raw = data.draw(mangle(NOTES.map(Note.encode)))
    try:
        note = parse_note(raw)
    except SeinpostError:
        return
    assert note.encode() == raw


@given(NOTES)
def test_a_note_comes_back(note: Note) -> None:
    assert parse_note(note.encode()) == note


@given(CHECKPOINTS)
def test_a_checkpoint_comes_back(checkpoint: Checkpoint) -> None:
    assert parse_checkpoint(parse_note(checkpoint_note(checkpoint).encode())) == checkpoint


@settings(max_examples=300)
@given(data=st.data())
def test_a_checkpoint_has_no_other_form(mangle: Any, data: st.DataObject) -> None:
    raw = data.draw(mangle(CHECKPOINTS.map(lambda c: checkpoint_note(c).encode())))
    try:
        note = parse_note(raw)
        checkpoint = parse_checkpoint(note)
    except SeinpostError:
        return
    assert checkpoint.text() == note.text


@settings(max_examples=25)
@given(CHECKPOINTS, st.integers(1, (1 << 63) - 1))
def test_a_signed_checkpoint_verifies(checkpoint: Checkpoint, timestamp: int) -> None:
    signed = LOG.sign(checkpoint, timestamp)
    assert verify_checkpoint(signed, checkpoint.origin, LOG.public) == (checkpoint, timestamp)


@settings(max_examples=200)
@given(data=st.data())
def test_a_changed_checkpoint_does_not_verify(mangle: Any, data: st.DataObject) -> None:
    signed = LOG.sign(Checkpoint("e/log", 7, bytes(32)), 1_790_000_000)
    raw = data.draw(mangle(st.just(signed)))
    try:
        found = verify_checkpoint(raw, "e/log", LOG.public)
    except SeinpostError:
        return
    assert found == (Checkpoint("e/log", 7, bytes(32)), 1_790_000_000)
    assert raw.startswith(signed[: signed.index(b"\n\n") + 2])


@given(NAMES, st.binary(min_size=1, max_size=60))
def test_a_verifier_key_comes_back(name: str, key: bytes) -> None:
    assert parse_vkey(format_vkey(name, key)) == (name, key)


@given(data=st.data())
def test_a_verifier_key_has_no_other_form(mangle: Any, data: st.DataObject) -> None:
    raw = data.draw(mangle(st.builds(format_vkey, NAMES, B32).map(str.encode)))
    try:
        name, key = parse_vkey(raw.decode("utf-8", "replace"))
    except SeinpostError:
        return
    assert format_vkey(name, key).encode() == raw


@given(IDS)
def test_a_signal_id_comes_back_and_sorts_by_time(raw: bytes) -> None:
    verify_id(raw)
    assert parse_id(format_id(raw)) == raw
    later = make_id(min(int.from_bytes(raw[:6]) + 1, (1 << 48) - 1), bytes(10))
    assert later[:6] >= raw[:6]


@given(st.one_of(IDS.map(format_id), st.text(max_size=40), st.text("0123456789abcdefABCDEF-7 ", max_size=40)))
def test_a_signal_id_has_no_other_form(text: str) -> None:
    try:
        raw = parse_id(text)
    except SeinpostError:
        return
    assert format_id(raw) == text


@given(data=st.data())
def test_a_changed_signal_id_is_another_or_none(mangle: Any, data: st.DataObject) -> None:
    raw = data.draw(mangle(IDS.map(lambda i: format_id(i).encode())))
    try:
        assert format_id(parse_id(raw.decode("latin-1"))).encode("latin-1") == raw
    except SeinpostError:
        return


@given(COMPARTMENTS, st.sampled_from(Action), TOKENS)
def test_an_ingress_subject_comes_back(compartment: Compartment, action: Action, party: str) -> None:
    subject = ingress_subject(compartment, action, party)
    assert parse_ingress_subject(subject) == (compartment, action, party)
    assert not set(subject) & set("*> \r\n\t")


@given(data=st.data())
def test_an_ingress_subject_has_no_other_form(mangle: Any, data: st.DataObject) -> None:
    valid = st.builds(ingress_subject, COMPARTMENTS, st.sampled_from(Action), TOKENS).map(str.encode)
    raw = data.draw(mangle(valid))
    try:
        parsed = parse_ingress_subject(raw.decode("latin-1"))
    except SeinpostError:
        return
    assert ingress_subject(*parsed).encode() == raw


@given(st.text(max_size=40))
def test_no_wildcard_or_line_break_can_pass_as_a_token(text: str) -> None:
    for parse in (lambda t: parse_token(t, "party"), parse_period):
        try:
            found = parse(text)
        except SeinpostError:
            continue
        assert found == text
        assert found.isascii()
        assert found.replace("-", "").isalnum()


@given(st.binary(max_size=100))
def test_base64_comes_back(data: bytes) -> None:
    assert from_base64(to_base64(data), 100) == data


@given(data=st.data())
def test_base64_has_no_other_form(mangle: Any, data: st.DataObject) -> None:
    raw = data.draw(mangle(st.binary(max_size=40).map(lambda b: to_base64(b).encode()))).decode("latin-1")
    try:
        found = from_base64(raw, 60)
    except SeinpostError:
        return
    assert to_base64(found) == raw


@given(ANSWERS)
def test_an_answer_comes_back(answer: BrokerAnswer) -> None:
    assert decode_answer(answer.encode()) == answer


PARSERS: dict[str, Callable[[bytes], object]] = {
    "note": parse_note,
    "answer": decode_answer,
    "register": lambda raw: parse_register(Note(raw.decode("utf-8", "replace"), ())),
    "compartment": lambda raw: Compartment.parse(raw.decode("latin-1")),
    "theme": lambda raw: Theme.parse(raw.decode("latin-1")),
    "checkpoint": lambda raw: verify_checkpoint(raw, "e/log", LOG.public),
}


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS.keys())
@given(raw=st.binary(max_size=100) | st.text(max_size=50).map(lambda t: t.encode("utf-8", "replace")))
def test_no_parser_lets_another_error_out(parse: Callable[[bytes], object], raw: bytes) -> None:
    try:
        parse(raw)
    except SeinpostError:
        return
