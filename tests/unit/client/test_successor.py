# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""An identity that succeeds another: what it takes over, and what is its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from seinpost import _prekeys
from seinpost._keyring import HeldPrekey, Keyring
from seinpost._sending_state import SendingState
from seinpost._storage_seal import StorageSeal
from seinpost.identity import (
    MAX_PREDECESSORS,
    Identity,
    generate_identity,
    generate_successor,
    load_identity,
    store_identity,
)
from seinpost_schemas.errors import MalformedError, Reason, RefusedError
from seinpost_schemas.limits import PREKEY_KEPT_MS
from seinpost_schemas.statements import PrekeyStatement

PASSPHRASE = "een lange wachtwoordzin"
OLD, OLD_SECRET = generate_identity("tafel", "tafel-1")
NEW, NEW_SECRET = generate_successor(OLD, "tafel-2")


def test_it_has_new_keys_and_the_old_ones_storage_key() -> None:
    assert NEW.party == OLD.party
    assert NEW.storage_key == OLD.storage_key
    assert NEW.sender_ids == (NEW.sender_id, OLD.sender_id)
    assert [p.kem.key_id for p in NEW.predecessors] == [OLD.kem.key_id]
    assert len({NEW.sender_id, OLD.sender_id, NEW.kem.key_id, OLD.kem.key_id}) == 4
    assert NEW.nats_public != OLD.nats_public
    # Nothing of the old signing key or connection is in it.
    assert OLD_SECRET[:64] not in NEW_SECRET
    assert OLD_SECRET[-64:-32] not in NEW_SECRET


def test_it_comes_back_from_its_file(tmp_path: Path) -> None:
    store_identity(tmp_path / "new.key", NEW, NEW_SECRET, PASSPHRASE)
    again = load_identity(tmp_path / "new.key", PASSPHRASE)
    assert (again.keys, again.sender_ids, again.storage_key) == (NEW.keys, NEW.sender_ids, NEW.storage_key)


def test_a_row_of_them_is_bounded_and_keeps_the_newest() -> None:
    identity, ids = OLD, []
    for number in range(MAX_PREDECESSORS + 2):
        ids.insert(0, identity.sender_id)
        identity, secret = generate_successor(identity, f"tafel-{number + 2}")
    assert [p.sender_id for p in identity.predecessors] == ids[:MAX_PREDECESSORS]
    assert Identity("tafel", "x", secret).sender_ids == identity.sender_ids


@pytest.mark.parametrize("length", [-1, 1, 96, 111, 113, 112 * (MAX_PREDECESSORS + 1)])
def test_a_secret_part_of_another_length_is_refused(length: int) -> None:
    secret = OLD_SECRET[:length] if length < 0 else OLD_SECRET + bytes(length)
    with pytest.raises(MalformedError, match="another length"):
        Identity("tafel", "x", secret)


def test_what_was_sealed_on_disk_opens() -> None:
    sealed = StorageSeal(OLD.storage_key, "x").seal(b"position", b"place")
    assert StorageSeal(NEW.storage_key, "x").open(sealed, b"place") == b"position"


def keep(keyring: Keyring, number: int) -> bytes:
    """A prekey of a keyring's identity, with its statement."""
    key, seed = keyring.make_prekey()
    statement = PrekeyStatement(bytes(16), keyring.identity.sender_id, number, key.public)
    signed = statement.sign(keyring.identity.signing)
    keyring.keep_prekey(HeldPrekey(key.key_id, number, signed, 0), seed)
    return key.key_id


def test_the_keys_of_both_open_and_are_told_apart(tmp_path: Path) -> None:
    old = Keyring(tmp_path, OLD)
    first = keep(old, 7)
    old.close()
    keyring = Keyring(tmp_path, NEW)
    try:
        # Seven prekeys of the old identity say nothing of how the new one numbers its own.
        assert keyring.prekeys() == []
        mine = keep(keyring, 1)
        assert [h.key_id for h in keyring.prekeys()] == [mine]
        assert [(s, [h.key_id for h in held]) for s, held in keyring.past_prekeys()] == [
            (OLD.sender_id, [first])
        ]
        for key_id in (first, mine, OLD.kem.key_id, NEW.kem.key_id):
            key = keyring.private_key(key_id)
            assert key is not None
            assert key.key_id == key_id
        assert keyring.ended_ms(OLD.sender_id, 1_000) == 1_000
        assert keyring.ended_ms(OLD.sender_id, 2_000) == 1_000
    finally:
        keyring.close()


def test_chains_begin_anew_with_another_sender_and_what_was_sent_stays(tmp_path: Path) -> None:
    state = SendingState(tmp_path)
    try:
        state.take_over(OLD.sender_id, succeeds=False)
        state.reserve("depv/process", 41)
        state.store_head("depv/process", b"h" * 32)
        state.store_answers_from(17)
        state.take_over(OLD.sender_id, succeeds=False)
        assert state.load("depv/process") == (41, b"h" * 32)
        state.take_over(NEW.sender_id, succeeds=True)
        assert state.load("depv/process") == (0, bytes(32))
        assert state.answers_from() == 17
        state.reserve("depv/process", 3)
        state.take_over(NEW.sender_id, succeeds=True)
        assert state.load("depv/process")[0] == 3
    finally:
        state.close()


@pytest.mark.parametrize("succeeds", [False, True])
def test_a_file_from_before_is_of_the_identity_that_always_used_it(tmp_path: Path, succeeds: bool) -> None:
    state = SendingState(tmp_path)
    try:
        state.reserve("depv/process", 41)
        state.take_over(NEW.sender_id, succeeds=succeeds)
        assert state.load("depv/process")[0] == (0 if succeeds else 41)
    finally:
        state.close()


class Known:
    """A directory that holds these successions of keys, and has revoked these identities."""

    def __init__(self, succeeded: dict[bytes, int], revoked: set[bytes]) -> None:
        self.directory = self.view = self
        self._succeeded = succeeded
        self._revoked = revoked

    def succeeded_ms(self, key_id: bytes) -> int | None:
        return self._succeeded.get(key_id)

    def member(self, sender_id: bytes) -> None:
        if sender_id in self._revoked:
            raise RefusedError(Reason.REVOKED, "revoked")


def test_a_predecessors_keys_go_when_nothing_unread_can_be_sealed_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Keyring(tmp_path, OLD)
    first, second = keep(old, 1), keep(old, 2)
    old.close()
    now = 10_000_000
    monkeypatch.setattr(_prekeys, "wall_ms", lambda: now)
    keyring = Keyring(tmp_path, NEW)
    try:
        mine = keep(keyring, 1)

        def gone(known: Known, read_to_ms: int | None) -> set[bytes]:
            prekeys = _prekeys.Prekeys(keyring, known, None, lambda: read_to_ms, print)  # type: ignore[arg-type]
            return set(prekeys._outlived())

        everything = now + 10 * PREKEY_KEPT_MS
        # While the old identity is in force its newest key is sealed to, however far the logs were read.
        in_force = Known({first: now}, set())
        assert gone(in_force, None) == set()
        assert gone(in_force, now + PREKEY_KEPT_MS - 1) == set()
        assert gone(in_force, now + PREKEY_KEPT_MS) == {first}
        assert gone(in_force, everything) == {first}
        # It goes by the same rule once the identity has ended: counted from when that was first seen.
        ended = Known({first: now}, {OLD.sender_id})
        assert gone(ended, now + PREKEY_KEPT_MS - 1) == set()
        assert gone(ended, now + PREKEY_KEPT_MS) == {first, second}
        assert mine not in gone(ended, everything)
    finally:
        keyring.close()
