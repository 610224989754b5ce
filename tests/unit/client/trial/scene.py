# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""A reader in the middle of an honest log, and what it says when the next message is not the honest one."""

from __future__ import annotations

from typing import Any

import pytest

from seinpost._transport import StoredMessage
from seinpost._trusted_feed import TrustedFeed
from seinpost_schemas.envelope import Envelope
from seinpost_schemas.errors import InvalidError, RefusedError
from seinpost_schemas.sections import EncodedSignal

from .enclave import identity
from .log import TrialLog, take


def refuse(feed: TrustedFeed, message: StoredMessage, name: str) -> InvalidError | RefusedError:
    """The error, of this name, with which the feed refuses the message; nothing in it has changed."""
    before = (feed.encode(), feed.size, feed.root())
    with pytest.raises((InvalidError, RefusedError)) as caught:
        take(feed, message)
    error = caught.value
    assert (error.code if isinstance(error, InvalidError) else str(error.reason)) == name, error
    assert (feed.encode(), feed.size, feed.root()) == before
    return error


class Scene:
    """ncsc has an epoch for everyone and has sent one envelope under it; the reader has accepted both."""

    def __init__(self, log: TrialLog) -> None:
        self.log = log
        self.enclave = log.enclave
        self.ncsc, self.ibd = identity("ncsc-1"), identity("ibd-1")
        self.epoch, self.secrets = log.epoch(self.ncsc)
        log.append(self.epoch)
        self.first = log.signals(self.ncsc, self.secrets)
        log.append(self.first)
        self.feed = log.reader()
        self.envelope = log.signals(self.ncsc, self.secrets)
        self.honest = log.message(self.envelope)
        """What an honest broker would send next."""

    def signals(self, *batch: EncodedSignal, **change: Any) -> Envelope:
        """Another envelope of ncsc under its epoch; its next one but for what is changed."""
        return self.log.signals(self.ncsc, self.secrets, batch, **change)

    def refuse(self, message: StoredMessage, name: str) -> InvalidError | RefusedError:
        """Refused by name, changing nothing: the honest message is accepted after it."""
        error = refuse(self.feed, message, name)
        assert take(self.feed, self.honest).envelope.object_hash == self.envelope.object_hash
        return error
