# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The vectors of ``headers.json`` and ``bodies.json``: everything that is read without a key."""

from __future__ import annotations

import struct
from typing import Any

import reference as ref
from opening_cases import NOW_MS, clear_fields, flip, signal_id
from reference import Fields, rand

Vector = dict[str, Any]
SEALED = (2, 6, 7, 8)


def _show(fields: Fields) -> Vector:
    """Header fields as in README.md: bytes in hex, u64 as decimal text."""
    shown: Vector = {}
    for name in ref.FIELDS:
        value = fields[name]
        if name in {"seq", "directory_size", "created_ms"}:
            shown[name] = str(value)
        elif name not in {"magic", "suite"}:
            shown[name] = value.hex() if isinstance(value, bytes) else value
    header = ref.header_bytes(fields)
    shown["object_hash"] = ref.object_hash(header).hex()
    if fields["kind"] in SEALED:
        shown["batch_context"] = ref.sha256(b"seinpost/batch-context/v1", header[:148]).hex()
    return shown


def header_vectors() -> list[Vector]:  # noqa: PLR0915 - a list
    """Every vector of ``headers.json``."""
    vectors: list[Vector] = []
    body = {"body_len": 664, "body_hash": rand("a body hash", 32)}
    clear = clear_fields(1) | body
    sealed = clear_fields(2, epoch_id=rand("an epoch", 16), count=3, batch_root=rand("a root", 32)) | body
    end = clear_fields(3, epoch_id=rand("an epoch", 16)) | body

    def add(name: str, description: str, expect: str, fields: Fields, data: bytes | None = None) -> None:
        header = ref.header_bytes(fields) if data is None else data
        vector = {"name": name, "description": description, "expect": expect, "header": header.hex()}
        if expect == "success":
            vector["fields"] = _show(fields)
        vectors.append(vector)

    for kind in range(1, 10):
        fields = (sealed if kind in SEALED else end if kind == 3 else clear) | {"kind": kind}
        add(f"kind-{kind}", f"A header of kind {kind}.", "success", fields)
    add("first", "The first header of a chain.", "success", clear | {"seq": 1, "prev_hash": bytes(32)})
    largest = dict.fromkeys(("seq", "directory_size", "created_ms"), (1 << 64) - 1)
    add("largest-numbers", "64-bit numbers at their largest.", "success", sealed | largest)
    add("largest-body", "body_len at its limit.", "success", sealed | {"body_len": 983_040})
    add("largest-count", "count at its limit.", "success", sealed | {"count": 1_024})
    add("no-body", "body_len 0.", "success", clear | {"body_len": 0})
    zeros = {"created_ms": 0, "directory_size": 0}
    add("zeros", "Fields that may be zero.", "success", sealed | zeros | {"batch_root": bytes(32)})
    for code in range(5):
        add(f"classification-{code}", f"Classification {code}; refusing 2 to 4 is a matter of rights, not of decoding.",
            "success", sealed | {"classification": code})  # fmt: skip
    for code in range(1, 5):
        add(f"theme-{code}", f"Theme {code}.", "success", sealed | {"theme": code})
    add("kind-10", "A kind of a later version.", "success", clear | {"kind": 10})
    add(
        "kind-255",
        "A later kind may have any shape.",
        "success",
        sealed | {"kind": 255, "epoch_id": bytes(16)},
    )

    good = ref.header_bytes(sealed)
    add("empty", "No byte.", "malformed", sealed, b"")
    add("short", "183 bytes.", "malformed", sealed, good[:-1])
    add("long", "185 bytes.", "malformed", sealed, good + b"\0")
    add("magic", "The magic of another version.", "malformed", sealed | {"magic": b"SPO2"})
    add("magic-case", "The magic in lower case.", "malformed", sealed | {"magic": b"spo1"})
    add("kind-0", "Kind 0.", "malformed", clear | {"kind": 0})
    for suite in (0, 2, 255):
        add(f"suite-{suite}", "A suite other than 1.", "malformed", sealed | {"suite": suite})
    for code in (5, 255):
        add(
            f"classification-{code}",
            "An unknown classification.",
            "malformed",
            sealed | {"classification": code},
        )
    for code in (0, 5, 255):
        add(f"theme-{code}", "An unknown theme.", "malformed", sealed | {"theme": code})
    add("seq-0", "A seq starts at 1.", "malformed", sealed | {"seq": 0})
    add("later-kind-seq-0", "A later kind is held to the rules that are not of a kind.", "malformed",
        clear | {"kind": 10, "seq": 0})  # fmt: skip
    add("body-len-over", "body_len above 983,040.", "too-large", sealed | {"body_len": 983_041})
    add("body-len-max", "body_len at the largest u32.", "too-large", sealed | {"body_len": (1 << 32) - 1})
    add("count-over", "1,025 signals.", "too-large", sealed | {"count": 1_025})
    add("count-max", "count at the largest u32.", "too-large", sealed | {"count": (1 << 32) - 1})
    add("later-kind-count-over", "The limits hold for a later kind too.", "too-large",
        clear | {"kind": 10, "count": 1_025})  # fmt: skip
    for kind in SEALED:
        add(
            f"kind-{kind}-count-0",
            "A sealed kind without a signal.",
            "malformed",
            sealed | {"kind": kind, "count": 0},
        )
        add(f"kind-{kind}-no-epoch", "A sealed kind without an epoch.", "malformed",
            sealed | {"kind": kind, "epoch_id": bytes(16)})  # fmt: skip
    for kind in (1, 3, 4, 5, 9):
        fields = (end if kind == 3 else clear) | {"kind": kind}
        add(f"kind-{kind}-count", "A clear kind with a count.", "malformed", fields | {"count": 1})
        add(f"kind-{kind}-root", "A clear kind with a batch_root.", "malformed",
            fields | {"batch_root": flip(bytes(32), 31)})  # fmt: skip
        other = bytes(16) if kind == 3 else rand("an epoch", 16)
        text = (
            "An end of epoch without an epoch." if kind == 3 else "A clear kind other than 3 with an epoch."
        )
        add(f"kind-{kind}-epoch", text, "malformed", fields | {"epoch_id": other})
    return vectors


RUN: Fields = {
    "period": "2026q4",
    "first_leaf": 0,
    "last_leaf": 0,
    "first_signal": 0,
    "last_signal": 0,
    "state": 1,
}


def _text8(period: str | bytes) -> bytes:
    raw = period.encode() if isinstance(period, str) else period
    return raw.ljust(8, b"\0")


def _run(run: Fields) -> bytes:
    numbers = (run["first_leaf"], run["last_leaf"], run["first_signal"], run["last_signal"], run["state"])
    return _text8(run["period"]) + struct.pack(">QQHHB", *numbers)


def body_vectors() -> list[Vector]:
    """Every vector of ``bodies.json``."""
    vectors: list[Vector] = []

    def add(kind: int, name: str, description: str, body: bytes, fields: Vector | None = None,
            expect: str = "malformed") -> None:  # fmt: skip
        """A body; with ``fields`` it is a success."""
        vector = {
            "name": name,
            "description": description,
            "expect": expect if fields is None else "success",
            "kind": kind,
            "body": body.hex(),
        }
        if fields is not None:
            vector["fields"] = fields
        vectors.append(vector)

    _epochs(add)
    _ends(add)
    _receipts(add)
    _recalls(add)
    _shares(add)
    return vectors


def _epochs(add: Any) -> None:
    commitments = (rand("commitment", 32), rand("protected commitment", 32))
    slots = sorted((rand(f"key id {i}", 16), rand(f"wrapped {i}", 1_200)) for i in range(2))

    def shown(audience: int, reply_to: bytes, used: list[tuple[bytes, bytes]]) -> Vector:
        return {
            "audience": audience,
            "reply_to": reply_to.hex(),
            "commitment": commitments[0].hex(),
            "protected_commitment": commitments[1].hex(),
            "slots": [{"kem_key_id": key_id.hex(), "wrapped": wrapped.hex()} for key_id, wrapped in used],
        }

    zero, answered = bytes(16), rand("answered", 16)
    good = ref.epoch_body(1, zero, commitments, slots)
    add(1, "epoch", "An epoch of two slots.", good, shown(1, zero, slots))
    add(1, "epoch-reply", "An epoch of one slot that answers another.",
        ref.epoch_body(255, answered, commitments, slots[:1]), shown(255, answered, slots[:1]))  # fmt: skip
    add(
        1,
        "epoch-no-slots",
        "An epoch without a slot.",
        ref.epoch_body(1, zero, commitments, []),
        shown(1, zero, []),
    )
    add(1, "epoch-empty", "No byte.", b"")
    add(1, "epoch-short", "Shorter than the fixed part.", good[:82])
    add(1, "epoch-audience-0", "Audience code 0.", b"\0" + good[1:])
    add(1, "epoch-truncated", "The last slot lacks a byte.", good[:-1])
    add(1, "epoch-extended", "A byte follows the last slot.", good + b"\0")
    add(1, "epoch-count-low", "The count leaves a slot out.", ref.epoch_body(1, zero, commitments, slots, 1))
    add(
        1,
        "epoch-count-high",
        "The count names a slot too many.",
        ref.epoch_body(1, zero, commitments, slots, 3),
    )
    add(1, "epoch-unsorted", "The slots fall.", ref.epoch_body(1, zero, commitments, slots[::-1]))
    twice = [slots[0], (slots[0][0], slots[1][1])]
    add(1, "epoch-duplicate", "Two slots for one key.", ref.epoch_body(1, zero, commitments, twice))
    add(1, "epoch-too-large", "The count is 501; the limit is looked at before the length.",
        ref.epoch_body(1, zero, commitments, [], 501), expect="too-large")  # fmt: skip


def _ends(add: Any) -> None:
    for envelopes, last_seq, name in (
        (0, 0, "none"),
        (3, 9, "some"),
        ((1 << 32) - 1, (1 << 64) - 1, "largest"),
    ):
        body = struct.pack(">IQ", envelopes, last_seq)
        fields = {"envelopes": envelopes, "last_seq": str(last_seq)}
        add(3, f"end-{name}", f"{envelopes} envelopes.", body, fields)
    add(3, "end-empty", "No byte.", b"")
    add(3, "end-short", "11 bytes.", struct.pack(">IQ", 3, 9)[:-1])
    add(3, "end-long", "13 bytes.", struct.pack(">IQ", 3, 9) + b"\0")
    add(3, "end-none-with-seq", "No envelope and yet a last one.", struct.pack(">IQ", 0, 9))
    add(3, "end-some-without-seq", "Envelopes and no last one.", struct.pack(">IQ", 3, 0))


def _receipts(add: Any) -> None:
    root = rand("a log root", 32)

    def body(
        runs: list[Fields], *, period: str | bytes = "2026q4", size: int = 12, count: int | None = None
    ) -> bytes:
        number = len(runs) if count is None else count
        return (
            _text8(period)
            + struct.pack(">Q", size)
            + root
            + struct.pack(">H", number)
            + b"".join(map(_run, runs))
        )

    def shown(runs: list[Fields], period: str = "2026q4", size: int = 12) -> Vector:
        leaves = ("first_leaf", "last_leaf")
        return {
            "period": period,
            "tree_size": str(size),
            "root_hash": root.hex(),
            "runs": [{k: str(v) if k in leaves else v for k, v in run.items()} for run in runs],
        }

    for state in range(1, 5):
        runs = [RUN | {"state": state}]
        add(4, f"receipt-state-{state}", f"A run of one signal in state {state}.", body(runs), shown(runs))
    runs = [
        RUN | {"last_leaf": 4, "first_signal": 7, "last_signal": 2, "state": 2},
        RUN | {"first_leaf": 5, "last_leaf": 5, "last_signal": 65_535, "state": 3},
        RUN | {"period": "2027q1", "last_leaf": (1 << 64) - 1, "state": 4},
    ]
    largest = (1 << 64) - 1
    add(4, "receipt-runs", "Three runs over two periods; a later leaf may end at an earlier signal.",
        body(runs, size=largest), shown(runs, size=largest))  # fmt: skip
    good = body([RUN])
    add(4, "receipt-empty", "No byte.", b"")
    add(4, "receipt-short", "Shorter than the fixed part.", good[:49])
    add(4, "receipt-no-runs", "No run.", body([]))
    add(4, "receipt-truncated", "The run lacks a byte.", good[:-1])
    add(4, "receipt-extended", "A byte follows the run.", good + b"\0")
    add(4, "receipt-count-low", "The count leaves a run out.", body([RUN, RUN | {"state": 2}], count=1))
    add(4, "receipt-count-high", "The count names a run too many.", body([RUN], count=2))
    for state in (0, 5, 255):
        add(4, f"receipt-state-{state}", "An unknown state.", body([RUN | {"state": state}]))
    add(4, "receipt-leaves-fall", "A run's last leaf is before its first.", body([RUN | {"first_leaf": 1}]))
    add(4, "receipt-signals-fall", "Within one leaf the last signal is before the first.",
        body([RUN | {"first_signal": 1}]))  # fmt: skip
    one, rest = RUN | {"last_leaf": 4, "last_signal": 2}, RUN | {"first_leaf": 4, "last_leaf": 9}
    for name, text, pair in (
        ("states-rise", "The same place in two states.", [one, one | {"state": 2}]),
        ("periods-rise", "The same place in two periods, the states falling.",
         [one | {"period": "2026", "state": 2}, one]),
        ("goes-on", "The second begins at the signal after the one at which the first ends.",
         [one, rest | {"first_signal": 3}]),
    ):  # fmt: skip
        add(4, f"receipt-{name}", text, body(pair), shown(pair))
    for name, text, pair in (
        ("twice", "One run twice.", [one, one]),
        ("overlap", "Two runs of one state share one signal.", [one, rest | {"first_signal": 2}]),
        ("inside", "The second lies within the first.", [one, RUN | {"first_leaf": 2, "last_leaf": 3}]),
        ("fall", "The second lies before the first.", [rest, RUN]),
        ("states-fall", "The states fall.", [one | {"state": 2}, rest | {"first_signal": 3}]),
        ("periods-fall", "The periods fall.", [one, rest | {"period": "2026", "first_signal": 3}]),
    ):
        add(4, f"receipt-{name}", text, body(pair))
    periods = {
        "zero": b"",
        "text": b"someday!",
        "leading-zero-byte": b"\x002026q4",
        "inner-zero-byte": b"2026\x00q4",
        "beyond-ascii": "2026q\u00b9".encode(),
        "space": b"2026q4 ",
        "newline": b"2026q4\n",
        "upper-case": b"2026Q4",
    }
    for name, raw in periods.items():
        add(4, f"receipt-period-{name}", "A period that is not one.", body([RUN], period=raw))
        add(4, f"receipt-run-period-{name}", "The same in a run.", body([RUN | {"period": raw}]))
    add(4, "receipt-too-large", "The count is 4,097; the limit is looked at before the length.",
        body([], count=4_097), expect="too-large")  # fmt: skip


def _recalls(add: Any) -> None:
    recalled = signal_id("recalled")

    def body(*, period: bytes = b"2026q4", index: int = 11, id_: bytes = recalled, reason: int = 1) -> bytes:
        return rand("an object", 32) + _text8(period) + struct.pack(">Q", index) + id_ + bytes((reason,))

    def shown(index: int, reason: int) -> Vector:
        return {
            "object_hash": rand("an object", 32).hex(),
            "period": "2026q4",
            "leaf_index": str(index),
            "signal_id": recalled.hex(),
            "reason": reason,
        }

    for reason in range(1, 7):
        add(5, f"recall-reason-{reason}", f"Reason {reason}.", body(reason=reason), shown(11, reason))
    largest = (1 << 64) - 1
    add(5, "recall-largest-index", "The largest leaf index.", body(index=largest), shown(largest, 1))
    for reason in (0, 7, 255):
        add(5, f"recall-reason-{reason}", "An unknown reason.", body(reason=reason))
    add(5, "recall-empty", "No byte.", b"")
    add(5, "recall-short", "64 bytes.", body()[:-1])
    add(5, "recall-long", "66 bytes.", body() + b"\0")
    add(5, "recall-period", "A period that is not one.", body(period=b"someday!"))
    add(5, "recall-id-version", "The id is a UUIDv4.", body(id_=flip(recalled, 6, 0x30)))
    add(5, "recall-id-zero", "The id is zero.", body(id_=bytes(16)))
    add(5, "recall-created", "A time where the body must be.", struct.pack(">Q", NOW_MS))


def _shares(add: Any) -> None:
    epoch_a, epoch_b = sorted((rand("epoch a", 16), rand("epoch b", 16)))
    key_a, key_b = sorted((rand("key id 0", 16), rand("key id 1", 16)))
    slots = [
        (epoch_a, key_b, rand("shared 0", 1_200)),
        (epoch_b, key_a, rand("shared 1", 1_200)),
        (epoch_b, key_b, rand("shared 2", 1_200)),
    ]

    def body(used: list[tuple[bytes, bytes, bytes]], count: int | None = None) -> bytes:
        return struct.pack(">H", len(used) if count is None else count) + b"".join(map(b"".join, used))

    def shown(used: list[tuple[bytes, bytes, bytes]]) -> Vector:
        return {
            "slots": [{"epoch_id": e.hex(), "kem_key_id": k.hex(), "wrapped": w.hex()} for e, k, w in used]
        }

    add(9, "share-one", "One slot.", body(slots[:1]), shown(slots[:1]))
    add(9, "share-three", "Two epochs, two keys.", body(slots), shown(slots))
    add(9, "share-empty", "No byte.", b"")
    add(9, "share-one-byte", "Half a count.", b"\0")
    add(9, "share-no-slots", "No slot.", body([]))
    add(9, "share-truncated", "The last slot lacks a byte.", body(slots)[:-1])
    add(9, "share-extended", "A byte follows the last slot.", body(slots) + b"\0")
    add(9, "share-count-low", "The count leaves a slot out.", body(slots, 2))
    add(9, "share-count-high", "The count names a slot too many.", body(slots[:1], 2))
    add(9, "share-epochs-fall", "The epochs fall.", body([slots[1], slots[0]]))
    add(9, "share-keys-fall", "Within one epoch the keys fall.", body([slots[2], slots[1]]))
    add(9, "share-duplicate", "One slot twice.", body([slots[0], slots[0]]))
    add(9, "share-too-large", "The count is 701; the limit is looked at before the length.", body([], 701),
        expect="too-large")  # fmt: skip
