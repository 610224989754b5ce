# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""What this process has put on the wire and taken from it: TCP payload of its open connections, from the kernel."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from pathlib import Path

_ACKED_AT, _RECEIVED_AT = 120, 128
"""``tcpi_bytes_acked`` and ``tcpi_bytes_received`` in Linux' ``struct tcp_info``."""


def wire_bytes() -> tuple[int, int]:
    """(bytes sent and acknowledged, bytes received) over all open TCP connections."""
    sent = received = 0
    for path in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            if not str(path.readlink()).startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(path.name))) as found:
                info = found.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
            if len(info) >= _RECEIVED_AT + 8:
                sent += struct.unpack_from("<Q", info, _ACKED_AT)[0]
                received += struct.unpack_from("<Q", info, _RECEIVED_AT)[0]
    return sent, received
