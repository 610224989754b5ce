# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What codes are called on a page. English is the source; the catalogue has the Dutch (``cli/_text.py``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from seinpost.local_time import local_time
from seinpost.receipts import PartyReceipt
from seinpost.texts import Texts
from seinpost_schemas.compartment import CARRIED, Theme

from .marking import DATE, LOWEST, Marking

MONTHS = {
    "nl": (
        "januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober",
        "november", "december",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ),
}  # fmt: skip
_MOMENT_FORMAT = {"nl": "%d-%m-%Y %H:%M", "en": "%Y-%m-%d %H:%M"}
COORDINATORS_ONLY = "Only a coordinator may do this."
NOT_ON_A_WALL = "A wall screen does nothing. Leave the wall screen first."

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
STATUS = {"pending": "not yet confirmed", "audited": "confirmed", "alarm": "alarm", "recalled": "taken back"}
"""For officials; pending, audited and alarm are the technical words (docs/glossary.md)."""
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
    "corroborate": "Confirm from a source of our own",
    "dispute": "Dispute",
    "false-positive": "False alarm",
    "action-taken": "Action taken",
    "question": "Ask a question",
}
REAL = {
    "audited": "yes, because enough witnesses confirmed the log, and it is exactly what we received.",
    "pending": "so it seems. The signature is right; witnesses are still confirming the log, which takes seconds.",
    "alarm": "not certain. There is an alarm about this log, and this signal was not confirmed before it. "
    "Check with the sender before you act on it.",
    "recalled": "it does not matter any more: its sender took it back. Do not act on it.",
    "suspect": "nobody can tell. The key that signed it was revoked, and may have been in other hands. "
    "Call the sender before you act on it.",
}
"""After "Genuine and unchanged:"; of a suspect signal after "Genuine:", and its status after "Unchanged …"."""
WHY = {
    "recalled": "Taken back by its sender.",
    "pending": "Witnesses are confirming it; that takes seconds.",
    "audited": "Confirmed by witnesses.",
    "alarm": "Alarm about this log: check with the sender before you act.",
    "suspect": "Whether its sender made it, nobody can tell: call the sender before you act.",
}
OWN_REVOCATION = "revoked by the identity itself"
"""The one reason for a revocation that no registrar wrote."""
ITS_KEY = "its key was revoked: may be forged"
RECALL_REASONS = {
    "mistake": "it was a mistake",
    "false-positive": "it was a false alarm",
    "wrong-audience": "it went to the wrong readers",
    "personal-data": "it held personal data",
    "legal": "for a legal reason",
    "superseded": "something newer replaces it",
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
    "acknowledged": "taken up",
    "withdrawn": "withdrawn from view",
}
REBUILT = {
    "damaged": "The index of this console was changed or damaged. It is built again from the logs.",
    "put-back": "The index of this console was put back from an earlier moment. It is built again from the logs.",
    "lost": "The index of this console was gone. It is built again from the logs.",
}
ROLES = {"reader": "reader", "coordinator": "coordinator"}
TLP = {
    "clear": "TLP:CLEAR",
    "green": "TLP:GREEN",
    "amber": "TLP:AMBER",
    "amber+strict": "TLP:AMBER+STRICT",
    "red": "TLP:RED",
}
AUDIENCES = {
    "all": "everyone who reads this theme",
    "tafel": "the coordination table and your own organisation",
    "own": "your own organisation",
}
TACTICS = {
    "TA01": "Plan Strategy",
    "TA02": "Plan Objectives",
    "TA05": "Microtarget",
    "TA06": "Develop Content",
    "TA07": "Select Channels and Affordances",
    "TA08": "Conduct Pump Priming",
    "TA09": "Deliver Content",
    "TA10": "Drive Offline Activity",
    "TA11": "Persist in the Information Environment",
    "TA12": "Assess Effectiveness",
    "TA13": "Target Audience Analysis",
    "TA14": "Develop Narratives",
    "TA15": "Establish Assets",
    "TA16": "Establish Legitimacy",
    "TA17": "Maximise Exposure",
    "TA18": "Drive Online Harms",
}
"""DISARM's tactics. Its techniques have English names only."""
INDICATOR_KINDS = {
    "artifact": "artifact",
    "autonomous-system": "autonomous system",
    "directory": "directory",
    "domain-name": "domain name",
    "email-addr": "e-mail address",
    "email-message": "e-mail message",
    "file": "file",
    "file-md5": "file, MD5",
    "file-sha1": "file, SHA-1",
    "file-sha256": "file, SHA-256",
    "file-sha512": "file, SHA-512",
    "ipv4-addr": "IP address",
    "ipv6-addr": "IPv6 address",
    "mac-addr": "MAC address",
    "mutex": "mutex",
    "network-traffic": "network traffic",
    "process": "process",
    "software": "software",
    "url": "web address",
    "user-account": "account",
    "windows-registry-key": "Windows registry key",
    "x509-certificate": "certificate",
    "other": "other",
}
DONE = {
    "acknowledge": "The sender hears with our next receipt that you took it up.",
    "feedback": "Your answer was sent.",
    "choose": "Choose an answer first.",
    "status": "Your colleagues see it now.",
    "assign": "Your colleagues see who takes it on.",
    "people": "Changed.",
    "no-number": "A number has 1 to 40 letters, digits and hyphens; nothing was changed.",
    "unverified": "The proof could not be gone through: the broker does not answer. Try again in a moment.",
    "unproven": "There is no proof of this signal yet. Try again once witnesses have confirmed it.",
}
FAULTS = {
    "theme": "Choose a theme.",
    "classification": "Choose a classification.",
    "audience": "Choose who may read it.",
    "title": "A title is needed, of 200 characters at most.",
    "text": "A text is needed, of 20,000 characters at most.",
    "valid_until": "A date is needed that has not passed.",
    "classified_until": "Until when is it classified? A date or an event is needed above Ongerubriceerd.",
    "election": "An election is letters and a year, such as TK2025.",
    "technique": "This technique is not in the DISARM vocabulary: choose one from the list.",
    "indicators": "An indicator is too long, or there are more than 500.",
    "severity": "Choose a severity.",
    "other": "Something in this form cannot be sent.",
}
STOPPED = {
    "missing": "This is not here, or not shown in this mode.",
    "role": COORDINATORS_ONLY,
    "wall": NOT_ON_A_WALL,
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
    SEVERITIES, TYPES, STATUS, URGENCY, PERSONAL_DATA, RELIABILITY, CREDIBILITY, FEEDBACK,
    REAL, WHY, RECALL_REASONS, REFUSALS, DONE, REBUILT, ROLES, OPENINGS, REASONS, AUDIENCES, TACTICS,
    INDICATOR_KINDS, FAULTS, STOPPED, {"": OTHER_REASON, "key": ITS_KEY, "own": OWN_REVOCATION},
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


def audience_name(token: str, texts: Texts) -> str:
    """An audience in words; one that a register added goes by its own name."""
    return texts(AUDIENCES[token]) if token in AUDIENCES else token


def reason_sentence(reason: str, texts: Texts) -> str:
    """Why something was refused, in a sentence."""
    return texts(REASONS.get(reason, OTHER_REASON))


def is_doubted(status: str, suspicion: str | None) -> bool:
    """Whether its key was revoked: then a confirmed log says that it is unchanged, and not who made it."""
    return suspicion is not None and status != "recalled"


def why_sentence(status: str, suspicion: str | None, texts: Texts) -> str:
    """How it stands, in a sentence; of a doubted one what to do, and an alarm about its log after that."""
    if not is_doubted(status, suspicion):
        return texts(WHY[status])
    said = f"{texts(ITS_KEY)[0].upper()}{texts(ITS_KEY)[1:]}. {texts(WHY['suspect'])}"
    return f"{said} {texts(WHY['alarm'])}" if status == "alarm" else said


def opened_by(openings: Sequence[PartyReceipt], own: str, texts: Texts) -> str:
    """How many of the other organisations have opened a signal, and how many should have by now."""
    others = [o for o in openings if o.party != own]
    if not others:
        return ""
    opened = sum(o.state in ("opened", "acknowledged") for o in others)
    late = sum(o.late for o in others)
    said = texts("opened by {n} of {all}").format(n=opened, all=len(others))
    return said + (texts(", {n} too late").format(n=late) if late else "")


def duration(seconds: int, texts: Texts) -> str:
    """A length of time, in one unit."""
    for unit_seconds, text in (
        (86_400, texts("{n} days")),
        (3_600, texts("{n} hours")),
        (60, texts("{n} min")),
    ):
        if seconds >= 2 * unit_seconds or (unit_seconds == 60 and seconds >= 60):
            return text.format(n=seconds // unit_seconds)
    return texts("{n} s").format(n=max(0, seconds))


def moment(at: dt.datetime | int, language: str) -> str:
    """A moment in this machine's time zone, as the language writes it; a number is in Unix milliseconds."""
    here = local_time(at)
    return here.strftime(_MOMENT_FORMAT[language]) + (" UTC" if here.tzinfo is dt.UTC else "")


def long_date(day: dt.date, language: str) -> str:
    """A day as people write it in a letter."""
    return f"{day.day} {MONTHS[language][day.month - 1]} {day.year}"


def until_words(marking: Marking, language: str, texts: Texts) -> str:
    """How long a marking holds: nothing for a page without classified signals."""
    if marking.level == LOWEST:
        return ""
    if marking.until is None:
        return texts("(until when: see each signal)")
    return texts("until {until}").format(until=until_date(marking.until, language))


def until_date(until: str, language: str) -> str:
    """A date in words, or the event that was named instead; never longer than a margin."""
    try:
        return long_date(dt.date.fromisoformat(until), language) if DATE.fullmatch(until) else until[:80]
    except ValueError:
        return until[:80]


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
