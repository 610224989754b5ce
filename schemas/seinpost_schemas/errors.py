# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Every error that Seinpost raises, by who is at fault.

``SeinpostError`` has four branches: ``RefusedError`` (a rule said no), ``InvalidError`` (the other
side's bytes are wrong), ``UnavailableError`` (network or disk; try again) and ``SetupError`` (this
side's own keys, configuration or register). Our own bugs stay ``RuntimeError`` and ``TypeError``.
Messages never hold a secret, a plaintext or personal data: they end up in logs.
"""

from __future__ import annotations

import enum


class Reason(enum.StrEnum):
    """Why a broker or a library refuses; the closed list of the specification, section 9."""

    MALFORMED = "malformed"
    TOO_LARGE = "too-large"
    SIGNATURE = "signature"
    UNKNOWN_SENDER = "unknown-sender"
    REVOKED = "revoked"
    MANDATE = "mandate"
    PROHIBITED = "prohibited"
    CEILING = "ceiling"
    CLASSIFICATION = "classification"
    AUDIENCE = "audience"
    EPOCH = "epoch"
    REPLAY = "replay"
    GAP = "gap"
    STALE_DIRECTORY = "stale-directory"
    ID_REUSED = "id-reused"
    EXPIRED = "expired"
    REGISTER_EXPIRED = "register-expired"
    QUOTA = "quota"


class SeinpostError(Exception):
    """The root of all errors raised on purpose."""


class RefusedError(SeinpostError):
    """A rule said no.

    ``reason`` is the bounded code, ``basis`` the legal or administrative ground when the register
    names one.
    """

    def __init__(self, reason: Reason, message: str, basis: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.basis = basis

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}" + (f" (basis: {self.basis})" if self.basis else "")


class InvalidError(SeinpostError):
    """Bytes from elsewhere do not hold what they claim; ``code`` is the vector category."""

    code = "invalid"


class MalformedError(InvalidError):
    """Bytes or text that break the format: lengths, encodings, unknown fields."""

    code = "malformed"


class TooLargeError(MalformedError):
    """A length above its limit, found before anything was allocated."""

    code = "too-large"


class SignatureError(InvalidError):
    """A signature, or a hash that a signature covers, does not match."""

    code = "signature"


class BindingError(InvalidError):
    """A valid object in the wrong place: enclave, compartment, sender, epoch, kind or audience."""

    code = "binding"


class CommitmentError(InvalidError):
    """An epoch secret that is not the one its epoch committed to."""

    code = "commitment"


class BadSlotError(InvalidError):
    """A slot that names this reader's key and does not open with it."""

    code = "bad-slot"


class DecryptionError(InvalidError):
    """A sealed part that does not open under the epoch's key."""

    code = "decryption"


class RootError(InvalidError):
    """The signals opened are not the ones that the batch root covers."""

    code = "root"


class ProofError(InvalidError):
    """A Merkle proof that does not lead to its root."""

    code = "proof"


class QuorumError(InvalidError):
    """A checkpoint that too few witnesses cosigned."""

    code = "quorum"


class SplitViewError(InvalidError):
    """Two signed statements about one log that cannot both be true."""

    code = "split-view"


class StateLostError(InvalidError):
    """This identity's own receipts in the log are ahead of what it has on disk."""

    code = "state-lost"


class DisputedRootError(InvalidError):
    """A reader's receipt names another root than what was received; its word, which the log did not sign."""

    code = "disputed-root"


class ChainError(InvalidError):
    """A sender's chain is broken: a gap, a repeat, a fork or a wrong order."""

    code = "chain"


class GapError(ChainError):
    """Something between two entries, or two envelopes of a chain, is missing."""

    code = "gap"


class ReorderedError(ChainError):
    """Entries or envelopes come in another order, or again."""

    code = "reordering"


class ForkError(ChainError):
    """Two envelopes at one place of a sender's chain."""

    code = "fork"


class EpochCutShortError(ChainError):
    """A sender says that its epoch carried more than the log holds."""

    code = "epoch-cut-short"


class IdReusedError(InvalidError):
    """One signal id, two different contents."""

    code = "id-reused"


class UnforeseenError(InvalidError):
    """One entry on which this software fails in a way that nobody foresaw; it is passed over."""

    code = "unforeseen"


class UpdateNeededError(SeinpostError):
    """A kind or schema version newer than this library; not an alarm, but it needs an update."""


class UnavailableError(SeinpostError):
    """Network, server or disk did not answer; nothing is known to be wrong; try again."""


class DiskError(UnavailableError):
    """This machine's own disk did not take what was to be written."""


class StateUnknownError(UnavailableError):
    """A write whose outcome is unknown: stop and reload before anything else."""


class SetupError(SeinpostError):
    """This side's own keys, passphrase, configuration or register cannot be used."""


class UsageError(SetupError):
    """What was asked for cannot be, whatever the keys and the register are: the arguments are wrong."""
