# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The proof of one signal, verified once more step by step for whoever asks. Pure.

1. the envelope that the broker hands out is the one that was received (whoever gathers the evidence compares)
2. directory: from the enclave_id to the register in force, under a checkpoint with a quorum
3. signature: both halves, by the key that the directory names
4. mandate: at the directory size of the entry
5. chain: it follows what its sender sent before
6. sections: their digests lead to the batch root that was signed
7. checkpoint: both signatures of the log
8. quorum: enough witnesses under that checkpoint
9. inclusion: from the entry to the signed root
10. our own copy: the root recomputed from every entry received is the signed one

After a step that fails nothing more is looked at: what rests on it would say nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from seinpost.proving import Evidence
from seinpost.texts import Texts
from seinpost_schemas.errors import InvalidError, ProofError, RefusedError
from seinpost_schemas.header import ZERO_32, object_hash
from seinpost_schemas.signal_proof import ProofSteps

Outcome = Literal["good", "waiting", "bad", "skipped"]
Gathered = Evidence | InvalidError | RefusedError
"""What a signal rests on, or why that could not even be gathered."""


class Step(NamedTuple):
    """One thing that was verified, is not there yet, does not hold, or was not looked at any more."""

    outcome: Outcome
    text: str
    detail: str = ""


class Check(NamedTuple):
    """A step before it is gone through: what it asks, and what verifies it and gives its figures."""

    text: str
    verify: Callable[[], str]
    needs_checkpoint: bool = False


def verify_steps(
    evidence: Gathered, enclave_id: bytes, witness_name: Callable[[str], str], texts: Texts
) -> list[Step]:
    """Every step with its outcome and figures; what could not even be gathered fails the first one."""
    steps = []
    failed = False
    for check in _checks(evidence, enclave_id, witness_name, texts):
        if failed:
            steps.append(Step("skipped", check.text))
            continue
        if check.needs_checkpoint and isinstance(evidence, Evidence) and not evidence.proof.log.proof:
            steps.append(
                Step("waiting", check.text, texts("No checkpoint with a quorum covers this signal yet."))
            )
            continue
        try:
            steps.append(Step("good", check.text, check.verify()))
        except (InvalidError, RefusedError) as error:
            steps.append(Step("bad", check.text, _said(error)))
            failed = True
    return steps


def _said(error: InvalidError | RefusedError) -> str:
    return f"{error.reason}: {error.message}" if isinstance(error, RefusedError) else f"{error.code}: {error}"


def _checks(
    evidence: Gathered, enclave_id: bytes, witness_name: Callable[[str], str], texts: Texts
) -> Iterator[Check]:
    walk = _Walk(evidence, enclave_id, witness_name, texts)
    yield Check(texts("The broker still gives the very envelope that we received."), walk.envelope)
    yield Check(
        texts("The register in force is signed all the way back to the start of this enclave."),
        walk.directory,
    )
    yield Check(texts("The sender's two signatures are right."), walk.signature)
    yield Check(texts("The sender had a mandate for this when it was admitted."), walk.mandate)
    yield Check(texts("It follows directly on what its sender sent before."), walk.chain)
    yield Check(texts("What you read is what was signed, to the letter."), walk.sections)
    yield Check(
        texts("The checkpoint has both signatures of the log."), walk.checkpoint, needs_checkpoint=True
    )
    yield Check(
        texts("Enough witnesses at other organisations cosigned it."), walk.quorum, needs_checkpoint=True
    )
    yield Check(texts("This signal is in the log that they cosigned."), walk.inclusion, needs_checkpoint=True)
    yield Check(
        texts("Everything that we received gives exactly that log."), walk.own_copy, needs_checkpoint=True
    )


class _Walk:
    """What verifies each step; every method returns the step's figures or raises."""

    def __init__(
        self,
        evidence: Gathered,
        enclave_id: bytes,
        witness_name: Callable[[str], str],
        texts: Texts,
    ) -> None:
        self._given = evidence
        self._enclave_id = enclave_id
        self._witness_name = witness_name
        self._texts = texts

    @property
    def _evidence(self) -> Evidence:
        if not isinstance(self._given, Evidence):
            raise self._given
        return self._given

    def envelope(self) -> str:
        self._proof = ProofSteps(self._evidence.proof, self._enclave_id)
        return self._texts("enclave {id}").format(id=self._enclave_id.hex())

    def directory(self) -> str:
        register = self._proof.verify_directory()
        said = self._texts("register version {version}, directory of {n} entries")
        return said.format(version=register.version, n=self._proof.directory.size)

    def signature(self) -> str:
        member = self._proof.verify_signature()
        return f"{member.identity.name} · Ed25519 + ML-DSA-65 · {self._proof.header.sender_id.hex()}"

    def mandate(self) -> str:
        mandate = self._proof.verify_mandate()
        said = self._texts("at directory size {size}; basis: {basis}")
        return said.format(size=self._proof.entry.directory_size, basis=mandate.basis)

    def chain(self) -> str:
        header, previous = self._proof.header, self._evidence.previous
        if header.prev_hash != (ZERO_32 if previous is None else previous):
            raise ProofError("it names another envelope before it than the one that was received")
        own = object_hash(header.encode()).hex()
        if previous is None:
            return self._texts("the first of this sender here; {hash}").format(hash=own)
        return self._texts("number {seq} of this sender; {hash}").format(seq=header.seq, hash=own)

    def sections(self) -> str:
        _, sections = self._proof.verify_sections()
        shown = sum(section is not None for section in sections)
        said = self._texts("{n} sections; signal {number} of {count} that were signed together")
        number = self._evidence.proof.batch.number + 1
        return said.format(n=shown, number=number, count=self._proof.header.count)

    def checkpoint(self) -> str:
        checkpoint = self._proof.verify_checkpoint()
        return f"{checkpoint.origin} · {checkpoint.tree_size} · Ed25519 + ML-DSA-44"

    def quorum(self) -> str:
        _, names = self._proof.verify_quorum()
        quorum = self._proof.directory.current.register.quorum
        said = self._texts("{count} of at least {quorum}: {names}")
        shown = ", ".join(self._witness_name(name.rpartition("/")[2]) for name in names)
        return said.format(count=len(names), quorum=quorum, names=shown)

    def inclusion(self) -> str:
        index = self._proof.verify_inclusion()
        said = self._texts("entry {index} of {size}")
        return said.format(index=index, size=self._proof.checkpoint.tree_size)

    def own_copy(self) -> str:
        evidence, checkpoint = self._evidence, self._proof.checkpoint
        if (evidence.tree_size, evidence.own_root) != (checkpoint.tree_size, checkpoint.root_hash):
            raise ProofError("the entries that were received have another root than the one that was signed")
        said = self._texts("root of {size} entries: {root}")
        return said.format(size=evidence.tree_size, root=checkpoint.root_hash.hex())
