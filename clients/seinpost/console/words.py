# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What codes are called on a page. English is the source; the catalogue has the Dutch (``cli/_text.py``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seinpost.receipts import PartyReceipt
from seinpost_schemas.compartment import CARRIED, Theme

Texts = Callable[[str], str]

SEVERITIES = {
    5: "critical",
    4: "serious",
    3: "considerable",
    2: "limited",
    1: "slight",
    0: "no severity given",
}
TYPES = {
    "incident": "incident",
    "indicator": "indicator",
    "assessment": "assessment",
    "alert": "alert",
    "request-for-information": "request-for-information",
}
STATUS = {"pending": "pending", "audited": "audited", "alarm": "alarm", "recalled": "recalled"}
URGENCY = {
    "low": "low urgency",
    "normal": "normal urgency",
    "high": "high urgency",
    "immediate": "immediate",
}
PERSONAL_DATA = {
    "none": "no personal data",
    "personal": "personal data",
    "special": "special categories of personal data",
}
RELIABILITY = {
    "A": "completely reliable",
    "B": "usually reliable",
    "C": "fairly reliable",
    "D": "not usually reliable",
    "E": "unreliable",
    "F": "reliability cannot be judged",
}
CREDIBILITY = {
    1: "confirmed by other sources",
    2: "probably true",
    3: "possibly true",
    4: "doubtful",
    5: "improbable",
    6: "truth cannot be judged",
}
FEEDBACK = {
    "corroborate": "Corroborate",
    "dispute": "Dispute",
    "false-positive": "False positive",
    "action-taken": "Action taken",
    "question": "Ask a question",
}
ALARMS = {
    "split-view": "The log that we received differs from the log that was signed. Someone may be shown another feed.",
    "withheld-tail": "There are newer entries that we do not get. Signals may be withheld from us.",
    "rolled-back": "The log has become shorter. Signals may have been taken away.",
    "stale-checkpoint": "Nothing was confirmed for over a minute. Newer signals may be missing.",
    "missing-log": "A log that must exist says nothing. Signals may be missing.",
    "quorum": "Too few witnesses confirmed a log.",
    "unknown-witness": "A witness confirmed a log that the register does not name.",
    "signature": "A signature is not right. What it covers is not shown.",
    "binding": "Something stands in a place where it does not belong. It is not shown.",
    "directory-missing": "The feed waits for a directory entry that has not come.",
    "update-needed": "A newer version of Seinpost is needed to read an entry.",
    "id-reused": "One signal number was used for two different contents. The second is not shown.",
}
OTHER_ALARM = "Something in the feed is not as it must be. What does not verify is not shown."
PROOF = {
    "recalled": "Its sender took this signal back. Its content is not shown any more; do not act on it.",
    "pending": "Signature and place in the log are right. Witnesses have not confirmed the log up to here yet; "
    "that normally takes seconds.",
    "audited": "A quorum of witnesses confirmed the log, and it is exactly the log that we received.",
    "alarm": "There is an alarm about this log and this signal was not confirmed before it. "
    "Check with the sender before you act on it.",
}
PROOF_SHORT = {
    "recalled": "Taken back by its sender.",
    "pending": "Not yet confirmed by witnesses; that takes seconds.",
    "audited": "Confirmed by witnesses.",
    "alarm": "Alarm about this log: check with the sender before you act.",
}
REASONS = {
    "mandate": "Your organisation has no mandate for this.",
    "prohibited": "Your organisation must expressly not do this.",
    "ceiling": "The classification is above what may be sent here.",
    "classification": "The classification does not fit.",
    "audience": "This audience has no readers here, or does not exist.",
    "expired": "The date until which it is valid has passed.",
    "register-expired": "The register has expired; nothing can be sent until there is a new one.",
    "quota": "Your organisation has sent too much; try again later.",
    "unavailable": "No broker answered; it may still be sent later. Look in the queue before you send it again.",
    "revoked": "This console's keys were revoked.",
}
OTHER_REASON = "A rule of the enclave does not allow this."
OPENINGS = {
    "none": "not opened",
    "delivered": "arrived, not opened",
    "opened": "opened",
    "acknowledged": "acknowledged to the sender",
    "withdrawn": "withdrawn from view",
}
AT_TABLE = {"new": "new", "in-hand": "in hand", "closed": "closed"}
REBUILT = {
    "damaged": "The index of this console was changed or damaged. It is built again from the logs.",
    "put-back": "The index of this console was put back from an earlier moment. It is built again from the logs.",
    "lost": "The index of this console was gone. It is built again from the logs.",
}
ROLES = {"reader": "reader", "coordinator": "coordinator"}
DONE = {
    "acknowledge": "Acknowledged.",
    "feedback": "Your answer was sent.",
    "status": "Your colleagues see it now.",
    "unverified": "The proof could not be gone through: the broker does not answer. Try again in a moment.",
    "unproven": "There is no proof of this signal yet. Try again once witnesses have confirmed it.",
}
REFUSALS = {
    400: "This form could not be read.",
    401: "This console is closed for this browser. Use the link in the terminal where it was started; "
    "each link works once.",
    403: "This request did not come from the console itself and was refused.",
    404: "There is no such page.",
    405: "This way of asking is not known here.",
    413: "This form is too large.",
    415: "This kind of form is not known here.",
    500: "Something went wrong in the console; what you asked for may not have been done.",
    421: "This console answers under its own address only.",
}
BY_VALUE = (
    SEVERITIES, TYPES, STATUS, URGENCY, PERSONAL_DATA, RELIABILITY, CREDIBILITY, FEEDBACK, ALARMS, PROOF, PROOF_SHORT,
    REFUSALS, DONE, REBUILT, ROLES, OPENINGS, AT_TABLE, REASONS, {"": OTHER_REASON},
)  # fmt: skip
"""Every table that is looked up by a code: their values are in the catalogue too."""


def theme_name(token: str, language: str) -> str:
    """A theme as officials call it."""
    theme = Theme.parse(token)
    return theme.dutch if language == "nl" else theme.english[0].upper() + theme.english[1:]


def theme_short(token: str, texts: Texts) -> str:
    """A theme in a word or two."""
    return {
        "process": texts("Election process"),
        "debate": texts("Public debate"),
        "parties": texts("Political parties"),
        "international": texts("International"),
    }[token]


def classification_name(token: str) -> str:
    """A classification's own name, which is Dutch in every language."""
    return next((c.dutch for c in CARRIED if c.token == token), token)


def alarm_sentence(code: str, texts: Texts) -> str:
    """An alarm in a sentence."""
    return texts(ALARMS.get(code, OTHER_ALARM))


def reason_sentence(reason: str, texts: Texts) -> str:
    """Why something was refused, in a sentence."""
    return texts(REASONS.get(reason, OTHER_REASON))


def opened_by(openings: Sequence[PartyReceipt], texts: Texts) -> str:
    """How many of an audience have opened a signal, and how many should have by now."""
    opened = sum(o.state in ("opened", "acknowledged") for o in openings)
    late = sum(o.late for o in openings)
    said = texts("opened by {n} of {all}").format(n=opened, all=len(openings))
    return said + (texts(", {n} too late").format(n=late) if late else "")


def age(now_ms: int, then_ms: int, texts: Texts) -> str:
    """How long ago, in one unit."""
    seconds = max(0, now_ms - then_ms) // 1000
    if seconds < 60:
        return texts("just now")
    for unit_seconds, text in (
        (86_400, texts("{n} d ago")),
        (3_600, texts("{n} h ago")),
        (60, texts("{n} min ago")),
    ):
        if seconds >= unit_seconds:
            return text.format(n=seconds // unit_seconds)
    return ""
