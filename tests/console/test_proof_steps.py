# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The button that verifies a proof really does: for every step there is a change that it alone fails on."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable

import msgspec
import pytest
from browsing import Stage
from harness.enclave import Enclave

import seinpost
from seinpost.cli._text import load_texts
from seinpost.console.proof_steps import Step, verify_steps
from seinpost.proving import Evidence
from seinpost_schemas.errors import SplitViewError
from seinpost_schemas.signal_proof import SignalProof

pytestmark = [pytest.mark.nats]
STEPS = (
    "envelope",
    "directory",
    "signature",
    "mandate",
    "chain",
    "sections",
    "checkpoint",
    "quorum",
    "inclusion",
    "own",
)


@pytest.fixture(scope="module")
def enclave(stage: Stage) -> Enclave:
    return stage.enclave


async def gather(enclave: Enclave) -> Evidence:
    """What the second of several signals that were signed together rests on, once it is audited."""
    found: list[seinpost.Delivery] = []

    async def read(reader: seinpost.Connection) -> None:
        async for delivery in reader.signals(from_start=True):
            if delivery.sender == "ncsc" and delivery.number == 1:
                found.append(delivery)

    async with seinpost.connect(enclave.config("politie"), receipts=False) as reader, asyncio.timeout(60):
        reading = asyncio.ensure_future(read(reader))
        while not found or reader.status(found[0]) != "audited":
            await asyncio.sleep(0.1)
        evidence = await reader.evidence(found[0])
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    return evidence


@pytest.fixture(scope="module")
def held() -> list[Evidence]:
    return []


@pytest.fixture
async def evidence(enclave: Enclave, held: list[Evidence]) -> Evidence:
    if not held:
        held.append(await gather(enclave))
    return held[0]


def steps_of(evidence: Evidence | SplitViewError, enclave: Enclave) -> list[Step]:
    root = enclave.trusted_directory().enclave_id
    return verify_steps(evidence, root, str.upper, load_texts("en"))


def outcomes(evidence: Evidence | SplitViewError, enclave: Enclave) -> list[str]:
    return [step.outcome for step in steps_of(evidence, enclave)]


async def test_every_step_of_an_audited_signal_holds_and_shows_its_figures(
    evidence: Evidence, enclave: Enclave
) -> None:
    steps = steps_of(evidence, enclave)
    assert [step.outcome for step in steps] == ["good"] * len(STEPS)
    details = dict(zip(STEPS, (step.detail for step in steps), strict=True))
    assert "register version 1" in details["directory"]
    assert details["signature"].startswith("ncsc-1 · Ed25519 + ML-DSA-65 · ")
    assert "basis: " in details["mandate"]
    assert "signal 2 of 2 that were signed together" in details["sections"]
    witnesses = {"AP-WITNESS", "IBD-WITNESS", "NCSC-WITNESS", "TOEZICHT-WITNESS"}
    shown = details["quorum"].partition(" of at least 3: ")[2].split(", ")
    assert len(shown) >= 3
    assert set(shown) <= witnesses
    assert details["own"].endswith(evidence.own_root.hex())


def flipped(text: str, at: int = 0) -> str:
    raw = bytearray(base64.b64decode(text))
    raw[at] ^= 1
    return base64.b64encode(raw).decode()


def with_log(proof: SignalProof, /, **changes: object) -> SignalProof:
    return msgspec.structs.replace(proof, log=msgspec.structs.replace(proof.log, **changes))


def other_directory(proof: SignalProof) -> SignalProof:
    entries = proof.directory.entries[:-1]
    return msgspec.structs.replace(proof, directory=msgspec.structs.replace(proof.directory, entries=entries))


def other_title(proof: SignalProof) -> SignalProof:
    sections = list(proof.signal.sections)
    sections[1] = msgspec.structs.replace(sections[1], data=flipped(sections[1].data or "", -1))
    return msgspec.structs.replace(
        proof, signal=msgspec.structs.replace(proof.signal, sections=tuple(sections))
    )


def without_lines(proof: SignalProof, of: str) -> SignalProof:
    """The checkpoint without one of the log's own signatures, or without the witnesses'."""
    lines = proof.log.proof.splitlines(keepends=True)
    signatures = [line for line in lines if line.startswith("— ")]
    own = [line for line in signatures if "/witness/" not in line]
    dropped = own[:1] if of == "log" else [line for line in signatures if line not in own][1:]
    return with_log(proof, proof="".join(line for line in lines if line not in dropped))


def other_path(proof: SignalProof) -> SignalProof:
    """Another entry beside ours in the tree."""
    lines = proof.log.proof.split("\n")
    lines[2] = flipped(lines[2])
    return with_log(proof, proof="\n".join(lines))


CHANGES: dict[str, Callable[[Evidence], Evidence | SplitViewError]] = {
    "envelope": lambda _: SplitViewError("the broker gives another entry"),
    "directory": lambda e: msgspec.structs.replace(e, proof=other_directory(e.proof)),
    "signature": lambda e: msgspec.structs.replace(
        e, proof=with_log(e.proof, signature=flipped(e.proof.log.signature))
    ),
    # A year on, the register and every mandate in it have ended.
    "mandate": lambda e: msgspec.structs.replace(
        e, proof=with_log(e.proof, admitted_ms=e.proof.log.admitted_ms + 400 * 86_400_000)
    ),
    "chain": lambda e: msgspec.structs.replace(e, previous=bytes(range(32))),
    "sections": lambda e: msgspec.structs.replace(e, proof=other_title(e.proof)),
    "checkpoint": lambda e: msgspec.structs.replace(e, proof=without_lines(e.proof, "log")),
    "quorum": lambda e: msgspec.structs.replace(e, proof=without_lines(e.proof, "witness")),
    "inclusion": lambda e: msgspec.structs.replace(e, proof=other_path(e.proof)),
    "own": lambda e: msgspec.structs.replace(e, own_root=bytes(32)),
}


@pytest.mark.parametrize("step", STEPS)
async def test_a_step_fails_on_its_own_fault_and_nothing_is_looked_at_after_it(
    evidence: Evidence, enclave: Enclave, step: str
) -> None:
    at = STEPS.index(step)
    expected = ["good"] * at + ["bad"] + ["skipped"] * (len(STEPS) - at - 1)
    assert outcomes(CHANGES[step](evidence), enclave) == expected


async def test_a_chain_that_was_cut_before_it_fails(evidence: Evidence, enclave: Enclave) -> None:
    cut = msgspec.structs.replace(evidence, previous=None)
    assert outcomes(cut, enclave)[STEPS.index("chain")] == "bad"


async def test_a_shorter_copy_of_the_log_is_not_ours(evidence: Evidence, enclave: Enclave) -> None:
    shorter = msgspec.structs.replace(evidence, tree_size=evidence.tree_size - 1)
    assert outcomes(shorter, enclave)[-1] == "bad"


async def test_a_pending_signal_is_verified_as_far_as_it_goes(evidence: Evidence, enclave: Enclave) -> None:
    pending = msgspec.structs.replace(
        evidence, proof=with_log(evidence.proof, proof=""), tree_size=0, own_root=b""
    )
    assert outcomes(pending, enclave) == ["good"] * 6 + ["waiting"] * 4
