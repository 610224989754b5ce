# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What was sent and is not answered yet: kept on disk, for the answer may come when this process is gone."""

from __future__ import annotations

import msgspec

from seinpost_schemas.answer import BrokerAnswer

from ._sending_state import SendingState, Sent

KEPT_MS = 30 * 24 * 60 * 60 * 1000
"""An envelope that was not answered for so long was lost on its way, or its answer was."""


class Unanswered(msgspec.Struct, frozen=True, kw_only=True):
    """An envelope with signals of ours: everything that ``Sent`` asks for and a broker does not say."""

    object_hash: bytes
    compartment: str
    audience: str
    directory_size: int
    header: bytes
    signature_hash: bytes
    signals: tuple[tuple[bytes, int], ...]
    """(signal id 16, due time in Unix milliseconds), in their order within the envelope."""

    def admitted(self, answer: BrokerAnswer, answered_ms: int) -> Sent | None:
        """What is kept of it once a broker has admitted it; ``None`` when the answer does not say where it is."""
        if answer.verdict != "admitted" or None in (answer.period, answer.index, answer.admitted_ms):
            return None
        return Sent(
            object_hash=self.object_hash,
            compartment=self.compartment,
            period=answer.period or "",
            index=answer.index or 0,
            admitted_ms=answer.admitted_ms or 0,
            answered_ms=answered_ms,
            audience=self.audience,
            directory_size=self.directory_size,
            header=self.header,
            signature_hash=self.signature_hash,
        )


_decode = msgspec.msgpack.Decoder(Unanswered).decode
_encode = msgspec.msgpack.Encoder().encode


def remember(state: SendingState, sent: Unanswered, sent_ms: int) -> None:
    """Before it is sent."""
    state.store_unanswered(sent.object_hash, sent_ms, _encode(sent))


def take_late(state: SendingState, answer: BrokerAnswer, answered_ms: int) -> bool:
    """Keep what a broker says of an envelope that nobody here waits for any more; whether it was one of ours."""
    object_hash = bytes.fromhex(answer.object)
    record = state.unanswered(object_hash)
    if record is None:
        return False
    unanswered = _decode(record)
    sent = unanswered.admitted(answer, answered_ms)
    if sent is None:
        state.forget_unanswered(object_hash)
    else:
        # Not the chain's head: it goes on from what is known, or from what a broker names.
        state.store_sent(sent, unanswered.signals, is_head=False)
    return True


def is_unanswered(state: SendingState, signal_id: bytes) -> bool:
    """Whether a signal is in an envelope that was sent, and that no broker has answered yet."""
    return any(
        signal_id == known for record in state.all_unanswered() for known, _ in _decode(record).signals
    )
