# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Write the seed corpus: a few valid samples per decoder, small, made by our own encoders.

    python tests/fuzz/make_corpus.py

Run it again after a change of a format. Only what is signed differs from run to run.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import msgspec

from seinpost.kem import KemPrivateKey, wrap
from seinpost_schemas.answer import BrokerAnswer, head_of
from seinpost_schemas.batch import encode_batch
from seinpost_schemas.checkpoint import Checkpoint, LogKeys
from seinpost_schemas.clear_bodies import (
    EndOfEpoch,
    Recall,
    RecallReason,
    Receipt,
    ReceiptState,
    Run,
    Share,
    ShareSlot,
)
from seinpost_schemas.compartment import Classification, Compartment, Theme
from seinpost_schemas.directory import DirectoryEntry
from seinpost_schemas.entry import Entry, feed_headers, signature_hash, to_base64
from seinpost_schemas.envelope import Envelope, sign_envelope
from seinpost_schemas.epoch_body import EpochBody, Slot
from seinpost_schemas.errors import Reason
from seinpost_schemas.header import Header, hash_body
from seinpost_schemas.keys import KeyObject
from seinpost_schemas.kinds import Action, Kind
from seinpost_schemas.note import format_vkey
from seinpost_schemas.padding import pad
from seinpost_schemas.sealed_body import join_parts
from seinpost_schemas.sections import EncodedSignal, encode_act, encode_signal
from seinpost_schemas.signal import Act, Signal
from seinpost_schemas.signing import SigningKey
from seinpost_schemas.statements import OwnRevocation, PrekeyStatement
from seinpost_schemas.subjects import ingress_subject
from seinpost_schemas.submission import Submission
from seinpost_schemas.uuid7 import format_id, make_id

HERE = Path(__file__).parent
KEY = SigningKey(bytes(range(64)))
LOG = LogKeys(bytes(range(64)))
READER = KemPrivateKey(b"\1" * 96)
IDS = [make_id(1_790_000_000_000 + i, bytes(10)) for i in range(3)]
PROCESS = Compartment(Classification.DEPV, Theme.PROCESS)
HEADER = Header(
    kind=Kind.SIGNALS,
    compartment=PROCESS,
    enclave_id=b"E" * 16,
    sender_id=KEY.public.sender_id,
    epoch_id=b"I" * 16,
    seq=7,
    prev_hash=b"p" * 32,
    directory_size=12,
    created_ms=1_790_000_000_000,
    count=3,
    batch_root=b"r" * 32,
    body_len=4,
    body_hash=hash_body(b"body"),
)
SMALL = b"""{"handling":{"schema":1,"signal_type":"alert","valid_until":"2026-09-21T12:00:00Z","tlp":"red"},
"report":{"title":"t","text":"x"}}"""
LARGE = b"""{"id":"0198c5d7-a000-7000-8000-000000000001","handling":{"schema":1,"signal_type":"incident",
"valid_until":"2026-09-21T12:00:00.5+02:00","tlp":"amber+strict","classified_until":"2027","pap":"amber",
"severity":3,"urgency":"high","exercise":true,"originator_consent":true,"legal_basis":"Wet X",
"personal_data":"personal","refers_to":["0198c5d7-a000-7000-8000-000000000002"],"election":"TK2025"},
"report":{"title":"Website","text":"A copy of the results page","language":"nl",
"observed_from":"2026-09-01T00:00:00Z","observed_until":"2300-01-01T00:00:00Z","source_reliability":"B",
"information_credibility":2,"likelihood":"likely","techniques":["disarm:T0049","attack:T1583.001"],
"narrative":"n","channels":["web"],"targets":["t"],"regions":["NL-NH"],"attribution":"a",
"attributed_by":"b","action_requested":"look","evidence":[{"sha256":"SHA","archive_url":"https://x"}],
"external_references":[{"system":"MISP","id":"1","url":"https://y"}],
"foreign":{"media_type":"application/json","data":"e30="}},
"indicators":[{"type":"url","value":"https://z","role":"c2","first_seen":"2026-09-01T00:00:00Z"},
{"type":"domain-name","value":"example.org"}],
"protected":{"source_description":"s","personal_data":[{"type":"name","value":"v","role":"r"}],
"contact":"desk"}}""".replace(b"SHA", b"0f" * 32)
ACTS = [
    b'{"handling":{"schema":1,"refers_to":["%s"]},"report":{"act":"seen"}}',
    b'{"handling":{"schema":1,"refers_to":["%s"],"exercise":true},'
    b'"report":{"act":"decided","text":"t","official":"R-12","status":"open"}}',
]


def signals() -> list[EncodedSignal]:
    return [
        encode_signal(msgspec.json.decode(s, type=Signal), i)
        for s, i in zip((SMALL, LARGE), IDS, strict=False)
    ]


def envelopes() -> Iterator[Envelope]:
    yield sign_envelope(HEADER, b"body", KEY)
    end = EndOfEpoch(0, 0).encode()
    yield sign_envelope(
        msgspec.structs.replace(
            HEADER,
            kind=Kind.END_OF_EPOCH,
            count=0,
            batch_root=bytes(32),
            body_len=12,
            body_hash=hash_body(end),
        ),
        end,
        KEY,
    )


def batches() -> Iterator[bytes]:
    plain = [EncodedSignal(i, (b"zero", b"one", None, None)) for i in IDS]
    mixed = [EncodedSignal(i, (b"zero", b"one", b"two", b"three")) for i in IDS[:2]]
    for rows in (plain, mixed, plain[:1]):
        made = encode_batch(rows, b"S" * 16, b"I" * 16, b"\x61" * 32, b"\x62" * 32)
        yield made.root + len(made.main).to_bytes(4) + made.main + (made.protected or b"")


def answers() -> Iterator[bytes]:
    common = {"object": "0f" * 32, "sender": "1e" * 16, "compartment": "depv/process"}
    yield BrokerAnswer(
        **common, verdict="admitted", period="2026q4", index=7, admitted_ms=1_790_000_000_000
    ).encode()
    yield BrokerAnswer(
        **common,
        verdict="refused",
        reason=Reason.GAP,
        message="m",
        basis="b",
        head=head_of(HEADER.encode(), b"s" * 9),
    ).encode()


def samples() -> Iterator[tuple[str, list[bytes]]]:
    """(decoder, its seeds)."""
    encoded, wrapped = signals(), wrap(bytes(64), READER.public, b"info")
    enclave = load(HERE.parent / "unit" / "schemas" / "conftest.py").Enclave()
    entry = Entry(1_790_000_000_000, 12, HEADER.encode(), signature_hash(b"s" * 60))
    epoch = EpochBody(
        audience=1, reply_to=bytes(16), commitment=b"c" * 32, protected_commitment=b"d" * 32, slots=()
    )
    one = Slot(READER.key_id, wrapped)
    runs = tuple(Run("2026q4", 9 * n + 3, 9 * n + 5, 2, 1, ReceiptState.OPENED) for n in range(3))
    acts = [
        encode_act(msgspec.json.decode(a % format_id(IDS[0]).encode(), type=Act), IDS[0]).sections
        for a in ACTS
    ]
    checkpoints = [Checkpoint("test/2026q4/depv/process", size, b"\7" * 32) for size in (0, 12)]
    signed = [LOG.sign(c, 1_790_000_000) for c in checkpoints]
    whole = list(envelopes())
    clear = msgspec.structs.replace(HEADER, kind=10, count=0)
    yield "header", [HEADER.encode(), whole[1].header_bytes, clear.encode()]
    yield "envelope", [e.encode() for e in whole]
    yield "entry", [entry.encode()]
    yield "epoch_body", [epoch.encode(), msgspec.structs.replace(epoch, slots=(one,)).encode()]
    yield "end_of_epoch", [EndOfEpoch(0, 0).encode(), EndOfEpoch(5, 9).encode()]
    yield "receipt", [Receipt("2026q4", 12, b"r" * 32, runs[:n]).encode() for n in (1, 3)]
    yield "recall", [Recall(b"o" * 32, "2026", 7, IDS[0], RecallReason.LEGAL).encode()]
    yield "share", [Share((ShareSlot(b"I" * 16, READER.key_id, wrapped),)).encode()]
    yield "key_object", [KeyObject(KEY.public.raw, READER.public).encode()]
    yield "directory_entry", [DirectoryEntry(t, 1_000, b"h" * 32).encode() for t in (1, 2)]
    yield (
        "submission",
        [
            Submission(b"note").encode(),
            Submission(b"n", (KeyObject(KEY.public.raw, READER.public).encode(),)).encode(),
        ],
    )
    prekey = PrekeyStatement(HEADER.enclave_id, KEY.public.sender_id, 1, READER.public)
    yield (
        "statement",
        [prekey.sign(KEY), OwnRevocation(HEADER.enclave_id, KEY.public.sender_id, 1_000).sign(KEY)],
    )
    yield "note", [signed[1], "one\n\ntwo é\n\n— n AAAAAAE=\n— m AAAAAAI=\n".encode()]
    for place, name in enumerate(("handling", "report", "indicators", "protected")):
        yield name, [data for s in encoded if (data := s.sections[place])]
    yield "act", [bytes((len(a[0] or b""),)) + (a[0] or b"") + (a[1] or b"") for a in acts]
    yield "sealed_body", [join_parts(b"m" * 328, b""), join_parts(b"m" * 328, b"p" * 400)]
    yield "padding", [pad(b""), pad(b"text"), pad(b"x" * 300)]
    yield "batch", list(batches())
    yield "checkpoint", signed
    yield "signed_checkpoint", signed
    yield (
        "register",
        [enclave.text().encode(), enclave.text(version=2, threshold=1, registrars=(2,)).encode()],
    )
    yield "vkey", [format_vkey("registrar-1", b"\1" + bytes(32)).encode(), format_vkey("n", b"\6").encode()]
    yield "signal_id", [format_id(i).encode() for i in IDS[:2]]
    yield "subject", [ingress_subject(PROCESS, a, "ncsc").encode() for a in (Action.PUBLISH, Action.READ)]
    yield "compartment", [b"depv/process", b"ong/international"]
    yield "base64", [to_base64(bytes(range(n))).encode() for n in (1, 30, 32)]
    yield "feed_headers", ["\n".join(feed_headers(entry, b"s" * 60).values()).encode()]
    yield "answer", list(answers())
    yield "signal_json", [SMALL, LARGE]
    yield "slot", [wrapped]


def load(path: Path) -> ModuleType:
    """A Python file as a module, by its path."""
    spec = importlib.util.spec_from_file_location(f"corpus_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"cannot load {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Write every seed; refuse one that its decoder does not accept."""
    fuzz = load(HERE / "fuzz_decoders.py")
    for name, seeds in samples():
        folder = HERE / "corpus" / name
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("seed-*"):
            old.unlink()
        for number, seed in enumerate(seeds, 1):
            if not fuzz.run_one(name, seed):
                sys.exit(f"{name}: seed {number} is not accepted")
            (folder / f"seed-{number}").write_bytes(seed)


if __name__ == "__main__":
    main()
