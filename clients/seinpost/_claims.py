# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What a broker admitted of ours, until it is proven to be in the log; an alarm when the proof does not come."""

from __future__ import annotations

from collections.abc import Callable

from seinpost_schemas.checkpoint import LogPublicKeys, verify_checkpoint
from seinpost_schemas.compartment import Compartment
from seinpost_schemas.directory import log_keys_of
from seinpost_schemas.entry import Entry
from seinpost_schemas.errors import BindingError, InvalidError
from seinpost_schemas.inclusion import Inclusion, Inclusions
from seinpost_schemas.limits import FRESH_MS
from seinpost_schemas.merkle import leaf_hash, verify_inclusion
from seinpost_schemas.note import parse_note
from seinpost_schemas.quorum import verify_witnessed
from seinpost_schemas.register import Register
from seinpost_schemas.subjects import log_origin

from ._sending_state import SendingState, Sent
from .delivery import Alarm


class Claims:
    """Holds brokers to their word. ``on_proven`` is called with the object hashes that are proven."""

    def __init__(
        self,
        state: SendingState,
        register: Callable[[], Register],
        on_alarm: Callable[[Alarm], None],
        on_proven: Callable[[list[bytes]], None],
    ) -> None:
        self._state = state
        self._register = register
        self._on_alarm = on_alarm
        self._on_proven = on_proven

    def take(self, answer: Inclusions) -> None:
        """Verify a broker's proofs and keep them; what does not verify is an alarm, and proves nothing."""
        try:
            self._take(answer)
        except InvalidError as error:
            self._on_alarm(
                Alarm(
                    code=error.code,
                    message=f"a broker's proof of what it admitted: {error}",
                    compartment=answer.compartment,
                    evidence=answer.note.encode(),
                )
            )

    def _take(self, answer: Inclusions) -> None:
        register = self._register()
        compartment = Compartment.parse(answer.compartment)
        origin = log_origin(register.enclave, answer.period, compartment)
        note = answer.note.encode()
        checkpoint, _ = verify_checkpoint(note, origin, LogPublicKeys(*log_keys_of(register)))
        if register.quorum:
            verify_witnessed(register, parse_note(note), checkpoint)
        proven: list[tuple[bytes, bytes]] = []
        for item in answer.items:
            sent = self._state.find_sent(bytes.fromhex(item.object))
            if sent is None:
                # Proven before, or not one whose proof is kept.
                continue
            _verify_same(sent, item, answer)
            entry = Entry(item.admitted_ms, item.directory_size, sent.header, sent.signature_hash)
            hashes = item.hashes()
            verify_inclusion(
                leaf_hash(entry.encode()), item.index, checkpoint.tree_size, hashes, checkpoint.root_hash
            )
            proven.append((sent.object_hash, b"".join(hashes)))
        if proven:
            self._state.store_proofs(origin, checkpoint.tree_size, note, proven)
            self._on_proven([object_hash for object_hash, _ in proven])

    def look_at_clock(self, now_ms: int) -> None:
        """Raise the alarm for what was admitted a minute ago and is not proven; once for each."""
        late = self._state.take_unproven(now_ms - FRESH_MS)
        for compartment in sorted({sent.compartment for sent in late}):
            theirs = [sent for sent in late if sent.compartment == compartment]
            self._on_alarm(
                Alarm(
                    code="unproven",
                    message=f"{len(theirs)} envelopes were admitted 60 s ago, and no proof has come that they are in "
                    "the log",
                    compartment=compartment,
                    index=theirs[0].index,
                )
            )


def _verify_same(sent: Sent, item: Inclusion, answer: Inclusions) -> None:
    promised = (sent.compartment, sent.period, sent.index, sent.admitted_ms)
    if promised != (answer.compartment, answer.period, item.index, item.admitted_ms):
        raise BindingError("an envelope is not where, or not when, the broker said that it was admitted")
