# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The proof of one signal, gone through again step by step for whoever asks."""

from __future__ import annotations

from typing import Literal, NamedTuple

from seinpost.delivery import Delivery
from seinpost_schemas.checkpoint import LogPublicKeys, verify_checkpoint
from seinpost_schemas.cosignature import cosigned, verify_quorum
from seinpost_schemas.directory import log_keys_of
from seinpost_schemas.errors import InvalidError
from seinpost_schemas.note import parse_note
from seinpost_schemas.register import Register

from .words import Texts

Outcome = Literal["good", "waiting", "bad"]


class Step(NamedTuple):
    """One thing that was verified, or is not there yet."""

    outcome: Outcome
    text: str
    detail: str = ""


def verify_steps(
    delivery: Delivery, status: str, note: bytes, audited: int, register: Register, texts: Texts
) -> list[Step]:
    """What holds for a signal now; the checkpoint's signatures are verified again here."""
    steps = [
        Step(
            "good",
            texts("The sender's two signatures were right and its mandate held when it was received."),
            f"{delivery.sender} · {delivery.identity}",
        ),
        Step(
            "good",
            texts("It stands in the log at the place that the broker gave it."),
            f"{delivery.compartment} · {delivery.index}",
        ),
    ]
    if not note:
        return [*steps, Step("waiting", texts("No checkpoint with a quorum of witnesses has come yet."))]
    try:
        parsed = parse_note(note)
        origin = parsed.text.split("\n", 1)[0]
        checkpoint, _ = verify_checkpoint(note, origin, LogPublicKeys(*log_keys_of(register)))
        steps.append(
            Step("good", texts("The checkpoint has both signatures of the log."), f"{checkpoint.tree_size}")
        )
        verify_quorum(parsed, checkpoint, register.cosigners, register.quorum)
        names = cosigned(parsed, checkpoint, register.cosigners)
    except InvalidError as error:
        return [*steps, Step("bad", texts("The checkpoint does not hold."), f"{error.code}: {error}")]
    steps.append(
        Step(
            "good",
            texts("Enough witnesses cosigned it: {count} of at least {quorum}.").format(
                count=len(names), quorum=register.quorum
            ),
            ", ".join(sorted(str(n).rsplit("/", 1)[-1] for n in names)),
        )
    )
    if status in ("audited", "recalled") and delivery.index < audited:
        steps.append(
            Step(
                "good",
                texts("The log that we received has exactly the root hash that they signed."),
                checkpoint.root_hash.hex(),
            )
        )
    elif status == "alarm":
        steps.append(Step("bad", texts("An alarm about this log stands in the way.")))
    else:
        steps.append(
            Step("waiting", texts("The checkpoint ends before this signal; the next one will cover it."))
        )
    return steps
