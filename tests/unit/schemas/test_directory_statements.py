# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What identities say in the directory themselves: which key counts when, and who counts no more."""

from __future__ import annotations

from typing import Any

import pytest

from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import DirectoryType
from seinpost_schemas.errors import BindingError, MalformedError, Reason, RefusedError, SignatureError
from seinpost_schemas.keys import KeyObject, kem_key_id_of
from seinpost_schemas.policy import suspicion
from seinpost_schemas.statements import OwnRevocation, PrekeyStatement
from seinpost_schemas.trusted_register import enclave_id_of

from .conftest import kem_public
from .test_directory import Log, entry

HOUR_MS = 3_600_000
PROCESS = Compartment.parse("depv/process")


@pytest.fixture
def log(enclave: Any) -> Log:
    log = Log(enclave_id_of(enclave.text()))
    for party in ("ncsc", "tafel"):
        log.add(DirectoryType.KEYS, enclave.keys[party].encode())
    log.add(DirectoryType.REGISTER, enclave.sign(enclave.text(), 0, 1))
    return log


class Speaker:
    """One identity that states keys and its own end."""

    def __init__(self, enclave: Any, log: Log, party: str) -> None:
        self.key = enclave.signing[party]
        self.keys: KeyObject = enclave.keys[party]
        self.id = self.key.public.sender_id
        self.log = log

    def prekey(self, number: int, kem: bytes) -> bytes:
        return PrekeyStatement(self.log.directory.enclave_id, self.id, number, kem).sign(self.key)

    def state(self, number: int, kem: bytes, at_ms: int = 1_000) -> int:
        self.log.add(DirectoryType.PREKEY, self.prekey(number, kem), at_ms)
        return self.log.directory.size

    def end(self, moment_ms: int = 5_000) -> bytes:
        return OwnRevocation(self.log.directory.enclave_id, self.id, moment_ms).sign(self.key)

    def newest(self, size: int) -> bytes:
        view = self.log.directory.view_at(size)
        assert view is not None
        return view.member(self.id).kem_key_id


@pytest.fixture
def tafel(enclave: Any, log: Log) -> Speaker:
    return Speaker(enclave, log, "tafel")


@pytest.fixture
def ncsc(enclave: Any, log: Log) -> Speaker:
    return Speaker(enclave, log, "ncsc")


def test_at_every_size_the_newest_key_of_that_size_counts(tafel: Speaker, ncsc: Speaker) -> None:
    first, second = kem_public(40), kem_public(41)
    assert tafel.newest(3) == tafel.keys.kem_key_id
    one, two = tafel.state(1, first), tafel.state(9, second)
    assert [tafel.newest(s) for s in (one - 1, one, two, two + 5)] == [
        tafel.keys.kem_key_id,
        kem_key_id_of(first),
        kem_key_id_of(second),
        kem_key_id_of(second),
    ]
    assert ncsc.newest(two) == ncsc.keys.kem_key_id
    member = tafel.log.directory.current.member(tafel.id)
    assert (member.kem, member.kem_key_id) == (second, kem_key_id_of(second))


def test_an_audience_is_its_readers_newest_keys(tafel: Speaker, at_ms: int) -> None:
    tafel.state(1, kem_public(40))
    view = tafel.log.directory.current
    members = view.audience_members(view.audience("tafel"), view.party("tafel"), PROCESS, at_ms)
    assert list(members) == [kem_key_id_of(kem_public(40))]


def test_a_key_that_gave_way_is_its_readers_still_and_another_reader_is_not(
    tafel: Speaker, ncsc: Speaker, at_ms: int
) -> None:
    tafel.state(1, kem_public(40))
    tafel.state(2, kem_public(41))
    view = tafel.log.directory.current
    members = view.audience_members(view.audience("tafel"), view.party("tafel"), PROCESS, at_ms)
    for key_id in (tafel.keys.kem_key_id, kem_key_id_of(kem_public(40)), kem_key_id_of(kem_public(41))):
        assert view.owner(key_id) == tafel.id
        assert view.readers_are(members, (key_id,))
    assert not view.readers_are(members, (ncsc.keys.kem_key_id,))
    assert not view.readers_are(members, (bytes(16),))
    assert not view.readers_are(members, ())
    assert view.owner(bytes(16)) is None


def test_a_register_version_after_it_keeps_what_was_stated(enclave: Any, tafel: Speaker) -> None:
    tafel.state(1, kem_public(40))
    tafel.log.add(DirectoryType.REGISTER, enclave.sign(enclave.text(version=2), 0, 1))
    assert tafel.newest(tafel.log.directory.size) == kem_key_id_of(kem_public(40))
    assert tafel.newest(3) == tafel.keys.kem_key_id


def test_old_sizes_are_answered_when_many_have_come_since(tafel: Speaker) -> None:
    kems = [kem_public(40 + n) for n in range(80)]
    sizes = [tafel.state(n, kem) for n, kem in enumerate(kems, 1)]
    for order in (sizes, sizes[::-1]):
        for size in order:
            assert tafel.newest(size) == kem_key_id_of(kems[size - sizes[0]])


def test_numbers_rise_and_keys_are_new(tafel: Speaker, ncsc: Speaker) -> None:
    tafel.state(5, kem_public(40))
    for number, kem in (
        (5, kem_public(41)),
        (4, kem_public(41)),
        (6, kem_public(40)),  # its own, again
        (6, tafel.keys.kem),
        (6, ncsc.keys.kem),  # another's: whoever reads would not know whose slot it is
    ):
        data = tafel.prekey(number, kem)
        with pytest.raises(RefusedError) as refused:
            tafel.log.directory.verify_prekey(data)
        assert refused.value.reason is Reason.REPLAY
        tafel.log.unchanged_by(entry(DirectoryType.PREKEY, data), data, MalformedError)
    assert tafel.log.directory.newest_prekey(tafel.id).number == 5  # type: ignore[union-attr]


def test_a_register_cannot_give_one_identity_what_was_anothers(
    enclave: Any, tafel: Speaker, ncsc: Speaker
) -> None:
    stolen = KeyObject(ncsc.keys.signing, kem_public(40))
    tafel.state(1, kem_public(40))
    tafel.log.add(DirectoryType.KEYS, stolen.encode())
    text = enclave.text(version=2).replace(ncsc.keys.keys_hash().hex(), stolen.keys_hash().hex())
    note = enclave.sign(text, 0, 1)
    tafel.log.unchanged_by(entry(DirectoryType.REGISTER, note), note, MalformedError)


def revoking(who: Speaker) -> str:
    return (
        f'[[revocations]]\nsender_id = "{who.id.hex()}"\nreason = "andermans sleutel"\n'
        "suspect_from = 1970-01-01T00:00:02Z\n"
    )


def test_who_states_a_newcomers_key_keeps_it_out_only_until_it_is_revoked(
    enclave: Any, tafel: Speaker, ncsc: Speaker
) -> None:
    pending = KeyObject(ncsc.keys.signing, kem_public(40))
    key_id = pending.kem_key_id
    squatted = tafel.state(1, pending.kem)
    tafel.log.add(DirectoryType.KEYS, pending.encode())
    text = enclave.text(version=2).replace(ncsc.keys.keys_hash().hex(), pending.keys_hash().hex())
    note = enclave.sign(text, 0, 1)
    tafel.log.unchanged_by(
        entry(DirectoryType.REGISTER, note),
        note,
        MalformedError,
        f"stated as its own by the identity {tafel.id.hex()}",
    )
    tafel.log.add(DirectoryType.REGISTER, enclave.sign(text + revoking(tafel), 0, 1))
    directory = tafel.log.directory
    assert directory.current.owner(key_id) == ncsc.id
    assert directory.current.known_member(ncsc.id).kem == pending.kem
    assert [m.keys.sender_id for m in directory.current.members if m.kem_key_id == key_id] == [ncsc.id]
    # What was sent before is judged as it was, also when its view is made anew.
    directory._kept.clear()
    view = directory.view_at(squatted)
    assert view is not None
    assert view.owner(key_id) == tafel.id
    # And it does not come back beside the other.
    back = enclave.sign(text.replace("version = 2", "version = 3"), 0, 1)
    tafel.log.unchanged_by(entry(DirectoryType.REGISTER, back), back, MalformedError)


def test_a_newcomers_key_did_not_give_way_because_who_stated_it_stated_another(
    enclave: Any, tafel: Speaker, ncsc: Speaker
) -> None:
    pending = KeyObject(ncsc.keys.signing, kem_public(40))
    tafel.state(1, pending.kem)
    after = tafel.state(2, kem_public(41))
    tafel.log.add(DirectoryType.KEYS, pending.encode())
    text = enclave.text(version=2).replace(ncsc.keys.keys_hash().hex(), pending.keys_hash().hex())
    tafel.log.add(DirectoryType.REGISTER, enclave.sign(text + revoking(tafel), 0, 1))
    directory, slots = tafel.log.directory, (pending.kem_key_id,)
    directory.verify_slots_fresh(slots, directory.size, 2_000 + HOUR_MS)
    assert directory.succeeded_ms(pending.kem_key_id) is None
    # As it was while it was the other's.
    with pytest.raises(RefusedError):
        directory.verify_slots_fresh(slots, after, 2_000 + HOUR_MS)


def test_who_revoked_itself_keeps_nobody_out(enclave: Any, tafel: Speaker, ncsc: Speaker) -> None:
    pending = KeyObject(ncsc.keys.signing, kem_public(40))
    tafel.state(1, pending.kem)
    tafel.log.add(DirectoryType.REVOCATION, tafel.end())
    tafel.log.add(DirectoryType.KEYS, pending.encode())
    text = enclave.text(version=2).replace(ncsc.keys.keys_hash().hex(), pending.keys_hash().hex())
    tafel.log.add(DirectoryType.REGISTER, enclave.sign(text, 0, 1))
    assert tafel.log.directory.current.owner(pending.kem_key_id) == ncsc.id


def test_keys_that_are_logged_are_someones_before_the_register_names_them(
    tafel: Speaker, ncsc: Speaker
) -> None:
    pending = KeyObject(ncsc.keys.signing, kem_public(40))
    tafel.log.add(DirectoryType.KEYS, pending.encode())
    with pytest.raises(RefusedError) as refused:
        tafel.log.directory.verify_prekey(tafel.prekey(1, pending.kem))
    assert refused.value.reason is Reason.REPLAY


def test_what_is_not_signed_by_an_identity_in_force_is_refused(
    enclave: Any, tafel: Speaker, ncsc: Speaker, log: Log
) -> None:
    good = tafel.prekey(1, kem_public(40))
    forged = good[:-1] + bytes([good[-1] ^ 1])
    log.unchanged_by(entry(DirectoryType.PREKEY, forged), forged, SignatureError)
    elsewhere = PrekeyStatement(b"x" * 16, tafel.id, 1, kem_public(40)).sign(tafel.key)
    log.unchanged_by(entry(DirectoryType.PREKEY, elsewhere), elsewhere, BindingError)
    unknown = PrekeyStatement(log.directory.enclave_id, b"u" * 16, 1, kem_public(40)).sign(tafel.key)
    log.unchanged_by(entry(DirectoryType.PREKEY, unknown), unknown, MalformedError)
    by_another = OwnRevocation(log.directory.enclave_id, tafel.id, 5_000).sign(ncsc.key)
    log.unchanged_by(entry(DirectoryType.REVOCATION, by_another), by_another, SignatureError)
    log.add(DirectoryType.REVOCATION, tafel.end())
    log.unchanged_by(entry(DirectoryType.PREKEY, good), good, MalformedError)


def test_who_revokes_itself_counts_no_more_from_there_on(tafel: Speaker, ncsc: Speaker, at_ms: int) -> None:
    log = tafel.log
    before = log.directory.size
    log.add(DirectoryType.REVOCATION, tafel.end(5_000))
    view, earlier = log.directory.current, log.directory.view_at(before)
    assert earlier is not None
    assert earlier.member(tafel.id)
    with pytest.raises(RefusedError) as refused:
        view.member(tafel.id)
    assert refused.value.reason is Reason.REVOKED
    assert view.known_member(tafel.id)
    assert view.in_force(view.party("tafel")) == ()
    assert len(view.in_force(view.party("ncsc"))) == 1
    with pytest.raises(RefusedError):
        view.audience_members(view.audience("tafel"), view.party("tafel"), PROCESS, at_ms)
    found = [suspicion(view, tafel.id, "2026q4/depv/process", 0, ms) for ms in (4_999, 5_000)]
    assert [bool(f) for f in found] == [False, True]
    # Once is enough, and nothing takes it back.
    again = tafel.end(6_000)
    log.unchanged_by(entry(DirectoryType.REVOCATION, again), again, MalformedError)


def test_any_moment_that_a_statement_can_name_can_be_shown(tafel: Speaker) -> None:
    tafel.log.add(DirectoryType.REVOCATION, tafel.end(253_402_300_799_999))
    found = tafel.log.directory.current.revocation(tafel.id.hex())
    assert found is not None
    assert found.suspect_from is not None
    assert found.suspect_from.year == 9999


def test_the_registrars_word_on_a_revocation_holds_above_the_identitys(enclave: Any, tafel: Speaker) -> None:
    tafel.log.add(DirectoryType.REVOCATION, tafel.end(5_000))
    text = enclave.text(version=2) + (
        f'[[revocations]]\nsender_id = "{tafel.id.hex()}"\nreason = "gestolen"\n'
        "suspect_from = 1970-01-01T00:00:02Z\n"
    )
    tafel.log.add(DirectoryType.REGISTER, enclave.sign(text, 0, 1))
    view = tafel.log.directory.current
    found = suspicion(view, tafel.id, "2026q4/depv/process", 0, 2_000)
    assert found is not None
    assert found.reason == "gestolen"


def test_slots_under_a_key_that_gave_way_an_hour_ago_are_stale(tafel: Speaker) -> None:
    directory = tafel.log.directory
    old, new = tafel.keys.kem_key_id, kem_key_id_of(kem_public(40))
    size = tafel.state(1, kem_public(40), at_ms=10_000)
    assert directory.succeeded_ms(old) == 10_000
    assert directory.succeeded_ms(old, size - 1) is None
    assert directory.succeeded_ms(new) is None
    directory.verify_slots_fresh((old, new), size, 10_000 + HOUR_MS)
    with pytest.raises(RefusedError) as refused:
        directory.verify_slots_fresh((new, old), size, 10_001 + HOUR_MS)
    assert refused.value.reason is Reason.STALE_DIRECTORY
    # As it was known then, whatever is known now.
    directory.verify_slots_fresh((old,), size - 1, 10_001 + HOUR_MS)


def test_no_hour_is_counted_from_a_time_that_has_not_come(tafel: Speaker) -> None:
    """A broker's clock was a year ahead: the key before would count for a year, and whoever stole it read along."""
    directory, old = tafel.log.directory, tafel.keys.kem_key_id
    now_ms = 1_000_000_000
    size = tafel.state(1, kem_public(40), at_ms=now_ms + 15 * 60_000)
    directory.verify_slots_fresh((old,), size, now_ms)
    with pytest.raises(RefusedError) as refused:
        directory.verify_slots_fresh((old,), size, now_ms - 1)
    assert refused.value.reason is Reason.STALE_DIRECTORY


def test_keys_dated_ahead_of_the_clock_do_not_hold_up_the_next(tafel: Speaker) -> None:
    directory, now_ms = tafel.log.directory, 1_000_000_000
    for n in range(1, 9):
        tafel.state(n, kem_public(40 + n), at_ms=now_ms + 86_400_000)
    statement = directory.verify_prekey(tafel.prekey(9, kem_public(60)))
    directory.verify_prekey_rate(statement, now_ms)
    with pytest.raises(RefusedError):
        directory.verify_prekey_rate(statement, now_ms + 86_400_000)


def test_an_entry_beyond_every_calendar_is_refused(tafel: Speaker) -> None:
    data = tafel.prekey(1, kem_public(40))
    far = entry(DirectoryType.PREKEY, data, 253_402_300_800_000)
    tafel.log.unchanged_by(far, data, MalformedError)


def test_a_broker_takes_eight_in_a_day(tafel: Speaker) -> None:
    directory, day_ms = tafel.log.directory, 86_400_000
    for n in range(1, 9):
        tafel.state(n, kem_public(40 + n), at_ms=1_000 * n)
    statement = directory.verify_prekey(tafel.prekey(9, kem_public(60)))
    with pytest.raises(RefusedError) as refused:
        directory.verify_prekey_rate(statement, 999 + day_ms)
    assert refused.value.reason is Reason.QUOTA
    directory.verify_prekey_rate(statement, 1_000 + day_ms)
