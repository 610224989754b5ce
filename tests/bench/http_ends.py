# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""Both ends of a signal over HTTP, one POST each: JSON over TLS, and STIX to a TAXII 2.1 server."""

from __future__ import annotations

import base64
import datetime as dt
import http.client
import json
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import msgspec
from stamped import stamped

from seinpost_schemas.signal import Signal

CONNECTIONS = 16
"""Kept open, each in a thread of its own; a POST is answered before the next goes on the same one."""
TAXII_COLLECTION = "/signals/collections/91a7b528-80eb-42ed-a74d-c6fbd5a26116/objects/"
TAXII_TYPE = "application/taxii+json;version=2.1"
TAXII_USER, TAXII_PASSWORD = "bench", "bench"
_GIVE_UP_SECONDS = 120.0
Arrived = Callable[[str], None]
Kept = list[http.client.HTTPConnection]
"""Connections, still open: what went over them is counted by the kernel until they are closed."""
_decode = msgspec.json.Decoder(list[Signal]).decode


def _connect(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 0
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=60)
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # A certificate of a few minutes, on loopback: what is measured is the cost of TLS, not its trust.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=60, context=context)


def _post_all(
    url: str,
    path: str,
    count: int,
    headers: dict[str, str],
    body_of: Callable[[Signal], bytes],
    connections: int,
) -> Kept:
    signals, lock, failures = stamped(count), threading.Lock(), list[Exception]()
    kept = [_connect(url) for _ in range(connections)]

    def take(of: Iterator[Callable[[int], Signal]]) -> Callable[[int], Signal] | None:
        with lock:
            return next(of, None)

    def work(connection: http.client.HTTPConnection) -> None:
        try:
            while (make := take(signals)) is not None and not failures:
                connection.request("POST", path, body_of(make(time.time_ns())), headers)
                reply = connection.getresponse()
                reply.read()
                if reply.status not in (201, 202):
                    raise RuntimeError(f"a POST was answered with {reply.status}")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(c,)) for c in kept]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return kept


def https_publish(url: str, count: int, _arrived: Arrived) -> Kept:
    """JSON, one POST each."""
    headers = {"Content-Type": "application/json"}
    return _post_all(url, "/signals", count, headers, msgspec.json.encode, CONNECTIONS)


def https_read(url: str, count: int, arrived: Arrived) -> Kept:
    """What was stored since, a page at a time; the server waits until there is something."""
    connection, seen, until = _connect(url), 0, time.monotonic() + _GIVE_UP_SECONDS
    while seen < count:
        if time.monotonic() > until:
            raise RuntimeError("not everything that was posted came")
        connection.request("GET", f"/signals?from={seen}")
        for signal in _decode(connection.getresponse().read()):
            arrived(signal.report.title)
            seen += 1
    return [connection]


def _taxii_headers() -> dict[str, str]:
    secret = base64.b64encode(f"{TAXII_USER}:{TAXII_PASSWORD}".encode()).decode()
    return {"Authorization": f"Basic {secret}", "Accept": TAXII_TYPE, "Content-Type": TAXII_TYPE}


def _stix(signal: Signal) -> bytes:
    now = f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    report = {
        "type": "report",
        "spec_version": "2.1",
        "id": f"report--{uuid.uuid4()}",
        "created": now,
        "modified": now,
        "published": now,
        "name": signal.report.title,
        "description": signal.report.text,
        "object_refs": ["identity--311b2d2d-f010-4473-83ec-1edf84858f4c"],
    }
    return json.dumps({"objects": [report]}).encode()


def taxii_publish(url: str, count: int, _arrived: Arrived) -> Kept:
    """A STIX report, one POST each, on one connection: the server does one thing at a time."""
    return _post_all(url, TAXII_COLLECTION, count, _taxii_headers(), _stix, 1)


def taxii_read(url: str, count: int, arrived: Arrived) -> Kept:
    """What was added since, asked for again and again."""
    connection, seen, since = _connect(url), set[str](), ""
    until = time.monotonic() + _GIVE_UP_SECONDS
    while len(seen) < count:
        if time.monotonic() > until:
            raise RuntimeError("not everything that was posted came")
        path = TAXII_COLLECTION + (f"?added_after={since}" if since else "")
        connection.request("GET", path, headers=_taxii_headers())
        reply = connection.getresponse()
        body = json.loads(reply.read())
        since = reply.headers.get("X-TAXII-Date-Added-Last") or since
        new = [o for o in body.get("objects", []) if o["id"] not in seen]
        for found in new:
            seen.add(found["id"])
            arrived(found["name"])
        if not new:
            time.sleep(0.05)
    return [connection]
