# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A reader's audit of one log, against a log that lies in every way there is. No network, time as an argument."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from trial.witnessed import register_of

from seinpost._audit import TAIL_MS, AuditState, LogAudit
from seinpost._moment import Moment
from seinpost_schemas import merkle
from seinpost_schemas.checkpoint import Checkpoint, LogKeys
from seinpost_schemas.cosignature import WitnessKeys
from seinpost_schemas.limits import DAY_MS, FRESH_MS, MAX_CLOCK_SKEW_MS
from seinpost_schemas.merkle_tree import MerkleTree
from seinpost_schemas.note import Note, parse_note
from seinpost_schemas.register import Register

ORIGIN = "proef/2026q4/depv/process"
LOG = LogKeys(b"\x07" * 64)
KEYS = [WitnessKeys(f"proef/witness/w{n}", bytes([n]) * 64) for n in range(1, 5)]
STRANGER = WitnessKeys("proef/witness/w9", b"\x09" * 64)
T0 = 1_790_000_000


def register(quorum: int = 3) -> Register:
    return register_of(KEYS, LOG, quorum)


def tree_of(size: int, salt: bytes = b"") -> MerkleTree:
    tree = MerkleTree()
    for number in range(size):
        tree.append(merkle.leaf_hash(salt + number.to_bytes(4, "big")))
    return tree


TREE, OTHER = tree_of(20), tree_of(20, b"other")


def note(
    size: int,
    timestamp: int = T0,
    *,
    tree: MerkleTree = TREE,
    witnesses: list[WitnessKeys] = KEYS,
    keys: LogKeys = LOG,
) -> bytes:
    checkpoint = Checkpoint(ORIGIN, size, tree.root(size))
    made = parse_note(keys.sign(checkpoint, timestamp))
    lines = [line for w in witnesses for line in w.cosign(checkpoint, timestamp)]
    return Note(made.text, (*made.signatures, *lines)).encode()


def reader(size: int, tree: MerkleTree = TREE, state: AuditState | None = None, first: int = 0) -> LogAudit:
    """An audit that has received ``size`` entries."""
    audit = LogAudit(ORIGIN, 0, state)
    for at in range(first, size + 1):
        assert audit.grew(at, tree.root(at)) is None
    return audit


def at(ms: int, *, wall_ms: int | None = None, stated_ms: int = 0) -> Moment:
    """A moment of a process that began at T0, whose clocks are right unless said otherwise."""
    return Moment(ms, T0 * 1000 + ms if wall_ms is None else wall_ms, stated_ms)


def codes(alarms: list[Any]) -> list[str]:
    return [a.code for a in alarms]


def test_what_a_quorum_signed_and_was_received_is_audited() -> None:
    audit = reader(9)
    assert audit.audited_size == 0
    assert audit.take(note(9), register(), at(10)) == []
    assert (audit.audited_size, audit.note) == (9, note_text(audit))


def note_text(audit: LogAudit) -> bytes:
    assert b"\n9\n" in audit.note
    return audit.note


def test_a_part_is_audited_up_to_the_checkpoint() -> None:
    audit = reader(9)
    audit.take(note(4), register(), at(10))
    assert audit.audited_size == 4
    audit.take(note(9, T0), register(), at(20))
    assert audit.audited_size == 9


@pytest.mark.parametrize("witnesses", [[], KEYS[:1], KEYS[:2], [KEYS[0]] * 4, [*KEYS[:2], STRANGER]])
def test_without_a_quorum_nothing_is_audited(witnesses: list[WitnessKeys]) -> None:
    audit = reader(9)
    assert codes(audit.take(note(9, witnesses=witnesses), register(), at(10))) == ["quorum"]
    assert audit.audited_size == 0


def audited_of_two_forks(liars: int, split: tuple[int, ...]) -> list[int]:
    """How much two readers of two histories audit: liars cosign both, each honest witness what it is shown first."""
    found = []
    for number, tree in enumerate((TREE, OTHER)):
        honest = [w for w, shown in zip(KEYS[liars:], split, strict=True) if shown == number]
        audit = reader(9, tree)
        audit.take(note(9, tree=tree, witnesses=[*KEYS[:liars], *honest]), register(), at(1))
        found.append(audit.audited_size)
    return found


def test_one_dishonest_witness_of_four_gets_no_second_history_audited_and_two_do() -> None:
    """f = 1 of 4. This documents the limit: with two, of whom the honest two are told apart, both histories pass."""
    for split in itertools.product((0, 1), repeat=3):
        assert sorted(audited_of_two_forks(1, split)) in ([0, 0], [0, 9])
    assert audited_of_two_forks(2, (0, 1)) == [9, 9]


def test_with_a_quorum_of_none_nothing_is_ever_audited() -> None:
    audit = reader(9)
    assert audit.take(note(9), register(quorum=0), at(10)) == []
    assert audit.audited_size == 0
    audit = reader(9, OTHER)
    assert codes(audit.take(note(9), register(quorum=0), at(10))) == ["split-view"]


def test_another_root_than_what_was_received_is_a_split_view() -> None:
    audit = reader(9)
    signed = note(9, tree=OTHER)
    (alarm,) = audit.take(signed, register(), at(10))
    assert (alarm.code, alarm.evidence, audit.audited_size) == ("split-view", signed, 0)


@pytest.mark.parametrize("cut", range(1, 10))
def test_a_tail_that_is_withheld_is_noticed_wherever_it_is_cut(cut: int) -> None:
    audit = reader(9 - cut)
    assert audit.take(note(9), register(), at(1_000)) == []
    assert audit.overdue(1_000 + TAIL_MS) == []
    assert codes(audit.overdue(1_001 + TAIL_MS)) == ["withheld-tail"]
    assert codes(audit.overdue(1_002 + TAIL_MS)) == []
    assert audit.audited_size == 0


def test_a_tail_that_waits_for_the_application_is_not_withheld() -> None:
    audit = reader(7)
    audit.take(note(9), register(), at(0))
    for now in range(0, 5 * TAIL_MS, 1_000):
        assert audit.overdue(now, reading=False) == []
    assert audit.overdue(now + TAIL_MS) == []
    assert codes(audit.overdue(now + TAIL_MS + 1)) == ["withheld-tail"]


def test_a_tail_that_comes_late_is_audited_then() -> None:
    audit = reader(7)
    audit.take(note(9), register(), at(0))
    assert audit.grew(8, TREE.root(8)) is None
    assert (audit.audited_size, audit.audited_ms) == (0, 0)
    # What is newer still says nothing of these entries.
    audit.take(note(12, T0 + 1), register(), at(1))
    assert audit.grew(9, TREE.root(9)) is None
    assert (audit.audited_size, audit.audited_ms) == (9, T0 * 1000)
    assert audit.overdue(TAIL_MS + 1) == []


def test_a_tail_that_comes_as_another_is_a_split_view() -> None:
    audit = reader(7)
    audit.take(note(9), register(), at(0))
    audit.grew(8, OTHER.root(8))
    alarm = audit.grew(9, OTHER.root(9))
    assert alarm is not None
    assert (alarm.code, audit.audited_size, audit.audited_ms) == ("split-view", 0, 0)


def test_an_old_checkpoint_that_is_shown_for_ever_goes_stale() -> None:
    audit = reader(9)
    frozen = note(9)
    audit.take(frozen, register(), at(0))
    for now in range(0, FRESH_MS + 1, 5_000):
        assert audit.take(frozen, register(), at(now)) == []
        assert audit.overdue(now) == []
    assert codes(audit.overdue(FRESH_MS + 1)) == ["stale-checkpoint"]
    # It is said once, and again only after it was well.
    assert audit.overdue(FRESH_MS + 2) == []
    audit.take(note(9, T0 + 70), register(), at(FRESH_MS + 3))
    assert audit.overdue(2 * FRESH_MS + 3) == []
    assert codes(audit.overdue(2 * FRESH_MS + 4)) == ["stale-checkpoint"]


@pytest.mark.parametrize("withheld", [0, 2])
def test_what_the_register_does_not_give_us_is_not_late_and_its_time_starts_again(withheld: int) -> None:
    audit = reader(9 - withheld)
    audit.take(note(9), register(), at(0))
    audit.ended(0)
    away_ms = 10 * FRESH_MS
    for now in range(0, away_ms + 1, 5_000):
        audit.rest(now)
    assert audit.overdue(away_ms + TAIL_MS) == []
    again = codes(audit.overdue(away_ms + FRESH_MS + 1))
    assert again == (["withheld-tail"] if withheld else []) + ["missing-closing", "stale-checkpoint"]


def overdue_for(audit: LogAudit, seconds: int, shown: Callable[[int], tuple[bytes, Moment]]) -> list[str]:
    """What is alarmed while a note is shown every five seconds: ``shown`` gives it and when, by the second."""
    found: list[str] = []
    for second in range(0, seconds + 1, 5):
        signed, moment = shown(second)
        found += codes(audit.take(signed, register(), moment))
        found += codes(audit.overdue(moment.monotonic_ms))
    return found


@pytest.mark.parametrize("late_ms", [FRESH_MS + MAX_CLOCK_SKEW_MS + 1_000, 30 * DAY_MS])
def test_old_checkpoints_replayed_in_step_are_stale(late_ms: int) -> None:
    """Their timestamps rise, one every five seconds; by the witnesses' word each is as old as the one before."""
    audit = reader(9)

    def shown(second: int) -> tuple[bytes, Moment]:
        return note(9, T0 + second - late_ms // 1000), at(second * 1000)

    assert overdue_for(audit, 60, shown) == []
    alarms = audit.overdue(FRESH_MS + 1)
    assert codes(alarms) == ["stale-checkpoint"]
    assert f"{late_ms // 60_000} minutes old" in alarms[0].message
    # What they cover is what was received: that is as true as it was.
    assert audit.audited_size == 9
    # It is well again with one that is new.
    audit.take(note(9, T0 + 65), register(), at(65_000))
    assert audit.overdue(65_000 + FRESH_MS) == []


@pytest.mark.parametrize("off_ms", [-600_000, 600_000, -MAX_CLOCK_SKEW_MS, MAX_CLOCK_SKEW_MS])
def test_a_reader_whose_clock_is_minutes_off_is_not_alarmed(off_ms: int) -> None:
    audit = reader(9)

    def shown(second: int) -> tuple[bytes, Moment]:
        wall_ms = (T0 + second) * 1000 + off_ms
        return note(9, T0 + second), at(second * 1000, wall_ms=wall_ms, stated_ms=(T0 + second) * 1000)

    assert overdue_for(audit, 180, shown) == []


def test_a_reader_whose_clock_is_far_behind_is_told_so() -> None:
    audit = reader(9)
    wall_ms = T0 * 1000 - MAX_CLOCK_SKEW_MS - 61_000

    def shown(second: int) -> tuple[bytes, Moment]:
        return note(9, T0 + second), at(second * 1000, wall_ms=wall_ms + second * 1000)

    assert overdue_for(audit, 60, shown) == []
    alarms = audit.overdue(FRESH_MS + 1)
    assert codes(alarms) == ["stale-checkpoint"]
    assert "ahead of this machine's clock; set it right" in alarms[0].message


def test_one_log_held_back_while_others_go_on_is_stale_whatever_the_clock_says() -> None:
    """Five minutes behind is within what a wrong clock may be; the other logs say what the time is."""

    def shown(behind: int) -> Callable[[int], tuple[bytes, Moment]]:
        return lambda second: (
            note(9, T0 + second - behind),
            at(second * 1000, stated_ms=(T0 + second) * 1000),
        )

    audit = reader(9)
    assert overdue_for(audit, 60, shown(300)) == []
    alarms = audit.overdue(FRESH_MS + 1)
    assert codes(alarms) == ["stale-checkpoint"]
    assert "older than what is signed of other logs" in alarms[0].message
    # A log that is signed a little later than the others is no alarm.
    assert overdue_for(reader(9), 180, shown(30)) == []


def test_a_log_read_from_its_start_after_days_is_as_fresh_as_its_newest_checkpoint() -> None:
    """The state is of days ago and so is what is read; only the newest note says whether the log is alive."""
    before = reader(4)
    before.take(note(4, T0 - 5 * DAY_MS // 1000), register(), at(0, wall_ms=T0 * 1000 - 5 * DAY_MS))
    audit = LogAudit(ORIGIN, 0, before.state)
    assert codes(audit.overdue(5_000)) == []
    assert audit.take(note(9), register(), at(5_000)) == []
    for size in range(10):
        assert audit.grew(size, TREE.root(size)) is None
    assert audit.audited_size == 9
    assert audit.overdue(5_000 + FRESH_MS) == []


def test_a_machine_that_slept_is_not_alarmed_by_what_it_had_seen_before() -> None:
    """The wall clock jumps by hours, the monotonic clock does not: the next checkpoint has its minute to come."""
    audit = reader(9)
    audit.take(note(9), register(), at(0))
    audit.take(note(9), register(), at(5_000, wall_ms=T0 * 1000 + 8 * 3_600_000))
    assert audit.overdue(5_000) == []
    awake = T0 + 8 * 3_600
    audit.take(note(9, awake), register(), at(6_000, wall_ms=awake * 1000))
    assert audit.overdue(6_000 + FRESH_MS) == []


def test_entries_that_no_checkpoint_ever_covers_are_said() -> None:
    """The log is signed again and again, and never at the size that the reader was given."""
    audit = reader(9)
    for second in range(0, FRESH_MS // 1000 + 1, 5):
        assert audit.take(note(7, T0 + second), register(), at(second * 1000)) == []
        assert audit.overdue(second * 1000) == []
    assert codes(audit.overdue(FRESH_MS + 1)) == ["stale-checkpoint"]
    assert audit.audited_size == 7


def test_a_log_of_which_nothing_is_said_is_missing() -> None:
    audit = LogAudit(ORIGIN, 1_000)
    assert audit.overdue(FRESH_MS + 1_000) == []
    assert codes(audit.overdue(FRESH_MS + 1_001)) == ["missing-log"]


def test_a_log_that_shrinks_is_rolled_back() -> None:
    audit = reader(9)
    audit.take(note(9), register(), at(0))
    assert codes(audit.take(note(8, T0 + 1), register(), at(1))) == ["rolled-back"]
    assert audit.audited_size == 9


def test_a_log_that_shrinks_to_another_history_lied_as_well() -> None:
    audit = reader(9)
    first = note(9)
    audit.take(first, register(), at(0))
    shrunk = note(8, T0 + 1, tree=OTHER)
    alarms = audit.take(shrunk, register(), at(1))
    assert [(a.code, a.evidence, a.against) for a in alarms] == [
        ("split-view", shrunk, first),
        ("rolled-back", shrunk, None),
    ]


def test_what_contradicts_a_note_is_the_smallest_that_covers_it() -> None:
    audit = reader(12)
    assert audit.covering(3) is None
    notes = {size: note(size, T0 + size) for size in (4, 6, 12)}
    for size, signed in notes.items():
        audit.take(signed, register(), at(size))
    assert [audit.covering(size) for size in (3, 4, 5, 7, 12, 13)] == [
        notes[4], notes[4], notes[6], notes[12], notes[12], None,
    ]  # fmt: skip
    shown = note(5, tree=OTHER, witnesses=[])
    (alarm,) = audit.hear(shown, register(), at(20))
    assert (alarm.code, alarm.evidence, alarm.against) == ("split-view", shown, notes[6])


def test_an_older_statement_of_a_slow_server_is_no_alarm() -> None:
    audit = reader(9)
    audit.take(note(9, T0 + 5), register(), at(0))
    assert audit.take(note(4, T0), register(), at(1)) == []


def test_two_checkpoints_of_one_second_both_count() -> None:
    audit = reader(9)
    audit.take(note(4, T0), register(), at(0))
    audit.take(note(9, T0), register(), at(1))
    assert audit.audited_size == 9


def test_an_unknown_witness_is_named_and_the_rest_counts() -> None:
    audit = reader(9)
    assert codes(audit.take(note(9, witnesses=[*KEYS[:3], STRANGER]), register(), at(0))) == [
        "unknown-witness"
    ]
    assert audit.audited_size == 9
    impostor = WitnessKeys(KEYS[3].public.name, b"\x55" * 64)
    audit = reader(9)
    assert codes(audit.take(note(9, witnesses=[*KEYS[:3], impostor]), register(), at(0))) == [
        "unknown-witness"
    ]


def test_another_logs_keys_sign_nothing_here() -> None:
    audit = reader(9)
    assert codes(audit.take(note(9, keys=LogKeys(b"\x08" * 64)), register(), at(0))) == ["signature"]
    assert codes(audit.take(b"junk", register(), at(0))) == ["malformed"]
    assert audit.audited_size == 0


def test_gossip_shows_a_fork_and_passes_over_the_rest() -> None:
    audit = reader(9)
    first = note(9)
    audit.take(first, register(), at(0))
    assert audit.hear(note(9, witnesses=[]), register(), at(0)) == []
    assert audit.hear(b"junk", register(), at(0)) == []
    assert audit.hear(note(9, tree=OTHER, keys=LogKeys(b"\x08" * 64)), register(), at(0)) == []
    shown = note(9, tree=OTHER, witnesses=[])
    (alarm,) = audit.hear(shown, register(), at(0))
    assert (alarm.code, alarm.evidence, alarm.against) == ("split-view", shown, first)
    # Once, however many tell it.
    assert audit.hear(shown, register(), at(0)) == []


def test_a_tail_that_is_hidden_from_one_reader_is_heard_of_from_another() -> None:
    audit = reader(9)
    audit.take(note(9), register(), at(0))
    assert audit.hear(note(12, T0 + 1, witnesses=KEYS[:2]), register(), at(0)) == []
    assert audit.hear(note(12, T0 + 1), register(), at(0)) == []
    assert codes(audit.overdue(TAIL_MS + 1)) == ["withheld-tail"]


def test_a_fork_from_before_this_process_is_held_against_what_the_one_before_received() -> None:
    audit = reader(9, first=9)
    asked: list[int] = []

    def root_of(size: int) -> bytes | None:
        asked.append(size)
        return TREE.root(size)

    honest, forked = note(5, witnesses=[]), note(6, tree=OTHER, witnesses=[])
    assert audit.hear(note(4, tree=OTHER, keys=LogKeys(b"\x08" * 64)), register(), at(0), root_of) == []
    assert asked == []
    assert audit.hear(honest, register(), at(0), root_of) == []
    # It costs: not again at once, whoever tells what.
    assert audit.hear(forked, register(), at(1), root_of) == []
    assert asked == [5]
    assert codes(audit.hear(forked, register(), at(10_001), root_of)) == ["split-view"]
    assert audit.hear(note(3, tree=OTHER), register(), at(30_000), lambda _: None) == []


def test_gossip_of_what_a_quorum_did_not_see_changes_nothing() -> None:
    audit = reader(9)
    audit.take(note(9), register(), at(0))
    audit.hear(note(12, T0 + 1, witnesses=KEYS[:2]), register(), at(0))
    audit.hear(note(3), register(), at(0))
    assert audit.overdue(TAIL_MS + 1) == []
    assert audit.audited_size == 9


def test_what_was_audited_survives_a_restart() -> None:
    audit = reader(9)
    audit.take(note(9, T0 + 5), register(), at(0))
    again = reader(9, state=audit.state, first=9)
    assert again.audited_size == 9
    # An older one shown to the new process is not news; a smaller one that claims to be is an alarm.
    assert again.take(note(4, T0), register(), at(0)) == []
    assert codes(again.take(note(4, T0 + 6), register(), at(0))) == ["rolled-back"]
    again.grew(10, TREE.root(10))
    again.take(note(10, T0 + 7), register(), at(0))
    assert again.audited_size == 10


def test_a_checkpoint_below_where_the_process_began_is_left_to_the_next() -> None:
    again = reader(9, first=9)
    assert again.take(note(5), register(), at(0)) == []
    assert again.audited_size == 0
    again.take(note(9, T0 + 1), register(), at(1))
    assert again.audited_size == 9


@pytest.mark.parametrize("by", [KEYS, KEYS[1:], KEYS[:3]], ids=["all", "without it", "with it"])
def test_what_a_revoked_witness_cosigned_before_is_no_alarm(by: list[WitnessKeys]) -> None:
    """A log in which nothing happens shows its last checkpoint for some seconds after a version came."""
    before, after = register(), register_of(KEYS[1:], LOG, 2)
    audit = reader(9)
    assert codes(audit.take(note(9, witnesses=by), after, at(10), [before])) == []
    assert audit.audited_size == 9
    assert codes(reader(9).take(note(9, witnesses=KEYS), after, at(10))) == ["unknown-witness"]
    assert codes(reader(9).take(note(9, witnesses=[*KEYS, STRANGER]), after, at(10), [before])) == [
        "unknown-witness"
    ]


def test_what_only_an_earlier_version_counts_audits_nothing_and_goes_stale() -> None:
    before, after = register(), register_of(KEYS[2:], LOG, 2)
    audit = reader(9)
    old = note(9, witnesses=KEYS[:3])
    assert codes(audit.take(old, after, at(10), [before])) == []
    assert audit.audited_size == 0
    assert codes(audit.overdue(FRESH_MS + 10)) == ["missing-log"]
    # Too few under any version is too few.
    assert codes(reader(9).take(note(9, witnesses=KEYS[:2]), after, at(10), [before])) == ["quorum"]
