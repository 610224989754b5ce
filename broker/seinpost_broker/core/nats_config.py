# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The nats-server configuration of an enclave, rendered from its register.

JetStream lives in account HUB, where only brokers are; each party has its own account and reaches HUB
through service imports alone, so a reply subject chosen by a party can never name a stream (ADR 0003).
Users are NKEYs, or subjects of certificates where the server demands those (ADR 0019): the file holds no secret.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from seinpost_schemas.errors import SetupError
from seinpost_schemas.policy import View
from seinpost_schemas.quorum import witnesses_of_any
from seinpost_schemas.register import Broker, Identity, NatsUser, Party, WitnessEntry
from seinpost_schemas.subjects import GOSSIP_SUBJECTS, gossip_subject, inbox_prefix, witness_subject

from .layout import Right, gossip_logs, identity_rights, witness_rights

_JETSTREAM_MAX_BYTES = 1 << 40
_MAX_SUBSCRIPTIONS = 4_096
"""Per party: far more than its processes need, far less than what would starve the others."""
_User = TypeVar("_User", Broker, Identity, WitnessEntry)


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """The server's certificate (with those of its issuers) and key, and from which CAs it takes clients.

    Paths of PEM files. Without ``clients_ca`` no client is asked for a certificate, and users are NKEYs only.
    """

    certificate: str
    key: str
    clients_ca: str | None = None


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """Where the server listens and stores; without TLS it must be on this machine only."""

    name: str
    listen: str
    store_dir: str
    pid_file: str
    tls: Tls | None = None

    @property
    def maps_certificates(self) -> bool:
        """Whether a certificate can be a user: else it would be a name that everyone can give."""
        return self.tls is not None and self.tls.clients_ca is not None


def account_name(party: str) -> str:
    """The NATS account of a party."""
    return f"P_{party}"


def render(view: View, server: Server, at_ms: int) -> str:
    """The configuration text; the same register, server and mandates in force give the same text.

    Raises ``SetupError`` when the register wants certificates pinned and the server asks for none.
    """
    register = view.register
    if register.pinned and not server.maps_certificates:
        raise SetupError(
            "the register lets in certificates on record only, and [tls] in broker.toml asks for none: "
            'give it with clients = "certificate"'
        )
    rights = {
        party.token: {i.name: identity_rights(view, party, i.name, at_ms) for i in view.in_force(party)}
        for party in register.parties
    }
    witnesses = witnesses_of_any(register, at_ms)
    for witness in witnesses:
        rights[witness.party][witness.name] = witness_rights(register)
    gossip = {party.token: set(gossip_logs(view, party, at_ms)) for party in register.parties}
    exports = [
        _export(right, account_name(token))
        for token, by_identity in rights.items()
        for right in _union(by_identity)
    ]
    accounts = [
        _hub(view, exports, witnesses, server),
        *(
            _account(view, party, rights[party.token], gossip, witnesses, server)
            for party in register.parties
        ),
    ]
    lines = [f"# Rendered from register version {register.version} of {register.enclave}; do not edit."]
    text = "\n".join(
        [
            f"server_name: {_quote(server.name)}",
            f"listen: {_quote(server.listen)}",
            f"pid_file: {_quote(server.pid_file)}",
            "max_payload: 1MB",
            "max_control_line: 4KB",
            "write_deadline: 10s",
            *(tls_lines(server.tls, pins(view, witnesses)) if server.tls is not None else ()),
            "jetstream {",
            f"  store_dir: {_quote(server.store_dir)}",
            "  # An acknowledgement means that the message is on disk.",
            "  sync_interval: always",
            f"  max_file_store: {_JETSTREAM_MAX_BYTES}",
            "}",
            "accounts {",
            # Nobody logs in here.
            "  $SYS {",
            "    exports: [",
            f"      {{service: {_quote(STATE_SUBJECT)}, response_type: stream, accounts: [HUB]}}",
            f"      {{service: {_quote(RELOAD_SUBJECT.format(server='*'))}, accounts: [HUB]}}",
            "    ]",
            "  }",
            *accounts,
            "}",
            "",
        ]
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    # Whoever includes this file in one of their own still shows by it what is loaded.
    return "\n".join([*lines, f"server_tags: [{_quote(_TAG + digest)}]", text])


def tag_of(text: str) -> str:
    """The tag in a rendered text, by which a server says that it has loaded this very rendering."""
    found = re.search(rf"{_TAG}[0-9a-f]{{64}}", text)
    if found is None:
        raise RuntimeError("every rendering has its tag")
    return found[0]


STATE_SUBJECT = "$SYS.REQ.SERVER.PING.VARZ"
"""Where a broker asks the servers what they have loaded."""
RELOAD_SUBJECT = "$SYS.REQ.SERVER.{server}.RELOAD"
"""Where it asks one to read its own file again. The broker reaches these two things of the system account alone."""
_TAG = "seinpost-"

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _quote(text: str) -> str:
    """A string as nats-server reads it: its escapes are few, and other control characters are in hexadecimal."""
    return '"' + "".join(_ESCAPES.get(c) or (f"\\x{ord(c):02x}" if ord(c) < 32 else c) for c in text) + '"'


def _union(by_identity: dict[str, list[Right]]) -> list[Right]:
    return list(dict.fromkeys(right for rights in by_identity.values() for right in rights))


def _export(right: Right, account: str) -> str:
    kind = ", response_type: stream" if right.answers_many else ""
    return f"      {{service: {_quote(right.subject)}{kind}, accounts: [{account}]}}"


def pins(view: View, witnesses: Sequence[WitnessEntry]) -> tuple[str, ...] | None:
    """The keys of the certificates that may connect, ``None`` for every one of the CAs."""
    if not view.register.pinned:
        return None
    return tuple(sorted({key for user in _users(view, witnesses) for key in user.certificate_keys}))


def tls_lines(tls: Tls, pinned: Sequence[str] | None = None) -> list[str]:
    """TLS 1.3 and nothing older, from the first byte on: there is no word in the clear to tamper with."""
    clients = [f"  ca_file: {_quote(tls.clients_ca)}", "  verify_and_map: true"] if tls.clients_ca else []
    return [
        "tls {",
        f"  cert_file: {_quote(tls.certificate)}",
        f"  key_file: {_quote(tls.key)}",
        *clients,
        *([f"  pinned_certs: [{', '.join(map(_quote, pinned))}]"] if pinned is not None else ()),
        '  min_version: "1.3"',
        "  handshake_first: true",
        "}",
    ]


def unmapped(view: View) -> list[str]:
    """The names of users that are certificates: without a server that demands those they cannot come in."""
    return [u.name for u in _users(view, view.register.witnesses) if u.certificate is not None]


def _users(view: View, witnesses: Sequence[WitnessEntry]) -> list[NatsUser]:
    identities = [i for p in view.register.parties for i in view.in_force(p)]
    return [*view.register.brokers, *witnesses, *identities]


def _admitted(users: Iterable[_User], server: Server) -> list[_User]:
    """The users that the server can tell apart; a name without its certificate would let everyone in."""
    return [u for u in users if u.certificate is None or server.maps_certificates]


def _name(user: NatsUser) -> str:
    return f"user: {_quote(user.certificate)}" if user.certificate is not None else f"nkey: {user.nats}"


def _hub(view: View, exports: list[str], witnesses: Sequence[WitnessEntry], server: Server) -> str:
    users = "\n".join(f"      {{{_name(b)}}}" for b in _admitted(view.register.brokers, server))
    return "\n".join(
        [
            "  HUB {",
            "    jetstream: enabled",
            f"    users: [\n{users}\n    ]",
            "    exports: [",
            *exports,
            "    ]",
            "    imports: [",
            *(
                f"      {{service: {{account: {_quote('$SYS')}, subject: {_quote(subject)}}}}}"
                for subject in (STATE_SUBJECT, RELOAD_SUBJECT.format(server="*"))
            ),
            *(
                f"      {{service: {{account: {account_name(w.party)}, "
                f"subject: {_quote(witness_subject(w.party))}}}}}"
                for w in witnesses
            ),
            "    ]",
            "  }",
        ]
    )


def _account(
    view: View,
    party: Party,
    rights: dict[str, list[Right]],
    gossip: dict[str, set[str]],
    witnesses: Sequence[WitnessEntry],
    server: Server,
) -> str:
    told = sorted(gossip[party.token])
    own = [w for w in witnesses if w.party == party.token]
    users = [
        "\n".join(
            [
                f"      {{{_name(identity)}, permissions: {{",
                "        publish: {allow: [",
                *(f"          {_quote(r.subject)}" for r in rights[identity.name]),
                *(f"          {_quote(gossip_subject(party.token, log))}" for log in told),
                "        ]}",
                "        subscribe: {allow: ["
                f"{_quote(inbox_prefix(party.token) + '.>')}, {_quote(GOSSIP_SUBJECTS)}]}}",
                "      }}",
            ]
        )
        for identity in _admitted(view.in_force(party), server)
    ] + [_witness_user(w, rights[w.name]) for w in _admitted(own, server)]
    imports = [
        f"      {{service: {{account: HUB, subject: {_quote(right.subject)}}}}}" for right in _union(rights)
    ]
    return "\n".join(
        [
            f"  {account_name(party.token)} {{",
            "    limits {",
            f"      max_connections: {party.quota.connections}",
            f"      max_subscriptions: {_MAX_SUBSCRIPTIONS}",
            "    }",
            "    users: [",
            *users,
            "    ]",
            "    imports: [",
            *imports,
            *_heard(party, gossip),
            "    ]",
            "    exports: [",
            *(f"      {{service: {_quote(witness_subject(w.party))}, accounts: [HUB]}}" for w in own),
            *_told(party, gossip),
            "    ]",
            "  }",
        ]
    )


def _told(party: Party, gossip: dict[str, set[str]]) -> list[str]:
    """Gossip goes from account to account, past the brokers, to those who may read the same log."""
    lines = []
    for log in sorted(gossip[party.token]):
        others = [account_name(t) for t, logs in gossip.items() if t != party.token and log in logs]
        if others:
            subject = _quote(gossip_subject(party.token, log))
            lines.append(f"      {{stream: {subject}, accounts: [{', '.join(others)}]}}")
    return lines


def _heard(party: Party, gossip: dict[str, set[str]]) -> list[str]:
    return [
        f"      {{stream: {{account: {account_name(token)}, subject: {_quote(gossip_subject(token, log))}}}}}"
        for token, logs in gossip.items()
        if token != party.token
        for log in sorted(logs & gossip[party.token])
    ]


def _witness_user(witness: WitnessEntry, rights: list[Right]) -> str:
    """A witness answers brokers, and reads the directory and the newest checkpoints; it publishes nothing else."""
    inbox = inbox_prefix(witness.party) + ".>"
    return "\n".join(
        [
            f"      {{{_name(witness)}, permissions: {{",
            "        publish: {allow: [",
            *(f"          {_quote(r.subject)}" for r in rights),
            "        ]}",
            f"        subscribe: {{allow: [{_quote(witness_subject(witness.party))}, {_quote(inbox)}]}}",
            "        allow_responses: true",
            "      }}",
        ]
    )
