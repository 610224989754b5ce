# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a sender had no right to, as a reader finds it in a log whose broker let it pass."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from trial.enclave import (
    DEBATE,
    PROCESS,
    STATE_SECRET,
    STRANGER,
    T0,
    TrialEnclave,
    identity,
    party_of,
)
from trial.log import TrialLog, take
from trial.samples import act, encoded
from trial.scene import Scene, refuse

from seinpost._lane import recipients_of
from seinpost._transport import StoredMessage
from seinpost._trusted_feed import TrustedFeed
from seinpost.epochs import EpochSecrets, Recipient, make_epoch
from seinpost_schemas.clear_bodies import (
    Recall,
    RecallReason,
    Receipt,
    ReceiptState,
    Run,
    Share,
    ShareSlot,
)
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.envelope import Envelope
from seinpost_schemas.errors import RefusedError
from seinpost_schemas.kinds import Kind
from seinpost_schemas.limits import MAX_EPOCH_AGE_MS, MAX_EPOCH_ENVELOPES

HOUR = dt.timedelta(hours=1)
START = dt.datetime.fromtimestamp(T0 / 1000, dt.UTC)


def given_to(log: TrialLog, sender: str, readers: set[str], code: int = 1, **change: Any) -> Envelope:
    """An epoch with slots for just these identities, whoever its audience is."""
    recipients = {
        identity(n).kem.key_id: Recipient(identity(n).kem.public, read_protected=False) for n in readers
    }
    place = log.place(identity(sender), Kind.EPOCH, **change)
    return make_epoch(place, code, recipients, identity(sender).signing)[0]


def slots_of(log: TrialLog, audience: str = "all", sender: str = "ncsc") -> set[str]:
    """The identities that an epoch must have slots for."""
    view = log.enclave.directory().current
    members = view.audience_members(view.audience(audience), view.party(sender), log.compartment, log.now_ms)
    assert recipients_of(view, members, log.compartment, log.now_ms).keys() == members.keys()
    return {m.identity.name for m in members.values()}


READERS = {"ncsc-1", "ncsc-2", "ibd-1", "kiesraad-1", "tafel-1"}
"""Of depv/process, by the register's text."""


# -- mandates -------------------------------------------------------------------------------------

RECEIPT = Receipt("2026q4", 1, bytes(32), (Run("2026q4", 0, 0, 0, 0, ReceiptState.OPENED),)).encode()
RECALL = Recall(bytes(32), "2026q4", 0, encoded(1).id, RecallReason.MISTAKE).encode()
SHARE = Share((ShareSlot(b"I" * 16, b"K" * 16, bytes(1_200)),)).encode()

NO_MANDATE: dict[str, Callable[[TrialLog], Envelope]] = {
    "an epoch of a party without mandates": lambda log: given_to(log, "stil-1", READERS),
    "an epoch of a party with mandates elsewhere": lambda log: given_to(log, "cvdm-1", READERS),
    "signals of a reader": lambda log: sealed(log, "tafel-1", Kind.SIGNALS),
    "a recall by a reader": lambda log: log.clear(identity("tafel-1"), Kind.RECALL, RECALL),
    "a release": lambda log: sealed(log, "ncsc-1", Kind.RELEASE),
    "a receipt of a party that does not read": lambda log: log.clear(
        identity("cvdm-1"), Kind.RECEIPT, RECEIPT
    ),
    "feedback of a party that does not read": lambda log: sealed(log, "stil-1", Kind.FEEDBACK),
    "a table act of a party that does not read": lambda log: sealed(log, "cvdm-1", Kind.TABLE_ACT),
    "a share of a party that neither shares nor reads": lambda log: log.clear(
        identity("stil-1"), Kind.SHARE, SHARE
    ),
    "an end of epoch of a party without mandates": lambda log: log.end(
        identity("stil-1"), b"I" * 16, count=(1, 1)
    ),
}


def sealed(log: TrialLog, sender: str, kind: Kind) -> Envelope:
    """A sealed envelope under secrets of its sender's own choice."""
    secrets = EpochSecrets(b"I" * 16, b"s" * 32, None)
    batch = [encoded(1) if kind is Kind.SIGNALS else act(1)]
    return log.signals(identity(sender), secrets, batch, kind)


@pytest.mark.parametrize("make", NO_MANDATE.values(), ids=NO_MANDATE.keys())
def test_without_a_mandate_for_its_kind_an_envelope_is_refused(
    log: TrialLog, make: Callable[[TrialLog], Envelope]
) -> None:
    refuse(log.reader(), log.message(make(log)), "mandate")


def test_a_mandate_holds_from_its_first_moment_to_its_last(enclave: TrialEnclave) -> None:
    def limit(table: dict[str, Any]) -> None:
        party_of(table, "ibd")["mandates"][0] |= {"from": START, "until": START + HOUR}

    log = TrialLog(TrialEnclave(limit))
    epoch, _ = log.epoch(identity("ibd-1"))
    publishing = log.clear(identity("ibd-1"), Kind.RECALL, RECALL)
    end = T0 + 3_600_000
    for admitted_ms, allowed in ((T0 - 1, False), (T0, True), (end - 1, True), (end, False)):
        message = log.message(publishing, admitted_ms=admitted_ms)
        if allowed:
            take(log.reader(), message)
        else:
            refuse(log.reader(), message, "mandate")
    # Reading gives the right to an epoch too (for feedback): only what is published ended.
    take(log.reader(), log.message(epoch, admitted_ms=end))


def test_a_mandate_that_a_later_version_took_away_is_gone_from_that_size_on(scene: Scene) -> None:
    before = scene.enclave.size

    def silence(table: dict[str, Any]) -> None:
        del party_of(table, "ncsc")["mandates"][0]

    after = scene.enclave.amend(silence)
    scene.enclave.feed(scene.feed._directory)
    refuse(scene.feed, scene.log.message(scene.envelope, directory_size=after), "mandate")
    take(scene.feed, scene.log.message(scene.envelope, directory_size=before))


def test_a_mandate_that_a_later_version_gave_does_not_reach_back(scene: Scene) -> None:
    before = scene.enclave.size

    def appoint(table: dict[str, Any]) -> None:
        party_of(table, "stil")["mandates"] = [
            {
                "themes": ["process"],
                "actions": ["publish"],
                "basis": "Wet",
                "status": "default",
                "ceiling": "depv",
            }
        ]

    after = scene.enclave.amend(appoint)
    scene.enclave.feed(scene.feed._directory)
    recall = scene.log.clear(identity("stil-1"), Kind.RECALL, RECALL)
    refuse(scene.feed, scene.log.message(recall, directory_size=before), "mandate")
    take(scene.feed, scene.log.message(recall, directory_size=after))


def test_a_prohibition_goes_before_a_mandate_and_names_its_basis() -> None:
    def forbid(table: dict[str, Any]) -> None:
        table["prohibitions"].append(
            {
                "party": "ncsc",
                "action": "publish",
                "themes": ["process"],
                "basis": "Wet X",
                "status": "note",
            }
        )

    log = TrialLog(TrialEnclave(forbid))
    error = refuse(
        log.reader(), log.message(log.clear(identity("ncsc-1"), Kind.RECALL, RECALL)), "prohibited"
    )
    assert isinstance(error, RefusedError)
    assert error.basis == "Wet X"


# -- levels ---------------------------------------------------------------------------------------


def test_a_state_secret_is_refused_however_it_came_in(enclave: TrialEnclave) -> None:
    log = TrialLog(enclave, STATE_SECRET)
    refuse(log.reader(), log.message(given_to(log, "ncsc-1", READERS)), "classification")


def test_a_classification_above_the_enclaves_ceiling_is_refused() -> None:
    def lower(table: dict[str, Any]) -> None:
        table["ceiling"] = "ong"

    log = TrialLog(TrialEnclave(lower))
    refuse(log.reader(), log.message(given_to(log, "ncsc-1", READERS)), "ceiling")


def test_a_classification_above_the_mandates_ceiling_is_refused() -> None:
    def lower(table: dict[str, Any]) -> None:
        party_of(table, "stil")["mandates"] = [
            {
                "themes": ["process"],
                "actions": ["publish"],
                "basis": "Wet",
                "status": "default",
                "ceiling": "ong",
            }
        ]

    log = TrialLog(TrialEnclave(lower))
    refuse(log.reader(), log.message(log.clear(identity("stil-1"), Kind.RECALL, RECALL)), "ceiling")


def test_a_classification_above_the_senders_clearance_is_refused(enclave: TrialEnclave) -> None:
    log = TrialLog(enclave, Compartment.parse("depv/international"))
    refuse(log.reader(), log.message(given_to(log, "ec-1", {"ec-1", "tafel-1"})), "classification")


# -- audiences ------------------------------------------------------------------------------------


def test_the_readers_are_those_of_the_register(log: TrialLog) -> None:
    assert slots_of(log) == READERS
    assert slots_of(log, "tafel") == {"tafel-1", "ncsc-1", "ncsc-2"}
    assert slots_of(log, "own") == {"ncsc-1", "ncsc-2"}


WRONG_SLOTS: dict[str, tuple[int, set[str]]] = {
    "nobody": (1, set()),
    "one reader short": (1, READERS - {"kiesraad-1"}),
    "the sender itself short": (1, READERS - {"ncsc-1"}),
    "the party's other identity short": (1, READERS - {"ncsc-2"}),
    "a party without a mandate besides": (1, READERS | {"stil-1"}),
    "a party that reads elsewhere besides": (1, READERS | {"cvdm-1"}),
    "a party without the clearance besides": (1, READERS | {"ec-1"}),
    "a stranger besides": (1, READERS | {STRANGER}),
    "a stranger in a reader's place": (1, READERS - {"ibd-1"} | {STRANGER}),
    "the table's audience under the name of all": (1, {"tafel-1", "ncsc-1", "ncsc-2"}),
    "everyone under the name of the table's audience": (2, READERS),
    "the table's audience without the sender": (2, {"tafel-1"}),
    "everyone under the name of the own party": (3, READERS),
}


@pytest.mark.parametrize(("code", "readers"), WRONG_SLOTS.values(), ids=WRONG_SLOTS.keys())
def test_an_epoch_whose_slots_are_not_exactly_its_audience_is_refused(
    log: TrialLog, code: int, readers: set[str]
) -> None:
    feed = log.reader()
    refuse(feed, log.message(given_to(log, "ncsc-1", readers, code)), "epoch")
    take(feed, log.message(given_to(log, "ncsc-1", READERS)))


def test_an_audience_that_the_register_does_not_have(log: TrialLog) -> None:
    refuse(log.reader(), log.message(given_to(log, "ncsc-1", READERS, 9)), "audience")


def test_an_audience_without_readers() -> None:
    def only_stil(table: dict[str, Any]) -> None:
        table["audiences"].append({"name": "stil", "code": 4, "members": ["stil"]})

    log = TrialLog(TrialEnclave(only_stil))
    refuse(log.reader(), log.message(given_to(log, "ncsc-1", {"stil-1"}, 4)), "audience")


@pytest.mark.parametrize("body", [b"", b"\0" * 83, b"\1" * 83, b"\0" * 1_299])
def test_an_epoch_that_does_not_decode(log: TrialLog, body: bytes) -> None:
    refuse(log.reader(), log.message(log.clear(identity("ncsc-1"), Kind.EPOCH, body)), "malformed")


def test_the_audience_is_that_of_the_headers_directory_size(enclave: TrialEnclave) -> None:
    """What the sender knew: a reader added since has no slot, and the epoch is good all the same."""
    before = enclave.size

    def let_stil_read(table: dict[str, Any]) -> None:
        party_of(table, "stil")["mandates"] = [
            {
                "themes": ["process"],
                "actions": ["read"],
                "basis": "Wet",
                "status": "default",
                "ceiling": "depv",
            }
        ]

    after = enclave.amend(let_stil_read)
    log = TrialLog(enclave)
    take(log.reader(), log.message(given_to(log, "ncsc-1", READERS, directory_size=before)))
    refuse(log.reader(), log.message(given_to(log, "ncsc-1", READERS, directory_size=after)), "epoch")
    everyone = READERS | {"stil-1"}
    take(log.reader(), log.message(given_to(log, "ncsc-1", everyone, directory_size=after)))
    refuse(log.reader(), log.message(given_to(log, "ncsc-1", everyone, directory_size=before)), "epoch")


# -- answers --------------------------------------------------------------------------------------


@pytest.fixture
def answered(log: TrialLog) -> TrialLog:
    """A log with an epoch of ncsc for the table."""
    log.secrets = log.add_epoch(identity("ncsc-1"), "tafel")  # type: ignore[attr-defined]
    return log


def answer(log: TrialLog, sender: str, readers: set[str], code: int = 2, reply_to: bytes = b"") -> Envelope:
    recipients = {
        identity(n).kem.key_id: Recipient(identity(n).kem.public, read_protected=False) for n in readers
    }
    place = log.place(identity(sender), Kind.EPOCH)
    epoch_id = reply_to or log.secrets.epoch_id  # type: ignore[attr-defined]
    return make_epoch(place, code, recipients, identity(sender).signing, epoch_id)[0]


TABLE_AND_NCSC = {"tafel-1", "ncsc-1", "ncsc-2"}


def test_an_answer_is_for_the_audience_of_what_it_answers(answered: TrialLog) -> None:
    feed = answered.reader()
    refuse(feed, answered.message(answer(answered, "tafel-1", {"tafel-1"})), "epoch")
    refuse(feed, answered.message(answer(answered, "tafel-1", READERS)), "epoch")
    refuse(feed, answered.message(answer(answered, "tafel-1", READERS, code=1)), "audience")
    refuse(feed, answered.message(answer(answered, "tafel-1", TABLE_AND_NCSC, reply_to=b"?" * 16)), "epoch")
    take(feed, answered.message(answer(answered, "tafel-1", TABLE_AND_NCSC)))


def test_only_a_reader_of_an_epoch_answers_it(answered: TrialLog) -> None:
    refuse(answered.reader(), answered.message(answer(answered, "ibd-1", TABLE_AND_NCSC)), "audience")
    refuse(
        answered.reader(),
        answered.message(answer(answered, "ibd-1", TABLE_AND_NCSC | {"ibd-1"})),
        "audience",
    )


# -- epochs in use --------------------------------------------------------------------------------

UNDER_AN_EPOCH: dict[str, Callable[[Scene], StoredMessage]] = {
    "an epoch that the log does not hold": lambda s: s.log.message(
        s.log.signals(s.ncsc, EpochSecrets(b"?" * 16, b"s" * 32, None))
    ),
    "another sender's epoch": lambda s: s.log.message(s.log.signals(s.ibd, s.secrets)),
    "the epoch of the party's other identity": lambda s: s.log.message(
        s.log.signals(identity("ncsc-2"), s.secrets)
    ),
    "an epoch an hour old": lambda s: s.log.message(s.envelope, admitted_ms=T0 + MAX_EPOCH_AGE_MS),
    "the end of an epoch that the log does not hold": lambda s: s.log.message(
        s.log.end(s.ncsc, b"?" * 16, (1, 1))
    ),
    "the end of another sender's epoch": lambda s: s.log.message(
        s.log.end(s.ibd, s.secrets.epoch_id, (1, 2))
    ),
}


@pytest.mark.parametrize("make", UNDER_AN_EPOCH.values(), ids=UNDER_AN_EPOCH.keys())
def test_under_a_wrong_epoch_nothing_is_accepted(
    scene: Scene, make: Callable[[Scene], StoredMessage]
) -> None:
    scene.refuse(make(scene), "epoch")


def test_an_epoch_holds_to_the_last_millisecond_of_its_hour(scene: Scene) -> None:
    take(scene.feed, scene.log.message(scene.envelope, admitted_ms=T0 + MAX_EPOCH_AGE_MS - 1))


def test_an_epochs_end_may_come_after_its_hour(scene: Scene) -> None:
    take(
        scene.feed,
        scene.log.message(scene.log.end(scene.ncsc, scene.secrets.epoch_id), admitted_ms=T0 + 86_400_000),
    )


def test_an_epoch_that_has_ended_carries_nothing_more(scene: Scene) -> None:
    take(scene.feed, scene.log.append(scene.log.end(scene.ncsc, scene.secrets.epoch_id)))
    refuse(scene.feed, scene.log.message(scene.signals()), "epoch")
    refuse(scene.feed, scene.log.message(scene.log.end(scene.ncsc, scene.secrets.epoch_id)), "epoch")
    fresh = scene.log.add_epoch(scene.ncsc)
    take(scene.feed, scene.log.messages[-1])
    take(scene.feed, scene.log.message(scene.log.signals(scene.ncsc, fresh)))


@pytest.mark.parametrize("count", [(0, 0), (2, 2), (1, 1), (1, 3), (1 << 31, 2)])
def test_an_end_of_epoch_that_counts_otherwise_than_the_log(scene: Scene, count: tuple[int, int]) -> None:
    """What a broker dropped without a trace in the chain: the last ones of an epoch."""
    scene.refuse(
        scene.log.message(scene.log.end(scene.ncsc, scene.secrets.epoch_id, count)), "epoch-cut-short"
    )


@pytest.mark.parametrize("body", [b"", bytes(11), bytes(13), b"\0\0\0\1" + bytes(8)])
def test_an_end_of_epoch_that_does_not_decode(scene: Scene, body: bytes) -> None:
    end = scene.log.clear(scene.ncsc, Kind.END_OF_EPOCH, body, epoch_id=scene.secrets.epoch_id)
    scene.refuse(scene.log.message(end), "malformed")


def test_an_epoch_carries_65536_envelopes_and_no_more(scene: Scene) -> None:
    """The count goes through the stored state, as if the reader had seen them all."""
    state = msgspec.msgpack.decode(scene.feed.encode())
    epoch = state[4][scene.secrets.epoch_id]
    assert epoch[6] == 1
    epoch[6] = MAX_EPOCH_ENVELOPES - 1
    scene.feed.restore(msgspec.msgpack.encode(state))
    take(scene.feed, scene.log.append(scene.envelope))
    refuse(scene.feed, scene.log.message(scene.signals()), "epoch")


def test_the_own_audience_carries_table_acts_and_nothing_else(log: TrialLog) -> None:
    tafel = identity("tafel-1")
    own = log.add_epoch(tafel, "own")
    feed = log.reader()
    refuse(feed, log.message(log.signals(tafel, own, [act(1)], Kind.FEEDBACK)), "audience")
    take(feed, log.append(log.signals(tafel, own, [act(1)], Kind.TABLE_ACT)))
    other = log.add_epoch(tafel, "tafel")
    take(feed, log.messages[-1])
    refuse(feed, log.message(log.signals(tafel, other, [act(1)], Kind.TABLE_ACT)), "audience")


def test_signals_under_the_own_audience_are_refused(log: TrialLog) -> None:
    own = log.add_epoch(identity("ncsc-1"), "own")
    refuse(log.reader(), log.message(log.signals(identity("ncsc-1"), own)), "audience")


def remove_kiesraad(table: dict[str, Any]) -> None:
    party_of(table, "kiesraad")["mandates"] = []


def test_an_epoch_ends_when_its_audience_changes_under_it(scene: Scene) -> None:
    scene.enclave.amend(remove_kiesraad)
    scene.enclave.feed(scene.feed._directory)
    assert slots_of(scene.log) == READERS - {"kiesraad-1"}
    late = scene.signals()
    assert late.header.directory_size == scene.enclave.size
    refuse(scene.feed, scene.log.message(late), "epoch")


# -- the directory that an envelope names -----------------------------------------------------------


def test_an_entry_that_names_a_directory_still_to_come(scene: Scene) -> None:
    scene.refuse(scene.log.message(scene.envelope, directory_size=scene.enclave.size + 1), "stale-directory")


def test_an_entry_from_before_the_first_register(log: TrialLog) -> None:
    epoch, _ = log.epoch(identity("ncsc-1"))
    refuse(log.reader(), log.message(epoch, directory_size=log.enclave.size - 1), "stale-directory")
    refuse(log.reader(), log.message(epoch, directory_size=0), "stale-directory")


@pytest.mark.parametrize("ahead", [1, 1 << 40])
def test_an_epoch_whose_directory_is_ahead_of_its_entrys(log: TrialLog, ahead: int) -> None:
    epoch = given_to(log, "ncsc-1", READERS, directory_size=log.enclave.size + ahead)
    refuse(log.reader(), log.message(epoch), "stale-directory")


@pytest.mark.parametrize("size", [0, 3, 1 << 40])
def test_a_sealed_envelope_names_a_directory_that_was_known_at_its_entry(scene: Scene, size: int) -> None:
    """As the broker asks (`stale-directory`)."""
    scene.refuse(scene.log.message(scene.signals(directory_size=size)), "stale-directory")


def test_every_reader_of_one_log_comes_to_the_same(scene: Scene) -> None:
    """A dishonest broker's entry: the header names a directory far ahead, which then changes."""
    message = scene.log.message(scene.signals(directory_size=1 << 40))
    verdicts = []
    for amended in (False, True):
        if amended:
            scene.enclave.amend(remove_kiesraad)
        feed = TrustedFeed(PROCESS, scene.enclave.directory())
        for logged in scene.log.messages:
            take(feed, logged)
        try:
            take(feed, message)
            verdicts.append("accepted")
        except RefusedError as error:
            verdicts.append(str(error.reason))
    assert verdicts[0] == verdicts[1]


def test_nothing_holds_that_was_admitted_after_the_register_expired() -> None:
    def shorten(table: dict[str, Any]) -> None:
        table["expires"] = START + HOUR

    scene = Scene(TrialLog(TrialEnclave(shorten)))
    late = scene.log.message(scene.log.epoch(identity("ibd-1"))[0], admitted_ms=T0 + 3_600_000)
    scene.refuse(late, "register-expired")


# -- kinds of a later version ---------------------------------------------------------------------


def test_a_later_kind_of_another_sender_does_not_count_in_ones_epoch(scene: Scene) -> None:
    foreign = scene.log.clear(scene.ibd, 10, b"?", epoch_id=scene.secrets.epoch_id)
    message = scene.log.message(foreign)
    take(scene.feed, message)
    end = scene.log.end(scene.ncsc, scene.secrets.epoch_id, (1, 2))
    take(scene.feed, scene.log.message(end, seq=4))


def test_a_later_kind_does_not_open_an_epoch_again(scene: Scene) -> None:
    take(scene.feed, scene.log.append(scene.log.end(scene.ncsc, scene.secrets.epoch_id)))
    later = scene.log.clear(scene.ibd, 10, b"?", epoch_id=scene.secrets.epoch_id)
    take(scene.feed, scene.log.append(later))
    refuse(scene.feed, scene.log.message(scene.signals()), "epoch")


# -- across a restart -----------------------------------------------------------------------------


def restarted(scene: Scene) -> TrustedFeed:
    feed = TrustedFeed(scene.log.compartment, scene.enclave.directory())
    feed.restore(scene.feed.encode())
    return feed


AFTER_A_RESTART: dict[str, tuple[str, Callable[[Scene], StoredMessage]]] = {
    "a repeat": ("reordering", lambda s: s.log.messages[1]),
    "a gap": ("gap", lambda s: s.log.message(s.envelope, seq=5)),
    "a fork": ("fork", lambda s: s.log.message(s.signals(seq=2))),
    "a chain anew": ("gap", lambda s: s.log.message(s.signals(prev_hash=bytes(32)))),
    "a time that goes back": ("reordering", lambda s: s.log.message(s.envelope, admitted_ms=T0 - 1)),
    "an epoch that is cut short": (
        "epoch-cut-short",
        lambda s: s.log.message(s.log.end(s.ncsc, s.secrets.epoch_id, (2, 3))),
    ),
    "another's epoch": ("epoch", lambda s: s.log.message(s.log.signals(s.ibd, s.secrets))),
    "an hour later": ("epoch", lambda s: s.log.message(s.envelope, admitted_ms=T0 + MAX_EPOCH_AGE_MS)),
}


@pytest.mark.parametrize(("name", "make"), AFTER_A_RESTART.values(), ids=AFTER_A_RESTART)
def test_a_restart_forgets_nothing(scene: Scene, name: str, make: Callable[[Scene], StoredMessage]) -> None:
    feed = restarted(scene)
    assert (feed.size, feed.root(), feed.encode()) == (
        scene.feed.size,
        scene.feed.root(),
        scene.feed.encode(),
    )
    refuse(feed, make(scene), name)
    take(feed, scene.honest)


def test_an_ended_epoch_is_unknown_after_a_restart_and_so_carries_nothing(scene: Scene) -> None:
    take(scene.feed, scene.log.append(scene.log.end(scene.ncsc, scene.secrets.epoch_id)))
    feed = restarted(scene)
    refuse(feed, scene.log.message(scene.signals()), "epoch")


def test_old_epochs_do_not_pile_up_in_the_stored_state(enclave: TrialEnclave) -> None:
    log, ncsc = TrialLog(enclave), identity("ncsc-1")
    sizes = []
    for _ in range(6):
        log.add_signals(ncsc, log.add_epoch(ncsc))
        sizes.append(len(log.reader().encode()))
        # Not ended, and its sender may still end it: kept for a month, without its slots after an hour.
        log.now_ms += 31 * 24 * MAX_EPOCH_AGE_MS + 1
    assert max(sizes) - min(sizes) < 64


def test_an_epoch_left_open_for_an_hour_keeps_what_its_end_needs_and_no_slots(scene: Scene) -> None:
    slot_ids = [identity(n).kem.key_id for n in READERS]
    assert all(i in scene.feed.encode() for i in slot_ids)
    scene.log.now_ms += MAX_EPOCH_AGE_MS + 1
    take(scene.feed, scene.log.append(scene.log.clear(scene.ibd, Kind.RECALL, RECALL)))
    assert not any(i in scene.feed.encode() for i in slot_ids)
    feed = restarted(scene)
    refuse(feed, scene.log.message(scene.signals()), "epoch")
    take(feed, scene.log.message(scene.log.end(scene.ncsc, scene.secrets.epoch_id)))


def test_another_log_in_the_same_compartment_starts_from_nothing(scene: Scene) -> None:
    assert TrustedFeed(DEBATE, scene.enclave.directory()).size == 0
