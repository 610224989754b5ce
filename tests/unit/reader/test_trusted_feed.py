# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A reader's feed against a broker that lies in every way, and senders that a broker let through."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from harness.memory import (
    NOW_MS,
    PROCESS,
    MemoryLog,
    Sender,
    Stored,
    entry_of,
    keys_of,
    make_directory,
    message,
    shipped,
)

from seinpost._trusted_feed import TrustedFeed
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.entry import ENTRY_HEADER, SIGNATURE_HEADER, feed_headers, to_base64
from seinpost_schemas.envelope import Envelope, sign_envelope
from seinpost_schemas.errors import (
    BindingError,
    EpochCutShortError,
    ForkError,
    GapError,
    InvalidError,
    MalformedError,
    Reason,
    RefusedError,
    ReorderedError,
    SignatureError,
)
from seinpost_schemas.kinds import Action, Kind
from seinpost_schemas.limits import MAX_EPOCH_AGE_MS
from seinpost_schemas.merkle import root_hash

PARTIES = Compartment.parse("depv/parties")


def honest(count: int = 5) -> tuple[MemoryLog, Sender]:
    """An epoch and ``count`` batches of NCSC."""
    log, sender = MemoryLog(), Sender()
    log.admit(sender.epoch())
    for _ in range(count):
        log.admit(sender.signals())
    return log, sender


LOG, SENDER = honest()
REFUSED = (InvalidError, RefusedError)


def feed_of(stored: list[Stored], compartment: Compartment = PROCESS, **options: Any) -> TrustedFeed:
    feed = TrustedFeed(compartment, options.get("directory") or shipped())
    for seq, headers, body in stored:
        feed.accept(seq, headers, body)
    return feed


def refuses(feed: TrustedFeed, stored: Stored, error: type[Exception], reason: Reason | None = None) -> None:
    """The feed refuses a message and is afterwards what it was."""
    before = (feed.size, feed.root(), feed.encode())
    with pytest.raises(error) as raised:
        feed.accept(*stored)
    if reason is not None:
        assert isinstance(raised.value, RefusedError)
        assert raised.value.reason is reason, raised.value
    assert (feed.size, feed.root(), feed.encode()) == before


def append(log: MemoryLog, envelope: Envelope, **fields: Any) -> Stored:
    """What a dishonest broker puts next in a log, whatever it is."""
    return message(len(log.stored) + 1, envelope, entry_of(envelope, **fields))


# -- an honest feed ----------------------------------------------------------------------------------


def test_an_honest_feed_is_accepted_and_its_root_is_the_logs() -> None:
    feed = feed_of(LOG.stored)
    assert (feed.size, feed.root()) == (6, LOG.log.tree.root())
    assert feed.root() == root_hash([LOG.log.tree.leaf(n) for n in range(6)])


@pytest.mark.parametrize("cut", range(7))
def test_a_restored_feed_goes_on_as_if_nothing_happened(cut: int) -> None:
    feed, again = feed_of(LOG.stored[:cut]), TrustedFeed(PROCESS, shipped())
    again.restore(feed.encode())
    for stored in LOG.stored[cut:]:
        again.accept(*stored)
    assert again.root() == LOG.log.tree.root()
    assert again.encode() == feed_of(LOG.stored).encode()


# -- a dishonest broker ------------------------------------------------------------------------------


@pytest.mark.parametrize("dropped", range(5))
def test_a_dropped_entry_is_a_gap_wherever_it_was(dropped: int) -> None:
    feed = feed_of(LOG.stored[:dropped])
    refuses(feed, LOG.stored[dropped + 1], GapError)
    # Numbered anew, so that nothing seems to be missing, it is a gap of the sender's chain, or of its epoch.
    _, headers, body = LOG.stored[dropped + 1]
    refuses(feed, (dropped + 1, headers, body), GapError if dropped else REFUSED)  # type: ignore[arg-type]
    feed.accept(*LOG.stored[dropped])


@pytest.mark.parametrize("place", range(6))
def test_a_repeated_entry_is_refused(place: int) -> None:
    feed = feed_of(LOG.stored)
    refuses(feed, LOG.stored[place], ReorderedError)
    _, headers, body = LOG.stored[place]
    refuses(feed, (7, headers, body), ReorderedError)


def test_two_entries_in_another_order_are_refused() -> None:
    feed = feed_of(LOG.stored[:3])
    _, headers, body = LOG.stored[4]
    refuses(feed, (4, headers, body), GapError)


def test_a_fork_of_a_chain_is_named() -> None:
    log, sender = honest(2)
    other = copy.copy(sender)
    other.seq, other.head = 2, log.log._heads[sender.keys.keys.sender_id].hash
    feed = feed_of(log.stored)
    refuses(feed, append(log, other.signals()), ForkError)


@pytest.mark.parametrize("field", ["admitted_ms", "directory_size"])
def test_times_and_sizes_that_go_back_are_refused(field: str) -> None:
    log, sender = honest(1)
    lower = {"admitted_ms": NOW_MS - 1, "directory_size": shipped().size - 1}[field]
    refuses(feed_of(log.stored), append(log, sender.signals(), **{field: lower}), ReorderedError)


def test_a_back_dated_entry_is_refused() -> None:
    log, sender = honest(1)
    refuses(feed_of(log.stored), append(log, sender.signals(), admitted_ms=1), ReorderedError)


def test_every_bit_of_entry_signature_and_body_counts() -> None:
    """One bit of each byte, spread over all of them, and every bit of the entry's own fields."""
    feed = feed_of(LOG.stored[:5])
    seq, headers, body = LOG.stored[5]
    import base64

    for name in (ENTRY_HEADER, SIGNATURE_HEADER):
        raw = base64.b64decode(headers[name])
        for at in range(0, len(raw), 1 if name == ENTRY_HEADER else 37):
            changed = bytearray(raw)
            changed[at] ^= 1 << at % 8
            # A later time or a larger size in the entry is the broker's own to say: its root tells.
            if name == ENTRY_HEADER and 17 <= at < 33:
                continue
            refuses(feed, (seq, {**headers, name: to_base64(bytes(changed))}, body), REFUSED)  # type: ignore[arg-type]
    for at in range(0, len(body), 11):
        changed = bytearray(body)
        changed[at] ^= 1 << at % 8
        refuses(feed, (seq, headers, bytes(changed)), SignatureError)
    feed.accept(seq, headers, body)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {ENTRY_HEADER: "AAAA"},
        {ENTRY_HEADER: "!", SIGNATURE_HEADER: "!"},
        {**LOG.stored[0][1], SIGNATURE_HEADER: LOG.stored[1][1][SIGNATURE_HEADER]},
        {**LOG.stored[0][1], ENTRY_HEADER: LOG.stored[1][1][ENTRY_HEADER]},
    ],
)
def test_a_message_without_its_own_entry_and_signature_is_malformed(headers: dict[str, str]) -> None:
    refuses(TrustedFeed(PROCESS, shipped()), (1, headers, LOG.stored[0][2]), MalformedError)


def test_an_envelope_of_another_compartment_enclave_or_register_is_refused() -> None:
    elsewhere = Sender("ncsc", PARTIES)
    refuses(TrustedFeed(PROCESS, shipped()), append(MemoryLog(), elsewhere.epoch()), BindingError)
    foreign = make_directory("ander")
    other = Sender(directory=foreign)
    refuses(TrustedFeed(PROCESS, shipped()), append(MemoryLog(), other.epoch()), BindingError)
    unknown = append(MemoryLog(), Sender().epoch(), directory_size=shipped().size + 5)
    refuses(TrustedFeed(PROCESS, shipped()), unknown, RefusedError, Reason.STALE_DIRECTORY)


def test_an_entry_before_the_register_was_there_is_refused() -> None:
    refuses(
        TrustedFeed(PROCESS, shipped()),
        append(MemoryLog(), Sender().epoch(), directory_size=3),
        RefusedError,
        Reason.STALE_DIRECTORY,
    )


# -- a sender that a broker let through --------------------------------------------------------------


def resigned(envelope: Envelope, by: str) -> Envelope:
    """The same header and body under another's signature."""
    return sign_envelope(envelope.header, envelope.body, keys_of(by).signing)


def test_an_envelope_signed_by_another_is_refused() -> None:
    refuses(
        TrustedFeed(PROCESS, shipped()),
        append(MemoryLog(), resigned(Sender().epoch(), "ibd")),
        SignatureError,
    )


def test_a_sender_that_the_register_does_not_name_is_refused() -> None:
    sender = Sender()
    header = msgspec.structs.replace(sender.epoch().header, sender_id=bytes(16))
    body = sender.epoch().body
    stranger = sign_envelope(header, body, keys_of("stranger").signing)
    refuses(
        TrustedFeed(PROCESS, shipped()),
        append(MemoryLog(), msgspec.structs.replace(stranger, body=body[: header.body_len])),
        REFUSED,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("party", "place", "reason"),
    [
        ("kiesraad", "depv/debate", Reason.PROHIBITED),
        ("cvdm", "depv/process", Reason.MANDATE),
        ("toezicht", "depv/process", Reason.MANDATE),
        ("ec", "depv/international", Reason.CLASSIFICATION),
    ],
)
def test_a_sender_without_the_mandate_is_refused_by_the_reader_too(
    party: str, place: str, reason: Reason
) -> None:
    compartment = Compartment.parse(place)
    sender = Sender(party, compartment)
    envelope = sender.epoch(recipients=Sender("bzk", compartment).recipients())
    refuses(
        TrustedFeed(compartment, shipped()), append(MemoryLog(compartment), envelope), RefusedError, reason
    )


def test_an_epoch_whose_slots_are_not_exactly_its_audience_is_refused_by_the_reader_too() -> None:
    right = Sender().recipients()
    outsider = keys_of("cvdm").kem
    extra = {outsider.key_id: msgspec.structs.replace(next(iter(right.values())), kem_public=outsider.public)}
    for wrong in ({}, dict(list(right.items())[1:]), right | extra):
        envelope = Sender().epoch(recipients=wrong)
        refuses(TrustedFeed(PROCESS, shipped()), append(MemoryLog(), envelope), RefusedError, Reason.EPOCH)


def test_signals_under_no_epoch_or_anothers_or_an_ended_one_are_refused() -> None:
    log, sender = honest(1)
    feed = feed_of(log.stored)
    stranger = Sender("ibd")
    stranger.secrets = sender.secrets
    refuses(feed, append(log, stranger.signals()), RefusedError, Reason.EPOCH)
    nowhere = Sender("ibd")
    nowhere.epoch()
    nowhere.seq, nowhere.head = 0, bytes(32)
    refuses(feed, append(log, nowhere.signals()), RefusedError, Reason.EPOCH)
    end = sender.end()
    log.admit(end)
    feed.accept(*log.stored[-1])
    refuses(feed, append(log, sender.signals()), RefusedError, Reason.EPOCH)


def test_signals_under_an_epoch_of_over_an_hour_are_refused() -> None:
    log, sender = honest(1)
    late = append(log, sender.signals(), admitted_ms=NOW_MS + MAX_EPOCH_AGE_MS)
    refuses(feed_of(log.stored), late, RefusedError, Reason.EPOCH)


@pytest.mark.parametrize(("envelopes", "last_seq"), [(0, 0), (1, 2), (3, 4), (2, 2), (9, 9)])
def test_an_epoch_that_was_cut_short_is_named(envelopes: int, last_seq: int) -> None:
    log, sender = honest(2)
    refuses(feed_of(log.stored), append(log, sender.end(envelopes, last_seq)), EpochCutShortError)


def test_an_epoch_for_an_audience_that_changed_carries_nothing_more() -> None:
    def change(register: dict[str, Any]) -> None:
        (politie,) = (p for p in register["parties"] if p["token"] == "politie")
        for mandate in politie["mandates"]:
            mandate["until"] = dt.datetime(2026, 11, 2, 0, 30, tzinfo=dt.UTC)

    directory = make_directory(change=change)
    log, sender = MemoryLog(directory=directory), Sender(directory=directory)
    log.admit(sender.epoch())
    log.admit(sender.signals())
    feed = feed_of(log.stored, directory=directory)
    late = append(log, sender.signals(), admitted_ms=NOW_MS + 1_800_001)
    refuses(feed, late, RefusedError, Reason.EPOCH)


def test_the_own_audience_carries_table_acts_only() -> None:
    log, sender = MemoryLog(), Sender()
    log.admit(sender.epoch("own"), Action.READ)
    refuses(feed_of(log.stored), append(log, sender.signals()), RefusedError, Reason.AUDIENCE)


def test_a_kind_of_a_later_version_is_chained_and_no_alarm() -> None:
    log, sender = honest(1)
    feed = feed_of(log.stored)
    newer = sender.clear(77, b"what this version cannot read")  # type: ignore[arg-type]
    accepted = feed.accept(*append(log, newer))
    assert not accepted.known
    after = sender.signals()
    log.stored.append(append(log, newer))
    assert feed.accept(*append(log, after)).known


# -- going on after an alarm -------------------------------------------------------------------------


def skip_and_go_on(bad: Callable[[MemoryLog, Sender], Stored]) -> TrustedFeed:
    log, sender = honest(2)
    feed = feed_of(log.stored)
    stored = bad(log, sender)
    with pytest.raises(REFUSED):
        feed.accept(*stored)
    feed.skip(stored[0], stored[1])
    return feed


def test_one_bad_entry_does_not_stop_the_feed_or_its_sender() -> None:
    log, sender = honest(2)
    feed = feed_of(log.stored)
    bad = resigned(sender.signals(), "ibd")
    log.append(bad, entry_of(bad))
    with pytest.raises(SignatureError):
        feed.accept(*log.stored[-1])
    feed.skip(log.stored[-1][0], log.stored[-1][1])
    # Its place in the log counts, so the root is that of the log; and what follows is judged by itself.
    assert feed.root() == log.log.tree.root()
    log.append(good := sender.signals(), entry_of(good))
    assert feed.accept(*log.stored[-1]).index == 4
    assert feed.root() == log.log.tree.root()


def test_after_a_gap_the_root_is_nobodys() -> None:
    feed = feed_of(LOG.stored[:3])
    seq, headers, body = LOG.stored[4]
    with pytest.raises(GapError):
        feed.accept(seq, headers, body)
    feed.skip(seq, headers)
    assert feed.size == 5
    assert feed.root() != LOG.log.tree.root(5)


def test_headers_are_the_ones_of_the_feed() -> None:
    envelope = Sender().epoch()
    entry = entry_of(envelope)
    assert append(MemoryLog(), envelope)[1] == feed_headers(entry, envelope.signature)
    assert Kind(envelope.header.kind) is Kind.EPOCH
    assert SENDER.keys.party == "ncsc"
