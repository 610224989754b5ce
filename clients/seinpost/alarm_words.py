# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What each alarm of a reader is called, and what to do about it: in the terminal and on a page. Pure.

English is the source; the catalogue has the Dutch (``cli/_text.py``).
"""

from __future__ import annotations

from collections.abc import Callable

ALARMS = {
    "split-view": "The log that we received differs from the log that was signed. Someone may be shown another feed.",
    "withheld-tail": "There are newer entries that we do not get. Signals may be withheld from us.",
    "rolled-back": "The log has become shorter. Signals may have been taken away.",
    "stale-checkpoint": "Nothing was confirmed for over a minute. Newer signals may be missing.",
    "missing-log": "A log that must exist says nothing. Signals may be missing.",
    "quorum": "Too few witnesses confirmed a log.",
    "unknown-witness": "A witness that the register does not name confirmed a log.",
    "signature": "A signature is not right. What it covers is not shown.",
    "binding": "Something stands in a place where it does not belong. It is not shown.",
    "directory-missing": "The feed waits for a directory entry that has not come.",
    "update-needed": "A newer version of Seinpost is needed to read an entry.",
    "id-reused": "One signal number was used for two different contents. The second is not shown.",
    "unforeseen": "This software could not deal with an entry. What is in it is not shown; everything else is.",
    "keys-stand-still": "The keys of this machine are no longer replaced each day. Signals are read as before.",
    "gap": "An entry, or a message of a sender, is missing. Something may have been taken away.",
    "reordering": "Entries came twice, or in another order than they were logged in. Those are not shown.",
    "fork": "A sender signed two different messages for one place in its series. The second is not shown.",
    "epoch-cut-short": "A sender counts other messages than we received. Some may have been taken away.",
    "bad-slot": "Something was sealed to us that this machine cannot open. Its signals are not shown.",
    "disputed-root": "Another reader received another log than we did. Someone may be shown another feed.",
    "state-lost": "What this machine kept of its reading was lost, or put back. It reads everything again.",
    "unproven": "The broker called something admitted, and has not proven that it is in the log.",
    "cut-at-closing": "A log was closed with fewer entries than we received. Signals may have been taken away.",
    "after-closing": "Something was added to a log after it was closed. It is not shown.",
    "missing-closing": "A period is over, and its log was not closed. The end of it may be withheld from us.",
}
OTHER_ALARM = "Something in the feed is not as it must be. What does not verify is not shown."
ADVICE = {
    "split-view": "Call the broker's operator and another reader, by telephone, and compare what each of you has.",
    "withheld-tail": "Call the broker's operator. Ask senders by telephone whether they sent something new.",
    "rolled-back": "Call the broker's operator. Act on nothing in this log that you cannot confirm with its sender.",
    "stale-checkpoint": "Wait a minute; if it lasts, call the broker's operator and the witnesses.",
    "missing-log": "Call the broker's operator.",
    "quorum": "Call the organisations that witness: too few of them are at work.",
    "unknown-witness": "Call the registrars.",
    "signature": "Call the sender, by telephone. Nothing of it was taken in.",
    "binding": "Call the broker's operator.",
    "directory-missing": "Call the broker's operator.",
    "update-needed": "Have Seinpost updated here.",
    "id-reused": "Call the sender, by telephone.",
    "unforeseen": "Ask the sender by telephone what it sent, and have the makers of Seinpost told of the code.",
    "keys-stand-still": "Start Seinpost again here. If it comes back, have the makers of Seinpost told of the code.",
    "gap": "Call the broker's operator, and ask the sender by telephone what it sent.",
    "reordering": "Call the broker's operator.",
    "fork": "Call the sender, by telephone: its key may be in other hands.",
    "epoch-cut-short": "Call the broker's operator, and ask the sender by telephone what it sent.",
    "bad-slot": "Ask the sender by telephone what it sent, and have it sent again.",
    "disputed-root": "Call the broker's operator and another reader, by telephone, and compare what each of you has.",
    "state-lost": "Ask who put a backup back on this machine. If nobody did, call your own security officer.",
    "unproven": "Call the broker's operator. Until there is proof, act as if it had not arrived.",
    "cut-at-closing": "Call the broker's operator.",
    "after-closing": "Call the broker's operator.",
    "missing-closing": "Call the broker's operator.",
}
OTHER_ADVICE = "Call the broker's operator, and name the code."
BY_VALUE = (ALARMS, ADVICE, {"alarm": OTHER_ALARM, "advice": OTHER_ADVICE})
"""Looked up by a code: their values are in the catalogue too."""


def alarm_sentence(code: str, texts: Callable[[str], str]) -> str:
    """An alarm in a sentence."""
    return texts(ALARMS.get(code, OTHER_ALARM))


def alarm_advice(code: str, texts: Callable[[str], str]) -> str:
    """What to do about it."""
    return texts(ADVICE.get(code, OTHER_ADVICE))
