# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Indicators written so that no program makes a link of them, and nobody opens one by accident."""

from __future__ import annotations

import re

_SCHEME = re.compile(r"^(h)tt(ps?)(?=:)|^(f)t(ps?)(?=:)", re.IGNORECASE)
_DOTTED = frozenset({"url", "domain-name", "ipv4-addr", "email-addr", "network-traffic"})


def defang(kind: str, value: str) -> str:
    """``https://bad.example/x`` as ``hxxps://bad[.]example/x``; other kinds stay as they are."""
    if kind == "ipv6-addr":
        return value.replace(":", "[:]", 1)
    if kind == "email-addr":
        value = value.replace("@", "[at]")
    if kind not in _DOTTED and not _SCHEME.match(value):
        return value
    value = _SCHEME.sub(lambda m: f"{m[1]}xx{m[2]}" if m[1] else f"{m[3]}x{m[4]}", value)
    scheme, separator, rest = value.partition("://")
    if not separator:
        return value.replace(".", "[.]")
    host, slash, path = rest.partition("/")
    return scheme + separator + host.replace(".", "[.]") + slash + path


def refang(value: str) -> str:
    """An indicator as it is, from how people write it to be safe."""
    value = re.sub(r"\bhxxp(?=s?:)", "http", value, flags=re.IGNORECASE)
    return value.replace("[.]", ".").replace("[at]", "@").replace("[:]", ":")
