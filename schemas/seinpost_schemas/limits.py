# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Every limit on size, count and age, with its unit and its reason.

Decoders compare with these before they allocate.
"""

from __future__ import annotations

KIB = 1024

MAX_TITLE_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 20_000
MAX_INDICATORS = 500
MAX_SIGNAL_BYTES = 64 * KIB
"""Sum of a signal's section encodings: one signal can never fill a batch alone."""
MAX_FOREIGN_BYTES = 32 * KIB
"""What a converter could not map; half of a signal at most."""
MAX_SHORT_CHARACTERS = 500
MAX_VALUE_CHARACTERS = 4_000
"""An indicator's value: long enough for the URLs seen in practice."""
MAX_LIST_ITEMS = 200

MAX_BATCH_SIGNALS = 1_024
"""header.count; the tree of a batch is at most ten levels deep."""
BATCH_CLOSE_BYTES = 512 * KIB
"""A batch closes here: two fit under NATS' payload limit with room for padding."""
BATCH_CLOSE_MS = 20
MAX_BODY_BYTES = 960 * KIB
"""Below NATS' max_payload of 1 MiB by more than header, signature and NATS headers."""
MIN_BUCKET_BYTES = 256
"""The smallest padded plaintext; Padmé alone would tell short texts apart."""

MAX_SLOTS = 500
"""Reader keys in one epoch: 500 slots of 1,216 bytes stay under MAX_BODY_BYTES."""
MAX_EPOCH_ENVELOPES = 1 << 16
MAX_LIVE_EPOCHS = 64
"""Per chain, begun within the hour and not ended: a client that was killed leaves some behind."""
MAX_EPOCH_AGE_MS = 3_600_000
"""One hour from admission; bounds what one stolen epoch secret opens."""
DAY_MS = 86_400_000
MAX_EPOCH_END_MS = 31 * DAY_MS
"""An epoch may be ended for so long: a client that was idle ends it late, one that was killed never."""
MAX_UNENDED_EPOCHS = 256
"""Per chain, of any age: with one more the oldest counts as ended, since everyone keeps each."""
PREKEY_AGE_MS = DAY_MS
"""A client states its next KEM key when its newest is this old."""
PREKEY_GRACE_MS = 3_600_000
"""How long epochs may still be sealed to a key after its successor was logged."""
PREKEY_KEPT_MS = 2 * PREKEY_GRACE_MS
"""A private key is destroyed when every log was read to a checkpoint this long after its successor was logged."""
MAX_PREKEYS_A_DAY = 8
"""One a day, and some for machines whose state was lost: each is kept in the directory for good."""
MAX_LOG_ENTRIES = 1 << 32
"""In one log: 500 envelopes a second for a quarter. An index on the wire has 64 bits, which not every store has."""
MAX_RUNS = 4_096
"""Runs in one receipt."""
MAX_SHARES = 700

MAX_REGISTER_BYTES = 512 * KIB
EXPIRY_WARNING_DAYS = 14
"""How long before a register expires clients, brokers and registrars are warned."""
MAX_NOTE_SIGNATURES = 32
MAX_WITNESSES = 15
"""Two lines each, beside the log's own two, fit in a note."""
MAX_PARTIES = 500
MAX_REVOCATIONS = 1_000
MAX_JSON_BYTES = 1024 * KIB
"""One signal as JSON text; escapes can make it larger than its MessagePack form."""

MAX_CHECKPOINTS_PER_SECOND = 4
"""Of one log, by one broker: a burst of appends shares one."""

HOLD_MS = 10_000
"""How long a broker holds an envelope that is ahead of its chain."""
MAX_HELD_ENVELOPES = 64
"""Held per chain; bounds what one sender can make a broker keep."""
FRESH_MS = 60_000
"""A sender stops sealing when the directory's newest timestamp has not risen for this long."""
PARTY_BYTES_PER_SECOND = 64 * 1024 * KIB
"""What one party may have admitted: several times the fastest publisher measured, and a full disk in hours."""
PARTY_WAITING_BYTES = 1024 * 1024 * KIB
"""What may wait for one party's admission before the server refuses more."""
PARTY_CONNECTIONS = 64
"""Per party: far more than its processes need, far less than what would starve the others."""
MAX_CLOCK_SKEW_MS = 900_000
"""Fifteen minutes between the directory's timestamp and this machine's wall clock."""
RECEIPT_INTERVAL_MS = 30_000
NEXT_EXPIRES_SECONDS = 30
"""A pull request's life; above 60 s the account import loses its message."""
