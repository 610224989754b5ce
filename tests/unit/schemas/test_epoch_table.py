# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What is kept of a log's epochs: random schedules against a model of a page, and the bounds of what piles up."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from seinpost_schemas.compartment import Compartment
from seinpost_schemas.epoch_table import EpochTable
from seinpost_schemas.header import ZERO_16
from seinpost_schemas.limits import MAX_EPOCH_AGE_MS, MAX_EPOCH_END_MS, MAX_UNENDED_EPOCHS
from seinpost_schemas.rights import LoggedEpoch

PROCESS = Compartment.parse("depv/process")
SENDERS = (bytes([1]) * 16, bytes([2]) * 16)


def logged(sender: int, at_ms: int, slots: int = 2) -> LoggedEpoch:
    return LoggedEpoch(
        sender_id=SENDERS[sender],
        origin=f"party-{sender}",
        compartment=PROCESS,
        audience=1 + sender,
        reply_to=ZERO_16,
        admitted_ms=at_ms,
        slot_ids=tuple(n.to_bytes(16, "big") for n in range(slots)),
    )


def name(number: int) -> bytes:
    return number.to_bytes(16, "big")


class Model:
    """Every epoch ever opened, in log order: [sender, admitted_ms, envelopes, ended]."""

    def __init__(self) -> None:
        self.epochs: list[list[int]] = []

    def open(self, sender: int, at_ms: int) -> None:
        own = [e for e in self.epochs if e[0] == sender and not e[3]]
        for e in own:
            e[3] = at_ms - e[1] > MAX_EPOCH_END_MS
        own = [e for e in own if not e[3]]
        for e in own[: max(0, len(own) - MAX_UNENDED_EPOCHS + 1)]:
            e[3] = 1
        self.epochs.append([sender, at_ms, 0, 0])

    def usable(self, number: int, at_ms: int) -> tuple[int, int] | None:
        sender, opened_ms, envelopes, ended = self.epochs[number]
        return None if ended or at_ms - opened_ms > MAX_EPOCH_END_MS else (sender, envelopes)

    def live_of(self, sender: int, at_ms: int) -> int:
        own = [e for e in self.epochs if e[0] == sender and not e[3]]
        return sum(at_ms - e[1] < MAX_EPOCH_AGE_MS for e in own)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.integers(0, 1), st.integers(1, 3 * MAX_UNENDED_EPOCHS // 2)),
        st.tuples(st.just("end"), st.integers(0, 10_000), st.integers(1, 3)),
        st.tuples(st.just("carry"), st.integers(0, 10_000), st.integers(1, 3)),
        st.tuples(st.just("wait"), st.sampled_from([1, MAX_EPOCH_AGE_MS, MAX_EPOCH_END_MS // 2]), st.just(1)),
        st.tuples(st.just("take back"), st.integers(1, 200), st.just(1)),
        st.tuples(st.just("restart"), st.just(0), st.just(1)),
    ),
    max_size=25,
)


class Both:
    """The table and the model in step; the model is copied before each step, to be taken back to."""

    def __init__(self) -> None:
        self.table, self.model, self.now_ms = EpochTable(PROCESS), Model(), 1_000
        self._undo: list[tuple[Callable[[], None], list[list[int]]]] = []

    def _copied(self) -> list[list[int]]:
        return [list(e) for e in self.model.epochs]

    def open(self, sender: int) -> None:
        before = self._copied()
        self._undo.append(
            (self.table.open(name(len(self.model.epochs)), logged(sender, self.now_ms)), before)
        )
        self.model.open(sender, self.now_ms)

    def end(self, number: int) -> None:
        if self.model.usable(number, self.now_ms) is not None:
            self._undo.append((self.table.end(name(number)), self._copied()))
            self.model.epochs[number][3] = 1

    def carry(self, number: int) -> None:
        running = self.table.unended(name(number))
        if running is not None and self.model.usable(number, self.now_ms) is not None:
            before = running.envelopes

            def undo() -> None:
                running.envelopes = before

            self._undo.append((undo, self._copied()))
            running.envelopes += 1
            self.model.epochs[number][2] += 1

    def take_back(self, steps: int) -> None:
        for undo, epochs in reversed(self._undo[-steps:]):
            undo()
            self.model.epochs = epochs
        del self._undo[-steps:]

    def restart(self) -> None:
        again = EpochTable(PROCESS)
        again.restore([*self.table.stored(self.now_ms), *self.table.stored_past(self.now_ms)])
        self.table, self._undo = again, []
        for e in self.model.epochs:
            e[3] = e[3] or self.now_ms - e[1] > MAX_EPOCH_END_MS

    def verify(self) -> None:
        for number in range(len(self.model.epochs)):
            found = self.table.usable(name(number), self.now_ms)
            seen = (SENDERS.index(found.sender_id), found.envelopes) if found and not found.ended else None
            assert seen == self.model.usable(number, self.now_ms)
        for sender in (0, 1):
            assert self.table.live_of(SENDERS[sender], self.now_ms) == self.model.live_of(sender, self.now_ms)
            own = [e for _, e in self.table.stored(self.now_ms) if e.sender_id == SENDERS[sender]]
            assert len(own) <= MAX_UNENDED_EPOCHS
            assert [e.admitted_ms for e in own] == sorted(e.admitted_ms for e in own)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_any_schedule_leaves_what_the_model_says(steps: list[tuple[str, int, int]]) -> None:
    both = Both()
    for what, value, times in steps:
        if what == "wait":
            both.now_ms += value
        elif what == "take back":
            both.take_back(value)
        elif what == "restart":
            both.restart()
        for turn in range(times):
            if what == "open":
                both.open(value)
            elif both.model.epochs and what == "end":
                both.end((value + turn) % len(both.model.epochs))
            elif both.model.epochs and what == "carry":
                both.carry((value + turn) % len(both.model.epochs))
        both.verify()


def test_with_one_too_many_the_oldest_of_that_sender_counts_as_ended() -> None:
    table = EpochTable(PROCESS)
    table.open(name(9_999), logged(1, 0))
    for number in range(MAX_UNENDED_EPOCHS + 1):
        table.open(name(number), logged(0, number))
    oldest, second = table.usable(name(0), 1_000), table.usable(name(1), 1_000)
    assert (oldest is not None and oldest.ended, second is not None and second.ended) == (True, False)
    assert table.unended(name(9_999)) is not None
    # It can be answered and shared like any that ended.
    assert oldest is not None
    assert (oldest.sender_id, oldest.origin, oldest.audience) == (SENDERS[0], "party-0", 1)


def test_an_epoch_can_be_ended_for_31_days() -> None:
    table = EpochTable(PROCESS)
    table.open(name(0), logged(0, 500))
    last, late = table.usable(name(0), 500 + MAX_EPOCH_END_MS), table.usable(name(0), 501 + MAX_EPOCH_END_MS)
    assert (last is not None and last.ended, late is not None and late.ended) == (False, True)


def test_of_what_ended_no_slots_are_kept_and_of_what_is_old_none_either() -> None:
    table = EpochTable(PROCESS)
    for number in range(3):
        table.open(name(number), logged(0, number, slots=500))
    table.end(name(1))
    ended = table.known(name(1))
    assert ended is not None
    assert (ended.ended, ended.slot_ids) == (True, ())
    table.open(name(3), logged(0, 2 + MAX_EPOCH_AGE_MS))
    kept = [table.unended(name(n)) for n in (0, 1, 2, 3)]
    assert [len(e.slot_ids) if e is not None else None for e in kept] == [0, None, 500, 2]
    assert [len(e.slot_ids) for _, e in table.stored(3 + MAX_EPOCH_AGE_MS)] == [0, 0, 2]


def test_where_ended_ones_are_stored_few_are_kept_here() -> None:
    table = EpochTable(PROCESS, kept_past=3)
    for number in range(5):
        table.open(name(number), logged(0, number))
        table.end(name(number))
    assert [table.known(name(n)) is None for n in range(5)] == [True, True, False, False, False]


def test_a_table_that_an_earlier_version_stored_is_cut_down_to_the_bounds() -> None:
    stored = [(name(n), logged(0, n, slots=500)) for n in range(MAX_UNENDED_EPOCHS + 50)]
    ended = [(name(10_000 + n), msgspec.structs.replace(logged(1, n), ended=True)) for n in range(10)]
    table = EpochTable(PROCESS)
    table.restore([*ended, *stored])
    left = [k for k, _ in table.stored(1_000)]
    assert left == [name(n) for n in range(50, MAX_UNENDED_EPOCHS + 50)]
    assert {k for k, _ in table.stored_past(1_000)} == {k for k, _ in ended} | {name(n) for n in range(50)}
