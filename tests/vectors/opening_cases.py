# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The vectors of ``opening.json``: an epoch and an envelope, and what a reader must make of them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import reference as ref
from reference import Epoch, Fields, Pairs, Raw, Sig, Time, msgpack, rand

Vector = dict[str, Any]
NOW_MS = 1_790_000_000_000
LATER = Time(1_793_145_600)

ENCLAVE = rand("enclave", 16)
SENDER = ref.Signer(rand("sender", 64))
ATTACKER = ref.Signer(rand("attacker", 64))
READER = ref.Reader(rand("reader with read-protected", 96))
PLAIN_READER = ref.Reader(rand("reader without read-protected", 96))


def signal_id(label: str) -> bytes:
    """A UUIDv7 of the label."""
    raw = bytearray(NOW_MS.to_bytes(6, "big") + rand("id " + label, 10))
    raw[6] = 0x70 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return bytes(raw)


def text_id(raw: bytes) -> str:
    """8-4-4-4-12."""
    text = raw.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


# --- Building ---------------------------------------------------------------------------------------


def clear_fields(kind: int, **changes: Any) -> Fields:
    """The header of a clear kind, without body fields."""
    fields: Fields = {
        "magic": b"SPO1",
        "kind": kind,
        "suite": 1,
        "classification": 1,
        "theme": 2,
        "enclave_id": ENCLAVE,
        "sender_id": SENDER.sender_id,
        "epoch_id": bytes(16),
        "seq": 7,
        "prev_hash": rand("previous header", 32),
        "directory_size": 42,
        "created_ms": NOW_MS,
        "count": 0,
        "batch_root": bytes(32),
    }
    return fields | changes


def assemble(
    fields: Fields,
    body: bytes,
    signer: ref.Signer,
    *,
    context: bytes | None = None,
    mldsa: bytes | None = None,
) -> bytes:
    """A signed envelope; ``fields`` may hold wrong body fields already."""
    header = ref.header_bytes(ref.body_fields(body) | fields)
    context = ref.kind_context(fields["kind"]) if context is None else context
    signature = (
        signer.sign(header, context) if mldsa is None else signer.sign(header, context, mldsa_context=mldsa)
    )
    return header + signature + body


Slots = list[tuple[bytes, bytes]]


def make_epoch(
    label: str,
    readers: Sequence[tuple[ref.Reader, bool]] = ((READER, True),),
    *,
    signer: ref.Signer = SENDER,
    header: Fields | None = None,
    info: Fields | None = None,
    audience: int = 1,
    reply_to: bytes = bytes(16),
    given: tuple[bytes | None, bytes | None] = (None, None),
    committed: tuple[bytes | None, bytes | None] = (None, None),
    edit_slots: Callable[[Slots], Slots] = lambda slots: slots,
    slot_plaintext: Callable[[bytes], bytes] = lambda plaintext: plaintext,
    edit_body: Callable[[bytes], bytes] = lambda body: body,
    count: int | None = None,
) -> Epoch:
    """An epoch.

    ``given`` replaces the secrets in the slots, ``committed`` the commitments, ``info`` the header fields
    that the slots are bound to.
    """
    secret, protected = rand(label + " secret", 32), rand(label + " protected secret", 32)
    fields = clear_fields(1, sender_id=signer.sender_id) | (header or {})
    commitments = (
        committed[0] or ref.commitment_of(secret),
        committed[1] or ref.protected_commitment_of(protected),
    )
    slots: Slots = []
    for number, (reader, read_protected) in enumerate(sorted(readers, key=lambda r: r[0].kem_key_id)):
        second = (given[1] or protected) if read_protected else rand(f"{label} filler {number}", 32)
        bound = ref.slot_info(fields | (info or {}), *commitments, reader.kem_key_id)
        plaintext = slot_plaintext((given[0] or secret) + second)
        wrapped = ref.hpke_seal(reader.public, bound, plaintext, rand(f"{label} slot {number}", 64))
        slots.append((reader.kem_key_id, wrapped))
    body = edit_body(ref.epoch_body(audience, reply_to, commitments, edit_slots(slots), count))
    envelope = assemble(fields, body, signer)
    epoch_id = ref.object_hash(envelope[:184])[:16]
    return Epoch(envelope, epoch_id, secret, protected, fields, signer)


def seal(
    label: str,
    epoch: Epoch,
    batch: ref.Batch,
    *,
    kind: int = 2,
    signer: ref.Signer | None = None,
    header: Fields | None = None,
    resigned: Fields | None = None,
    main: bytes | None = None,
    protected: bytes | None = None,
    secret: bytes | None = None,
    protected_secret: bytes | None = None,
    seal_main: ref.Sealer = ref.seal_part,
    seal_protected: ref.Sealer = ref.seal_part,
    edit_body: Callable[[bytes], bytes] = lambda body: body,
    context: bytes | None = None,
    mldsa: bytes | None = None,
) -> bytes:
    """An envelope of a batch.

    ``header`` changes fields before sealing, so that the body is bound to them; ``resigned`` changes them
    afterwards, under a fresh and valid signature. ``main`` and ``protected`` replace the parts' content.
    """
    signer = signer or epoch.signer
    fields = {
        **epoch.fields,
        "kind": kind,
        "seq": epoch.fields["seq"] + 1,
        "prev_hash": ref.object_hash(epoch.envelope[:184]),
        "epoch_id": epoch.epoch_id,
        "created_ms": NOW_MS + 250,
        "count": len(batch.signals),
        "batch_root": batch.root,
        **(header or {}),
    }
    bound = ref.header_bytes(fields | ref.body_fields(b""))[:148]
    batch_context = ref.sha256(b"seinpost/batch-context/v1", bound)
    parts = []
    for name, content, part_secret, sealer in (
        ("main", msgpack(batch.main) if main is None else main, secret or epoch.secret, seal_main),
        (
            "protected",
            msgpack(batch.protected) if protected is None and batch.protected else protected,
            protected_secret or epoch.protected,
            seal_protected,
        ),
    ):
        key = ref.part_key(name, part_secret, fields["epoch_id"], fields["seq"])
        salt = rand(f"{label} {name} salt", 24)
        parts.append(b"" if content is None else sealer(key, batch_context, content, salt))
    body = edit_body(ref.join(parts[0], parts[1]))
    return assemble(fields | (resigned or {}), body, signer, context=context, mldsa=mldsa)


# --- Signals ----------------------------------------------------------------------------------------

HANDLING: dict[str, Any] = {
    "schema": 1,
    "signal_type": "incident",
    "valid_until": LATER,
    "tlp": "amber",
}
REPORT: dict[str, Any] = {"title": "Polling place closed", "text": "A message says that it moved."}
INDICATOR: dict[str, Any] = {"type": "domain-name", "value": "stembureau.example"}
PROTECTED: dict[str, Any] = {"source_description": "A volunteer at the desk."}
ACT_HANDLING: dict[str, Any] = {"schema": 1, "refers_to": [text_id(signal_id("referred"))]}
ACT_REPORT: dict[str, Any] = {"act": "acknowledged"}


def signal(
    label: str,
    handling: Any = HANDLING,
    report: Any = REPORT,
    indicators: Any = None,
    protected: Any = None,
) -> Sig:
    """A signal; sections 1 to 3 get their schema number, ``Raw`` values and lists stand as they are."""
    versioned = [
        s if s is None or isinstance(s, Raw) else msgpack([1, s]) for s in (report, indicators, protected)
    ]
    first = None if handling is None else msgpack(handling)
    sections = (first, *(None if s is None else bytes(s) for s in versioned))
    return Sig(signal_id(label), sections)  # type: ignore[arg-type]


def versioned(schema: Any, content: Any) -> Raw:
    """A section 1 to 3 with another schema."""
    return Raw(msgpack([schema, content]))


class Cases:
    """The list of vectors, and the shortest way to add one."""

    def __init__(self) -> None:
        self.vectors: list[Vector] = []
        self.epoch = make_epoch("epoch")
        self.pair = make_epoch("epoch of two readers", ((READER, True), (PLAIN_READER, False)))
        self.plain = signal("plain")

    def add(
        self,
        name: str,
        description: str,
        expect: str,
        envelope: bytes,
        epoch: Epoch | None = None,
        *,
        reader: ref.Reader = READER,
        read_protected: bool = True,
        batch: ref.Batch | None = None,
    ) -> None:
        """One vector; ``batch`` is what a success shows."""
        epoch = epoch or self.epoch
        vector: Vector = {
            "name": name,
            "description": description,
            "expect": expect,
            "enclave_id": ENCLAVE.hex(),
            "sender_public_key": SENDER.public.hex(),
            "kem_seed": reader.seed.hex(),
            "read_protected": read_protected,
            "epoch_envelope": epoch.envelope.hex(),
            "envelope": envelope.hex(),
        }
        if expect == "success":
            if batch is None:
                raise ValueError(f"{name}: a success shows its batch")
            vector |= {
                "epoch_id": epoch.epoch_id.hex(),
                "secret": epoch.secret.hex(),
                "protected_secret": epoch.protected.hex() if read_protected else None,
                "signals": [
                    {
                        "id": text_id(s.id),
                        "sections": [
                            None if section is None or (j == 3 and not read_protected) else section.hex()
                            for j, section in enumerate(s.sections)
                        ],
                    }
                    for s in batch.signals
                ],
                "leaves": [leaf.hex() for leaf in batch.leaves],
            }
        self.vectors.append(vector)

    def batch(self, label: str, *signals: Sig, epoch: Epoch | None = None, **options: Any) -> ref.Batch:
        """The batch of signals under an epoch."""
        epoch = epoch or self.epoch
        return ref.make_batch(
            label, signals or (self.plain,), epoch.signer.sender_id, epoch.epoch_id, **options
        )

    def section(self, name: str, description: str, expect: str, made: Sig, *, kind: int = 2) -> None:
        """A vector about one signal's sections, honest in everything else."""
        batch = self.batch(name, made)
        self.add(name, description, expect, seal(name, self.epoch, batch, kind=kind), batch=batch)

    def parts(
        self, name: str, description: str, expect: str, edit: Callable[[ref.Batch], None], *signals: Sig
    ) -> None:
        """A vector about the rows of the parts; the root stays that of the honest signals."""
        batch = self.batch(name, *signals)
        edit(batch)
        self.add(name, description, expect, seal(name, self.epoch, batch))


# --- What opens -------------------------------------------------------------------------------------


def add_valid(cases: Cases) -> None:
    """Vectors that open."""
    one = cases.batch("one signal")
    cases.add("one-signal", "The smallest batch.", "success", seal("one signal", cases.epoch, one), batch=one)

    three = cases.batch(
        "three signals",
        signal("three a"),
        signal("three b", indicators=[INDICATOR, {"type": "ipv6-addr", "value": "2001:db8::1"}]),
        signal("three c", handling=HANDLING | {"signal_type": "alert"}),
    )
    cases.add(
        "three-signals",
        "A tree of an odd number of leaves; one signal has indicators.",
        "success",
        seal("three signals", cases.epoch, three),
        batch=three,
    )

    five = cases.batch(
        "five signals",
        signal("five a"),
        signal("five b", protected=PROTECTED),
        signal("five c", indicators=[INDICATOR]),
        signal("five d", indicators=[INDICATOR], protected={}),
        signal("five e"),
        epoch=cases.pair,
    )
    envelope = seal("five signals", cases.pair, five)
    cases.add(
        "five-signals-protected",
        "Two of five signals have a protected section, one of them an empty map; the reader may read it.",
        "success",
        envelope,
        cases.pair,
        batch=five,
    )
    cases.add(
        "five-signals-without-protected",
        "The same envelope for a reader without read-protected, who takes each d3 from the main part.",
        "success",
        envelope,
        cases.pair,
        reader=PLAIN_READER,
        read_protected=False,
        batch=five,
    )
    wrong = make_epoch(
        "epoch with wrong protected commitment",
        ((PLAIN_READER, False),),
        committed=(None, rand("no protected secret", 32)),
    )
    batch = cases.batch("unread protected commitment", epoch=wrong)
    cases.add(
        "protected-commitment-unread",
        "The protected commitment covers nothing; a reader without read-protected does not look at it.",
        "success",
        seal("unread protected commitment", wrong, batch),
        wrong,
        reader=PLAIN_READER,
        read_protected=False,
        batch=batch,
    )

    cases.section("text-beyond-ascii", "UTF-8 of one to four bytes, combining marks, right to left, NUL.", "success",
        signal("text", report={
            "title": "Verkiezing – één €uro 🗳️", "text": "e\u0301\u00e9 \u202eabc\u202c שלום 投票 \U0001f1f3\U0001f1f1 \x00 end",  # noqa: E501
        }))  # fmt: skip
    cases.section("title-of-200-emoji", "Characters are code points: 200 of four bytes are a full title.", "success",
        signal("emoji", report=REPORT | {"title": "\U0001f5f3" * 200}))  # fmt: skip
    cases.section(
        "all-fields", "Every field of every section, none at its default.", "success", _full("full")
    )
    cases.section("times", "The three timestamp forms and their edges.", "success", signal("times",
        handling=HANDLING | {"valid_until": Time((1 << 32) - 1)},
        report=REPORT | {"observed_from": Time(-1, 999_999_000), "observed_until": Time(1 << 32)},
        indicators=[
            INDICATOR | {"first_seen": Time(0), "last_seen": Time(1, 1_000)},
            INDICATOR | {"first_seen": Time((1 << 34) - 1, 999_999_000), "last_seen": Time(1 << 34)},
        ]))  # fmt: skip
    cases.section("act-feedback", "Kind 6, with every field of an act.", "success", signal("act",
        handling=ACT_HANDLING | {"exercise": True},
        report={"act": "taken-down", "text": "Gezien", "official": "A-0042", "status": "done"}), kind=6)  # fmt: skip
    cases.section("act-release", "Kind 7, the smallest act.", "success",
        signal("act", handling=ACT_HANDLING, report=ACT_REPORT), kind=7)  # fmt: skip
    cases.section("act-table", "Kind 8, the smallest act.", "success",
        signal("act", handling=ACT_HANDLING, report=ACT_REPORT), kind=8)  # fmt: skip
    cases.section("act-assign", "Kind 8, a signal given to an official of the own table.", "success",
        signal("act", handling=ACT_HANDLING,
        report={"act": "assign", "official": "A-0042", "assignee": "A-0043"}), kind=8)  # fmt: skip
    cases.section("newer-schema-not", "Indicators at their limit of 500.", "success",
        signal("many", indicators=[{"type": "url", "value": "x"}] * 500))  # fmt: skip
    cases.vectors[-1]["name"] = "indicators-500"

    text = "x" * 16_000
    padded = cases.batch("whole chunk", signal("whole chunk", report=REPORT | {"text": text}))
    content = msgpack(padded.main)
    if len(ref.pad(content)) != ref.CHUNK:
        raise ValueError("the padded plaintext is not one whole chunk")
    cases.add(
        "whole-chunk",
        "The padded plaintext has exactly 16,384 bytes: Cobblestone ends with an empty chunk.",
        "success",
        seal("whole chunk", cases.epoch, padded),
        batch=padded,
    )
    two = cases.batch(
        "two chunks", signal("two chunks", report=REPORT | {"text": text, "narrative": "y" * 1_500})
    )
    cases.add(
        "two-chunks",
        "The plaintext ends in a second, shorter chunk.",
        "success",
        seal("two chunks", cases.epoch, two),
        batch=two,
    )
    maximum = {"classification": 0, "theme": 4, "seq": (1 << 64) - 2, "directory_size": (1 << 64) - 1,
               "created_ms": (1 << 64) - 1}  # fmt: skip
    edge = make_epoch("epoch at the edge", header=maximum, audience=255, reply_to=rand("answered", 16))
    batch = cases.batch("edge", epoch=edge)
    cases.add(
        "largest-numbers",
        "64-bit numbers at their largest, another compartment, an epoch that answers another.",
        "success",
        seal("edge", edge, batch),
        edge,
        batch=batch,
    )


def _full(label: str) -> Sig:
    other = text_id(signal_id("other"))
    return signal(
        label,
        handling=HANDLING
        | {
            "tlp": "amber+strict",
            "classified_until": "2027-03-31",
            "pap": "red",
            "severity": 5,
            "urgency": "immediate",
            "exercise": True,
            "originator_consent": True,
            "legal_basis": "Kieswet",
            "personal_data": "special",
            "refers_to": [other],
            "supersedes": [other, text_id(signal_id("older"))],
            "election": "TK2025",
        },
        report=REPORT
        | {
            "language": "nl-NL",
            "observed_from": Time(1_789_900_000),
            "observed_until": Time(1_789_990_000, 123_456_000),
            "source_reliability": "B",
            "information_credibility": 2,
            "likelihood": "likely",
            "techniques": ["disarm:T0049", "disarm:T0086.002", "attack:T1566"],
            "narrative": "The vote was moved.",
            "channels": ["short message"],
            "targets": ["voters"],
            "regions": ["Utrecht"],
            "attribution": "unknown",
            "attributed_by": "a platform",
            "action_requested": "Warn.",
            "evidence": [
                {"sha256": "ab" * 32, "archive_url": "https://archive.example/1"},
                {"sha256": "00" * 32},
            ],
            "external_references": [{"system": "misp", "id": "17", "url": "https://misp.example/17"}],
            "foreign": {"media_type": "application/stix+json;version=2.1", "data": bytes(range(256))},
        },
        indicators=[
            INDICATOR
            | {"role": "lure", "first_seen": Time(1_789_900_000), "last_seen": Time(1_789_900_001, 1_000)}
        ],
        protected={
            "source_description": "A volunteer.",
            "personal_data": [{"type": "account", "value": "@example", "role": "sender"}],
            "contact": "desk@example.org",
        },
    )


# --- Signatures and bindings ------------------------------------------------------------------------

MLDSA_BYTES = 3309
SIGNATURE = slice(184, 184 + 3373)


def with_signature(envelope: bytes, signature: bytes) -> bytes:
    """The envelope with another signature."""
    return envelope[:184] + signature + envelope[SIGNATURE.stop :]


def flip(data: bytes, at: int, mask: int = 1) -> bytes:
    """One byte changed."""
    changed = bytearray(data)
    changed[at] ^= mask
    return bytes(changed)


def bad_signatures(good: bytes, other: bytes, kind: int) -> Iterator[tuple[str, str, bytes]]:
    """(name, description, envelope) for every way to break the signature of ``good``."""
    header, signature = good[:184], good[SIGNATURE]
    mldsa, ed25519 = signature[:MLDSA_BYTES], signature[MLDSA_BYTES:]
    of_other = other[SIGNATURE]
    attacker = ATTACKER.sign(header, ref.kind_context(kind))
    elsewhere = SENDER.sign(header, ref.kind_context(2 if kind == 1 else 6))
    yield "ed25519-missing", "The Ed25519 half is zero; the other verifies.", mldsa + bytes(64)
    yield "mldsa-missing", "The ML-DSA-65 half is zero; the other verifies.", bytes(MLDSA_BYTES) + ed25519
    yield "swapped", "The halves stand in the wrong order.", ed25519 + mldsa
    yield "other-message", "A valid signature of another header.", of_other
    yield "ed25519-other-message", "The Ed25519 half is of another header.", mldsa + of_other[MLDSA_BYTES:]
    yield "mldsa-other-message", "The ML-DSA-65 half is of another header.", of_other[:MLDSA_BYTES] + ed25519
    yield "other-kind", "Signed under the context of another kind.", elsewhere
    yield "ed25519-attacker", "The Ed25519 half is by another key.", mldsa + attacker[MLDSA_BYTES:]
    yield "mldsa-attacker", "The ML-DSA-65 half is by another key.", attacker[:MLDSA_BYTES] + ed25519
    plain = SENDER.sign(header, ref.kind_context(kind), mldsa_context=b"")
    yield "mldsa-no-context", "ML-DSA-65 signed with an empty context in place of the label.", plain
    yield "no-prefix", "Both halves are over the header itself.", SENDER.sign_bare(header)


def add_signatures(cases: Cases) -> None:
    """Signatures of the envelope and of the epoch."""
    good = seal("signed", cases.epoch, cases.batch("signed"))
    other = seal("signed otherwise", cases.epoch, cases.batch("signed otherwise"), header={"seq": 9})
    for name, description, signature in bad_signatures(good, other, 2):
        cases.add(f"signature-{name}", description, "signature", with_signature(good, signature))
    for name, description, signature in bad_signatures(cases.epoch.envelope, cases.pair.envelope, 1):
        if name in {"ed25519-missing", "mldsa-missing", "other-message", "other-kind"}:
            epoch = _replaced(cases.epoch, with_signature(cases.epoch.envelope, signature))
            cases.add(f"epoch-signature-{name}", f"The epoch: {description}", "signature", good, epoch)

    for name, at, expect in (
        ("magic", 0, "malformed"),
        ("kind", 4, "malformed"),
        ("suite", 5, "malformed"),
        ("classification", 6, "signature"),
        ("theme", 7, "signature"),
        ("enclave-id", 8, "signature"),
        ("sender-id", 24, "signature"),
        ("epoch-id", 40, "signature"),
        ("seq", 63, "signature"),
        ("prev-hash", 64, "signature"),
        ("directory-size", 103, "signature"),
        ("created-ms", 111, "signature"),
        ("count", 115, "signature"),
        ("batch-root", 116, "signature"),
        ("body-len", 151, "malformed"),
        ("body-hash", 152, "signature"),
    ):
        mask = 2 if name == "count" else 1
        description = f"The header's {name.replace('-', ' ')} was changed after signing."
        cases.add(f"flipped-{name}", description, expect, flip(good, at, mask))
    cases.add("flipped-kind-sealed", "Kind 2 became kind 6 after signing: another context.", "signature",
        flip(good, 4, 4))  # fmt: skip
    cases.add("body-changed", "One bit of the body; the header's body_hash stands.", "signature",
        flip(good, len(good) - 1))  # fmt: skip
    cases.add(
        "body-changed-salt", "One bit of Cobblestone's salt.", "signature", flip(good, SIGNATURE.stop + 4)
    )
    epoch = _replaced(cases.epoch, flip(cases.epoch.envelope, len(cases.epoch.envelope) - 1))
    cases.add(
        "epoch-body-changed", "One bit of an epoch's slot; the signature stands.", "signature", good, epoch
    )

    lengths = {
        "truncated": good[:-1],
        "extended": good + b"\0",
        "no-body": good[: SIGNATURE.stop],
        "header-only": good[:184],
        "empty": b"",
    }
    for name, data in lengths.items():
        cases.add(f"length-{name}", "The envelope is not 3,557 + body_len bytes long.", "malformed", data)
    cases.add("epoch-length-truncated", "The epoch lacks its last byte.", "malformed", good,
        _replaced(cases.epoch, cases.epoch.envelope[:-1]))  # fmt: skip
    large = good[:148] + struct.pack(">I", 983_041) + good[152:]
    cases.add("too-large-body-len", "body_len is above 983,040.", "too-large", large)
    cases.add("too-large-count", "1,025 signals in the header.", "too-large",
        good[:112] + struct.pack(">I", 1_025) + good[116:])  # fmt: skip


def _replaced(epoch: Epoch, envelope: bytes) -> Epoch:
    return Epoch(envelope, epoch.epoch_id, epoch.secret, epoch.protected, epoch.fields, epoch.signer)


def add_bindings(cases: Cases) -> None:
    """Valid signatures on objects in the wrong place."""
    batch = cases.batch("bound")
    elsewhere = rand("another enclave", 16)
    cases.add("another-enclave", "Signed by the sender for another enclave.", "binding",
        seal("bound", cases.epoch, batch, header={"enclave_id": elsewhere}))  # fmt: skip
    cases.add("another-sender", "Signed by the sender's key, and names another sender.", "binding",
        seal("bound", cases.epoch, batch, header={"sender_id": ATTACKER.sender_id}))  # fmt: skip
    cases.add("attacker", "Signed by another key under its own sender_id.", "signature",
        seal("bound", cases.epoch, batch, signer=ATTACKER, header={"sender_id": ATTACKER.sender_id}))  # fmt: skip
    cases.add("attacker-as-sender", "Signed by another key under the sender's sender_id.", "signature",
        seal("bound", cases.epoch, batch, signer=ATTACKER))  # fmt: skip
    cases.add("moved-by-attacker", "Moved to another compartment and signed by another key.", "signature",
        seal("bound", cases.epoch, batch, signer=ATTACKER, resigned={"theme": 3}))  # fmt: skip
    cases.add("moved-theme", "Moved to another theme and signed by the sender.", "binding",
        seal("bound", cases.epoch, batch, resigned={"theme": 3}))  # fmt: skip
    cases.add("sealed-in-other-theme", "Sealed under an epoch of another theme.", "binding",
        seal("bound", cases.epoch, batch, header={"theme": 3}))  # fmt: skip
    cases.add("moved-classification", "Moved to another classification and signed by the sender.", "binding",
        seal("bound", cases.epoch, batch, resigned={"classification": 0}))  # fmt: skip
    cases.add("another-epoch", "Belongs to another epoch of the same sender.", "binding",
        seal("bound", cases.pair, cases.batch("bound elsewhere", epoch=cases.pair)))  # fmt: skip
    cases.add("another-epoch-named", "Names another epoch, sealed under this one's secret.", "binding",
        seal("bound", cases.epoch, batch, header={"epoch_id": rand("no epoch", 16)}))  # fmt: skip
    cases.add("clear-kind", "A clear kind where a sealed one must be.", "binding", cases.pair.envelope)
    end = assemble(clear_fields(3, epoch_id=cases.epoch.epoch_id, seq=8), struct.pack(">IQ", 0, 0), SENDER)
    cases.add("end-of-epoch", "An end of epoch where a sealed kind must be.", "binding", end)
    cases.add("newer-kind", "Kind 10 is verified first and then needs an update.", "update-needed",
        assemble(clear_fields(10, seq=8), b"something new", SENDER))  # fmt: skip
    cases.add("newer-kind-forged", "Kind 10, signed by another key: no update is asked for.", "signature",
        assemble(clear_fields(10, seq=8), b"something new", ATTACKER))  # fmt: skip
    good = seal("bound", cases.epoch, batch)
    cases.add("epoch-of-another-enclave", "The epoch is of another enclave.", "binding", good,
        make_epoch("epoch", header={"enclave_id": elsewhere}))  # fmt: skip
    cases.add("epoch-of-another-sender", "The epoch names another sender than the key that signed it.", "binding",
        good, make_epoch("epoch", header={"sender_id": ATTACKER.sender_id}))  # fmt: skip
    cases.add("epoch-by-attacker", "The epoch is signed by another key.", "signature", good,
        make_epoch("epoch", signer=ATTACKER, header={"sender_id": SENDER.sender_id}))  # fmt: skip
    release = _replaced(
        cases.epoch, assemble(clear_fields(5), cases.epoch.envelope[SIGNATURE.stop :], SENDER)
    )
    cases.add("epoch-of-kind-5", "An epoch's body under kind 5, signed.", "binding", good, release)

    for name, changes in (
        ("seq", {"seq": 9}),
        ("prev-hash", {"prev_hash": rand("another previous header", 32)}),
        ("directory-size", {"directory_size": 43}),
        ("created-ms", {"created_ms": NOW_MS + 251}),
        ("count", {"count": 2}),
        ("batch-root", {"batch_root": rand("another root", 32)}),
        ("kind", {"kind": 7}),
    ):
        cases.add(f"resigned-{name}", f"Signed by the sender; the body was sealed under another {name}.",
            "decryption", seal("bound", cases.epoch, batch, resigned=changes))  # fmt: skip


# --- Epochs -----------------------------------------------------------------------------------------


def add_epochs(cases: Cases) -> None:
    """Epochs that must not be used, signed properly."""

    def add(name: str, description: str, expect: str, reader: ref.Reader = READER, **options: Any) -> None:
        readers = options.pop("readers", ((READER, True),))
        epoch = make_epoch(f"epoch {name}", readers, **options)
        envelope = seal(name, epoch, cases.batch(name, epoch=epoch))
        cases.add(
            f"epoch-{name}",
            description,
            expect,
            envelope,
            epoch,
            reader=reader,
            read_protected=reader is READER,
        )

    two = ((READER, True), (PLAIN_READER, False))
    other = rand("another secret", 32)
    add("commitment-main", "The slot holds another secret than the one committed to.", "commitment",
        given=(other, None))  # fmt: skip
    add("commitment-main-plain", "The same, for a reader without read-protected.", "commitment",
        reader=PLAIN_READER, readers=two, given=(other, None))  # fmt: skip
    add("commitment-protected", "The slot holds another protected secret than the one committed to.", "commitment",
        given=(None, other))  # fmt: skip
    add("commitment-garbled", "The commitment covers nothing; the secret is right.", "commitment",
        committed=(rand("no secret", 32), None))  # fmt: skip
    add("protected-secret-withheld", "A reader with read-protected got random bytes.", "commitment",
        readers=((READER, False),))  # fmt: skip
    add("secrets-exchanged", "The slot holds the two secrets in the wrong order.", "commitment",
        slot_plaintext=lambda plaintext: plaintext[32:] + plaintext[:32])  # fmt: skip

    def garbled(at: int) -> Callable[[Slots], Slots]:
        return lambda slots: [(key_id, flip(wrapped, at)) for key_id, wrapped in slots]

    add("slot-garbled-mlkem", "A bit of the ML-KEM ciphertext was changed before signing.", "bad-slot",
        edit_slots=garbled(0))  # fmt: skip
    add("slot-garbled-x25519", "A bit of the X25519 key was changed before signing.", "bad-slot",
        edit_slots=garbled(1_088))  # fmt: skip
    add("slot-garbled-ciphertext", "A bit of the AES-GCM ciphertext was changed before signing.", "bad-slot",
        edit_slots=garbled(1_120))  # fmt: skip
    add(
        "slot-garbled-tag",
        "A bit of the tag was changed before signing.",
        "bad-slot",
        edit_slots=garbled(1_199),
    )
    add("slot-zero", "The slot is 1,200 zero bytes.", "bad-slot",
        edit_slots=lambda slots: [(key_id, bytes(1_200)) for key_id, _ in slots])  # fmt: skip
    add("slots-exchanged", "Two readers' ciphertexts stand under each other's key id.", "bad-slot", readers=two,
        edit_slots=lambda s: [(s[0][0], s[1][1]), (s[1][0], s[0][1])])  # fmt: skip
    for field, value in (
        ("enclave_id", rand("another enclave", 16)),
        ("sender_id", ATTACKER.sender_id),
        ("seq", 6),
        ("prev_hash", rand("another previous header", 32)),
        ("classification", 0),
        ("theme", 1),
        ("directory_size", 41),
    ):
        name = f"slot-bound-{field.replace('_', '-')}"
        add(name, f"The slot was made for a header with another {field}.", "bad-slot", info={field: value})
    add(
        "slots-unsorted",
        "Slots do not rise by key id.",
        "malformed",
        readers=two,
        edit_slots=lambda s: s[::-1],
    )
    add("slots-duplicate", "One slot stands twice.", "malformed", edit_slots=lambda s: s + s)
    add("body-truncated", "The epoch's body lacks its last byte.", "malformed", edit_body=lambda b: b[:-1])
    add("body-extended", "A byte follows the last slot.", "malformed", edit_body=lambda b: b + b"\0")
    add("count-low", "The count leaves a slot out.", "malformed", readers=two, count=1)
    add("count-high", "The count names a slot that is not there.", "malformed", count=2)
    add("audience-zero", "Audience code 0.", "malformed", audience=0)


# --- Sealed bodies ----------------------------------------------------------------------------------


def add_sealed(cases: Cases) -> None:
    """Frames, Cobblestone and padding; signed properly."""
    batch = cases.batch("sealed")
    mixed = cases.batch("sealed mixed", signal("mixed", protected=PROTECTED))

    def add(name: str, description: str, expect: str, of: ref.Batch = batch, **options: Any) -> None:
        cases.add(name, description, expect, seal(name, cases.epoch, of, **options))

    add("wrong-secret", "Sealed under a secret that the epoch did not give.", "decryption",
        secret=rand("another secret", 32))  # fmt: skip
    add("wrong-protected-secret", "The protected part is under another secret.", "decryption", mixed,
        protected_secret=rand("another secret", 32))  # fmt: skip
    add("parts-under-one-secret", "The protected part is under the main secret.", "decryption", mixed,
        protected_secret=cases.epoch.secret)  # fmt: skip

    def wrong_commitment(key: bytes, context: bytes, content: bytes, salt: bytes) -> bytes:
        return ref.cobblestone(key, context, ref.pad(content), salt, commitment=rand("commitment", 32))

    add("cobblestone-commitment",
        "Cobblestone's commitment is not this key's, though every chunk opens: a salamander's mark.",
        "decryption", seal_main=wrong_commitment)  # fmt: skip
    add("cobblestone-commitment-protected", "The same in the protected part.", "decryption", mixed,
        seal_protected=wrong_commitment)  # fmt: skip
    add("cobblestone-tag", "A bit of the tag was changed before signing.", "decryption",
        edit_body=lambda body: flip(body, len(body) - 5))  # fmt: skip
    add("cobblestone-salt", "A bit of the salt was changed before signing.", "decryption",
        edit_body=lambda body: flip(body, 4))  # fmt: skip
    add("cobblestone-context", "Sealed under the context of a protected part's label alone.", "decryption",
        seal_main=lambda key, _, content, salt: ref.seal_part(key, bytes(32), content, salt))  # fmt: skip
    whole = cases.batch("sealed whole", signal("sealed whole", report=REPORT | {"text": "x" * 16_000}))
    add("cobblestone-cut", "A whole chunk without the empty one that must end it.", "decryption", whole,
        seal_main=lambda key, context, content, salt: ref.seal_part(key, context, content, salt)[:-16])  # fmt: skip
    add("cobblestone-extended", "A second empty chunk follows the last one.", "decryption",
        seal_main=lambda key, context, content, salt: ref.seal_part(key, context, content, salt) + bytes(16))  # fmt: skip # noqa: E501

    add(
        "frame-extended",
        "A byte follows the protected part.",
        "malformed",
        edit_body=lambda body: body + b"\0",
    )
    add(
        "frame-truncated",
        "The protected part's length is cut off.",
        "malformed",
        edit_body=lambda body: body[:-1],
    )
    add("frame-main-length", "The main part's length runs past the body.", "malformed",
        edit_body=lambda body: b"\xff" + body[1:])  # fmt: skip
    add("frame-main-short", "The main part has 327 bytes.", "malformed",
        edit_body=lambda body: ref.join(body[4:331], b""))  # fmt: skip
    add(
        "frame-main-empty",
        "There is no main part.",
        "malformed",
        edit_body=lambda body: ref.join(b"", body[4:-4]),
    )
    add("frame-protected-short", "The protected part has 327 bytes.", "malformed",
        edit_body=lambda body: ref.join(body[4:-4], body[4:331]))  # fmt: skip
    add("frame-empty", "The body is empty.", "malformed", edit_body=lambda body: b"")

    def padded(make: Callable[[bytes], bytes]) -> ref.Sealer:
        return lambda key, context, content, salt: ref.cobblestone(key, context, make(content), salt)

    def length(content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + content

    add("padding-bucket-above", "Padded to the bucket above its own.", "malformed",
        seal_main=padded(lambda c: length(c) + bytes(ref.bucket(len(ref.pad(c)) + 1) - len(c) - 4)))  # fmt: skip
    add("padding-none", "Not padded to its bucket.", "malformed", whole,
        seal_main=padded(lambda c: length(c) + bytes(1)))  # fmt: skip
    add("padding-nonzero", "The last byte of the fill is 1.", "malformed",
        seal_main=padded(lambda c: ref.pad(c)[:-1] + b"\1"))  # fmt: skip
    add("padding-nonzero-first", "The first byte of the fill is 1.", "malformed",
        seal_main=padded(lambda c: flip(ref.pad(c), len(c) + 4)))  # fmt: skip
    add("padding-length", "The length runs past the padded part.", "malformed",
        seal_main=padded(lambda c: b"\xff" + ref.pad(c)[1:]))  # fmt: skip
    add("padding-protected-nonzero", "The protected part's fill is not zero.", "malformed", mixed,
        seal_protected=padded(lambda c: ref.pad(c)[:-1] + b"\1"))  # fmt: skip


# --- Parts ------------------------------------------------------------------------------------------


def add_parts(cases: Cases) -> None:  # noqa: PLR0915 - a list
    """The rows of both parts, their seeds and digests."""
    a, b, c = (signal(f"part {x}") for x in "abc")
    mixed = (signal("part p", protected=PROTECTED), b, signal("part q", protected=PROTECTED))

    def set_row(index: int, column: int, value: Any) -> Callable[[ref.Batch], None]:
        def edit(batch: ref.Batch) -> None:
            batch.main[1][index][column] = value

        return edit

    def on(action: Callable[[ref.Batch], Any]) -> Callable[[ref.Batch], None]:
        def edit(batch: ref.Batch) -> None:
            action(batch)

        return edit

    def rows3(batch: ref.Batch) -> list[Any]:
        if batch.protected is None:
            raise ValueError("no protected part")
        return batch.protected[1]  # type: ignore[no-any-return]

    def d3_without_part(batch: ref.Batch) -> None:
        batch.protected = None

    def no_d3(batch: ref.Batch) -> None:
        for row in batch.main[1]:
            row[4] = None

    add = cases.parts
    add("root-section-changed", "A section is not the one that the root covers.", "root",
        set_row(1, 1, msgpack([1, REPORT | {"title": "Another title"}]) ), a, b)  # fmt: skip
    cases.vectors.pop()  # a section in the wrong column is a root mismatch as well: use the right one
    add("root-section-changed", "A section is not the one that the root covers.", "root",
        set_row(1, 2, msgpack([1, REPORT | {"title": "Another title"}])), a, b)  # fmt: skip
    add("root-id-changed", "A signal's id is not the one that the root covers.", "root",
        set_row(0, 0, signal_id("another")), a, b)  # fmt: skip
    add("root-section-added", "Indicators were added where the root covers a decoy.", "root",
        set_row(0, 3, msgpack([1, [INDICATOR]])), a)  # fmt: skip
    add("root-section-removed", "Indicators were taken out that the root covers.", "root",
        set_row(0, 3, None), signal("part i", indicators=[INDICATOR]))  # fmt: skip
    add("root-rows-exchanged", "Two signals stand in the wrong order.", "root",
        on(lambda x: x.main[1].reverse()), a, b)  # fmt: skip
    add("root-seed", "Another seed than that of the root.", "root",
        on(lambda x: x.main.__setitem__(0, rand("another seed", 32))), a, b)  # fmt: skip
    batch = cases.batch("root mismatch", a, b)
    cases.add("root-mismatch", "The header's root covers other signals; the body is sealed under it.", "root",
        seal("root mismatch", cases.epoch, batch, header={"batch_root": rand("another root", 32)}))  # fmt: skip
    binding = ref.make_batch("root binding", (a,), ATTACKER.sender_id, cases.epoch.epoch_id)
    cases.add("root-sender", "The leaves were made for another sender.", "root",
        seal("root binding", cases.epoch, binding))  # fmt: skip
    binding = ref.make_batch("root binding", (a,), SENDER.sender_id, cases.pair.epoch_id)
    cases.add("root-epoch", "The leaves were made for another epoch.", "root",
        seal("root binding", cases.epoch, binding))  # fmt: skip

    def moved_section(batch: ref.Batch) -> None:
        rows3(batch)[0][1] = msgpack([1, {"contact": "elsewhere"}])

    def protected_seed(batch: ref.Batch) -> None:
        if batch.protected is not None:
            batch.protected[0] = rand("another seed", 32)

    add(
        "d3-section-changed",
        "A protected section is not the one that its d3 covers.",
        "root",
        moved_section,
        *mixed,
    )
    add("d3-seed", "The protected part has another seed than that of the d3.", "root", protected_seed, *mixed)
    add("d3-moved", "A protected section stands with another signal.", "root",
        on(lambda x: rows3(x)[1].__setitem__(0, 1)), *mixed)  # fmt: skip
    add(
        "d3-row-missing",
        "The row of a protected section was left out.",
        "root",
        on(lambda x: rows3(x).pop()),
        *mixed,
    )
    batch = cases.batch("d3 wrong", *mixed)
    batch.main[1][1][4] = rand("wrong d3", 32)
    cases.add("d3-wrong", "A d3 in the main part is not that of the protected part.", "root",
        seal("d3 wrong", cases.epoch, batch))  # fmt: skip
    batch = cases.batch("d3 wrong plain", *mixed, epoch=cases.pair)
    batch.main[1][1][4] = rand("wrong d3", 32)
    cases.add("d3-wrong-unprotected", "The same for a reader without read-protected: the root differs.", "root",
        seal("d3 wrong plain", cases.pair, batch), cases.pair, reader=PLAIN_READER, read_protected=False)  # fmt: skip
    # The header's root covers the wrong d3, so only recomputing d3 finds it.
    wrong = cases.batch("d3 wrong covered", *mixed)
    honest = msgpack(wrong.protected)
    forged = (signal("part p", protected=PROTECTED | {"contact": "x"}), *mixed[1:])
    shown = ref.make_batch("d3 wrong covered", forged, SENDER.sender_id, cases.epoch.epoch_id)
    cases.add("d3-wrong-covered", "The root covers d3s of another protected section: only recomputing them tells.",
        "root", seal("d3 wrong covered", cases.epoch, shown, protected=honest))  # fmt: skip

    add(
        "d3-without-part", "d3 is given and there is no protected part.", "malformed", d3_without_part, *mixed
    )
    add("part-without-d3", "There is a protected part and no d3.", "malformed", no_d3, *mixed)
    add("d3-for-some", "d3 stands for one signal and not for all.", "malformed", set_row(1, 4, None), *mixed)
    add("d3-alone", "One d3 without a protected part.", "malformed", set_row(0, 4, rand("d3", 32)), a, b)
    add("d3-short", "A d3 of 31 bytes.", "malformed", set_row(0, 4, rand("d3", 31)), *mixed)
    add("index-repeated", "An index stands twice in the protected part.", "malformed",
        on(lambda x: rows3(x)[1].__setitem__(0, 0)), *mixed)  # fmt: skip
    add(
        "index-falling",
        "The protected part's indexes fall.",
        "malformed",
        on(lambda x: rows3(x).reverse()),
        *mixed,
    )
    add("index-out-of-range", "An index equals the count.", "malformed",
        on(lambda x: rows3(x)[1].__setitem__(0, 3)), *mixed)  # fmt: skip
    add(
        "index-negative", "An index is -1.", "malformed", on(lambda x: rows3(x)[0].__setitem__(0, -1)), *mixed
    )
    add(
        "protected-empty",
        "The protected part has no row.",
        "malformed",
        on(lambda x: rows3(x).clear()),
        *mixed,
    )
    add("protected-nil", "A row of the protected part has nil for its section.", "malformed",
        on(lambda x: rows3(x)[0].__setitem__(1, None)), *mixed)  # fmt: skip
    add("protected-seed-short", "The protected part's seed has 31 bytes.", "malformed",
        on(lambda x: x.protected.__setitem__(0, bytes(31)) if x.protected else None), *mixed)  # fmt: skip

    add("id-twice", "One id stands twice.", "malformed", on(lambda x: None), a, b, a)
    bad = Sig(flip(a.id, 6, 0x30), a.sections)
    add("id-version", "An id is a UUIDv4.", "malformed", on(lambda x: None), bad)
    add(
        "id-variant",
        "An id has another variant.",
        "malformed",
        on(lambda x: None),
        Sig(flip(a.id, 8, 0x40), a.sections),
    )
    add("id-short", "An id of 15 bytes.", "malformed", on(lambda x: None), Sig(a.id[:15], a.sections))
    add("id-text", "An id as text in place of bytes.", "malformed", set_row(0, 0, text_id(a.id)), a)
    add("count-more-rows", "One row more than the count.", "malformed", on(lambda x: x.main[1].append([c.id, *c.sections[:3], None])), a, b)  # fmt: skip # noqa: E501
    add("count-fewer-rows", "One row fewer than the count.", "malformed", on(lambda x: x.main[1].pop()), a, b)
    add("row-short", "A row without d3.", "malformed", on(lambda x: x.main[1][0].pop()), a)
    add("row-long", "A row of six.", "malformed", on(lambda x: x.main[1][0].append(None)), a)
    add(
        "seed-short", "The seed has 31 bytes.", "malformed", on(lambda x: x.main.__setitem__(0, bytes(31))), a
    )
    add("seed-text", "The seed is a string.", "malformed", on(lambda x: x.main.__setitem__(0, "x" * 32)), a)
    add(
        "main-third-element",
        "The main part has a third element.",
        "malformed",
        on(lambda x: x.main.append(None)),
        a,
    )
    add("section-as-array", "A section stands as a value in place of bytes.", "malformed",
        set_row(0, 2, [1, REPORT]), a)  # fmt: skip

    def raw(name: str, description: str, change: Callable[[bytes], bytes]) -> None:
        whole = cases.batch(name, a)
        main = change(msgpack(whole.main))
        cases.add(name, description, "malformed", seal(name, cases.epoch, whole, main=main))

    raw("main-trailing-byte", "A byte follows the main part's value.", lambda m: m + b"\xc0")
    raw("main-truncated", "The main part's value is cut.", lambda m: m[:-1])
    raw("main-empty", "The main part's content is empty.", lambda m: b"")
    raw("main-long-array", "The main part's array has the 16-bit form.", lambda m: b"\xdc\x00\x02" + m[1:])
    raw("main-long-seed", "The seed has the 16-bit form.", lambda m: m[:1] + b"\xc5\x00\x20" + m[3:])
    whole = cases.batch("protected trailing", *mixed)
    cases.add("protected-trailing-byte", "A byte follows the protected part's value.", "malformed",
        seal("protected trailing", cases.epoch, whole, protected=msgpack(whole.protected) + b"\0"))  # fmt: skip
    body = msgpack([bytes(32), [[Raw(b"\xcc\x00"), msgpack([1, PROTECTED])]]])
    cases.add("index-not-minimal", "An index of the protected part in the 8-bit form.", "malformed",
        seal("index not minimal", cases.epoch, cases.batch("index not minimal", mixed[0]), protected=body))  # fmt: skip


# --- Sections ---------------------------------------------------------------------------------------


def add_sections(cases: Cases) -> None:  # noqa: PLR0915 - a list
    """The typed sections, under an honest root."""
    pairs = list(HANDLING.items())

    def handling(name: str, description: str, value: Any, expect: str = "malformed") -> None:
        cases.section(name, description, expect, signal(name, handling=value))

    def report(name: str, description: str, value: Any, expect: str = "malformed") -> None:
        cases.section(name, description, expect, signal(name, report=value))

    def indicators(name: str, description: str, value: Any, expect: str = "malformed") -> None:
        cases.section(name, description, expect, signal(name, indicators=value))

    handling("integer-not-minimal", "schema in the 8-bit form.", HANDLING | {"schema": Raw(b"\xcc\x01")})
    handling("integer-as-float", "schema as a float.", HANDLING | {"schema": Raw(b"\xca\x3f\x80\x00\x00")})
    handling("key-duplicate", "One key twice, with one value.", Pairs([*pairs, ("tlp", "amber")]))
    handling(
        "key-duplicate-other",
        "One key twice, with two values.",
        Pairs([*pairs[:3], ("tlp", "red"), pairs[3]]),
    )
    handling("key-unknown", "A key that the schema does not have.", HANDLING | {"colour": "blue"})
    handling("key-order", "Two keys in the wrong order.", Pairs([pairs[0], pairs[1], pairs[3], pairs[2]]))
    handling("key-order-schema", "schema is not the first key.", Pairs([*pairs[1:], pairs[0]]))
    handling("key-as-bytes", "A key is a byte string.", Pairs([*pairs, (b"severity", 1)]))
    handling("key-as-integer", "A key is an integer.", Pairs([*pairs, (7, 1)]))
    handling("key-missing", "tlp is required.", Pairs(pairs[:3]))
    handling("default-false", "exercise stands there with its default.", HANDLING | {"exercise": False})
    handling(
        "default-none", "personal_data stands there with its default.", HANDLING | {"personal_data": "none"}
    )
    handling("default-empty", "refers_to stands there with its default.", HANDLING | {"refers_to": []})
    handling("default-nil", "severity is nil in place of left out.", HANDLING | {"severity": None})
    handling("map-long", "The map has the 16-bit form.", Raw(b"\xde\x00\x04" + msgpack(HANDLING)[1:]))
    handling("string-long", "A string in the 8-bit form that is short enough for the fixed one.",
        HANDLING | {"tlp": Raw(b"\xd9\x05amber")})  # fmt: skip
    handling("string-as-bytes", "A byte string where a string must be.", HANDLING | {"tlp": b"amber"})
    handling(
        "string-not-utf8", "A string that is not UTF-8.", HANDLING | {"legal_basis": Raw(b"\xa2\xc3\x28")}
    )
    handling(
        "string-surrogate", "A string with a surrogate.", HANDLING | {"legal_basis": Raw(b"\xa3\xed\xa0\x80")}
    )
    handling("trailing-byte", "A byte follows the section.", Raw(msgpack(HANDLING) + b"\xc0"))
    handling("handling-array", "Section 0 as an array.", [1, HANDLING])
    handling("handling-missing", "Section 0 is nil.", None)
    handling("time-text", "A time as text.", HANDLING | {"valid_until": "2026-10-28T00:00:00Z"})
    handling("time-integer", "A time as an integer.", HANDLING | {"valid_until": 1_793_145_600})
    handling("time-long", "A time in the 12-byte form that fits 4.",
        HANDLING | {"valid_until": Raw(b"\xc7\x0c\xff" + struct.pack(">Iq", 0, 1_793_145_600))})  # fmt: skip
    handling("time-8-for-4", "A time in the 8-byte form that fits 4.",
        HANDLING | {"valid_until": Raw(b"\xd7\xff" + struct.pack(">Q", 1_793_145_600))})  # fmt: skip
    handling("time-nanoseconds", "A time that is not whole microseconds.",
        HANDLING | {"valid_until": Time(1_793_145_600, 1)})  # fmt: skip
    handling("time-nanoseconds-over", "A time with 1,000,000,000 nanoseconds.",
        HANDLING | {"valid_until": Time(1_793_145_600, 1_000_000_000)})  # fmt: skip
    handling("time-extension", "An extension of another type in place of a time.",
        HANDLING | {"valid_until": Raw(b"\xd6\x05" + struct.pack(">I", 1_793_145_600))})  # fmt: skip
    handling("bool-as-integer", "exercise is 1.", HANDLING | {"exercise": 1})
    handling("value-unknown", "A signal_type that is not in the table.", HANDLING | {"signal_type": "rumour"})
    handling("severity-range", "severity 6.", HANDLING | {"severity": 6})
    handling(
        "severity-float", "severity is the float 3.0.", HANDLING | {"severity": Raw(b"\xca\x40\x40\x00\x00")}
    )
    handling("schema-zero", "schema 0.", HANDLING | {"schema": 0})
    handling("schema-bool", "schema is true.", HANDLING | {"schema": True})
    handling("text-empty", "legal_basis is empty.", HANDLING | {"legal_basis": ""})
    handling("election-pattern", "An election in lower case.", HANDLING | {"election": "tk2025"})
    handling("election-newline", "A line feed follows the election.", HANDLING | {"election": "TK2025\n"})
    referred = text_id(signal_id("referred"))
    handling(
        "refers-to-newline", "A line feed follows a referred id.", HANDLING | {"refers_to": [referred + "\n"]}
    )
    handling(
        "refers-to-upper-case", "A referred id in upper case.", HANDLING | {"refers_to": [referred.upper()]}
    )
    handling("refers-to-201", "201 referred ids.", HANDLING | {"refers_to": [referred] * 201})

    report("report-missing", "Section 1 is nil.", None)
    report("report-map", "Section 1 is a map without its schema.", Raw(msgpack(REPORT)))
    report("report-three", "Section 1 has three elements.", Raw(msgpack([1, REPORT, None])))
    report("report-empty-bytes", "Section 1 is there with no byte.", Raw(b""))
    report("title-empty", "An empty title.", REPORT | {"title": ""})
    report("title-201", "A title of 201 characters.", REPORT | {"title": "x" * 201})
    report("text-20001", "A text of 20,001 characters.", REPORT | {"text": "x" * 20_001})
    report("technique-pattern", "A technique without its framework.", REPORT | {"techniques": ["T0049"]})
    report(
        "technique-newline", "A line feed follows a technique.", REPORT | {"techniques": ["disarm:T0049\n"]}
    )
    report("language-pattern", "A language that is not a tag.", REPORT | {"language": "Dutch!"})
    report("language-newline", "A line feed follows the language.", REPORT | {"language": "nl\n"})
    report(
        "evidence-newline",
        "A line feed follows a hash.",
        REPORT | {"evidence": [{"sha256": "ab" * 32 + "\n"}]},
    )
    report("evidence-upper-case", "A hash in upper case.", REPORT | {"evidence": [{"sha256": "AB" * 32}]})
    report("evidence-key-unknown", "An unknown key in a nested map.",
        REPORT | {"evidence": [{"sha256": "ab" * 32, "md5": "x"}]})  # fmt: skip
    report("reference-key-order", "Nested keys in the wrong order.",
        REPORT | {"external_references": [{"id": "1", "system": "misp"}]})  # fmt: skip
    report("media-type-newline", "A line feed follows the media type.",
        REPORT | {"foreign": {"media_type": "text/plain\n", "data": b"x"}})  # fmt: skip
    report(
        "foreign-text", "Foreign data as a string.", REPORT | {"foreign": {"media_type": "a/b", "data": "x"}}
    )
    report("foreign-long", "Foreign data in the 16-bit form.",
        REPORT | {"foreign": {"media_type": "a/b", "data": Raw(b"\xc5\x00\x01x")}})  # fmt: skip

    indicators("indicators-empty", "An empty list in place of no section.", [])
    indicators("indicators-no-byte", "Section 2 is there with no byte.", Raw(b""))
    indicators("indicators-501", "One indicator over the limit.", [{"type": "url", "value": "x"}] * 501)
    indicators("indicator-type", "A type that is not in the table.", [INDICATOR | {"type": "carrier-pigeon"}])
    indicators("indicator-map", "A map in place of the list.", INDICATOR)
    cases.section("protected-no-byte", "Section 3 is there with no byte.", "malformed",
        signal("protected no byte", protected=Raw(b"")))  # fmt: skip
    cases.section("protected-key-unknown", "An unknown key in the protected section.", "malformed",
        signal("protected key", protected={"source": "x"}))  # fmt: skip
    cases.section("protected-default", "personal_data stands there with its default.", "malformed",
        signal("protected default", protected={"personal_data": []}))  # fmt: skip

    big = REPORT | {"text": "\u20ac" * 11_000, "foreign": {"media_type": "a/b", "data": bytes(32_600)}}
    report(
        "signal-too-large",
        "Every field is within its limit; the sections have over 65,536 bytes.",
        big,
        "too-large",
    )

    report(
        "newer-schema", "Section 1 of schema 2.", versioned(2, REPORT | {"colour": "blue"}), "update-needed"
    )
    handling(
        "newer-schema-handling", "Section 0 of schema 2.", {"schema": 2, "colour": "blue"}, "update-needed"
    )
    indicators(
        "newer-schema-indicators", "Section 2 of schema 300.", versioned(300, {"all": "new"}), "update-needed"
    )
    cases.section("newer-schema-protected", "Section 3 of schema 2.", "update-needed",
        signal("newer protected", protected=versioned(2, PROTECTED)))  # fmt: skip
    cases.section("newer-schema-act", "Section 1 of an act, of schema 2.", "update-needed",
        signal("newer act", handling=ACT_HANDLING, report=versioned(2, ACT_REPORT)), kind=6)  # fmt: skip

    def act(
        name: str, description: str, handling: Any = ACT_HANDLING, report: Any = ACT_REPORT, **more: Any
    ) -> None:
        made = signal(name, handling=handling, report=report, **more)
        cases.section(f"act-{name}", description, "malformed", made, kind=6)

    act("refers-to-nothing", "An act that refers to nothing.", {"schema": 1, "refers_to": []})
    act("refers-to-missing", "An act without refers_to.", {"schema": 1})
    act(
        "refers-to-newline",
        "A line feed follows a referred id.",
        {"schema": 1, "refers_to": [referred + "\n"]},
    )
    act("indicators", "An act with indicators.", indicators=[INDICATOR])
    act("protected", "An act with a protected section.", protected=PROTECTED)
    act("as-signal", "A signal's sections under kind 6.", HANDLING, REPORT)
    act("official", "An official with a space.", report=ACT_REPORT | {"official": "A 42"})
    act("official-newline", "A line feed follows the official.", report=ACT_REPORT | {"official": "A-42\n"})
    act("assignee", "An assignee with a space.", report=ACT_REPORT | {"assignee": "A 42"})
    act("assignee-newline", "A line feed follows the assignee.", report=ACT_REPORT | {"assignee": "A-42\n"})
    act("assignee-early", "The assignee stands before the status.",
        report=ACT_REPORT | {"assignee": "A-43", "status": "new"})  # fmt: skip
    cases.section("signal-as-act", "An act's sections under kind 2.", "malformed",
        signal("signal as act", handling=ACT_HANDLING, report=ACT_REPORT))  # fmt: skip


def opening_vectors() -> list[Vector]:
    """Every vector of the file, in a fixed order."""
    cases = Cases()
    add_valid(cases)
    add_signatures(cases)
    add_bindings(cases)
    add_epochs(cases)
    add_sealed(cases)
    add_parts(cases)
    add_sections(cases)
    return cases.vectors
