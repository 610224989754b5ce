# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""The channel of a new enclave: certificates that were bought, or a trial PKI of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from cryptography import x509

from seinpost_broker.adapters.channel import load_channel
from seinpost_broker.adapters.enclave_dir import EnclaveDir, TlsConfig
from seinpost_broker.adapters.trial_pki_files import CA_FILE, OTHER, TLS, TrialPkiFiles
from seinpost_broker.core import founding
from seinpost_broker.core.trial_pki import Authority, Issued, Purpose, issue_organisation, issue_server
from seinpost_broker.trial_pki_cli import BROKER_OIN
from seinpost_schemas.cert_subject import certificate_key_of, subject_of
from seinpost_schemas.errors import SetupError

User = Literal["nkey", "certificate"]


class TlsOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What init was told: the server's name and files, or that a trial PKI makes them; how users are named."""

    name: str
    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    users: User = "nkey"

    @property
    def trial(self) -> bool:
        """Whether a trial PKI is to be made."""
        return self.certificate is None


class LaidChannel(msgspec.Struct, frozen=True, kw_only=True):
    """What was laid: the server's name, [tls] of broker.toml, and of a trial's certificates what the register holds.

    ``subjects`` are by identity, those that name it; ``keys`` by identity, and ``""`` for the broker.
    """

    name: str
    broker: dict[str, object]
    subjects: dict[str, str]
    keys: dict[str, str]
    users: User

    def key_of(self, identity: str) -> tuple[str, ...]:
        """The keys that the register holds of an identity's certificates."""
        return (self.keys[identity],) if identity in self.keys else ()

    def client(self, identity: str) -> dict[str, object]:
        """[tls] of an identity's configuration; its own two files are there, or the party's to put there."""
        return {
            "tls": {
                "ca": CA_FILE,
                "certificate": f"identities/{identity}-tls.crt",
                "key": f"identities/{identity}-tls.key",
                "user": self.users,
            }
        }


def tls_options(
    name: str | None, files: Sequence[Path | None], users: User, *, trial: bool
) -> TlsOptions | None:
    """The options, ``None`` for none; ``files`` are certificate, key and CA. Raises ``SetupError``."""
    given = [f for f in files if f is not None]
    if given and (trial or len(given) < len(files) or name is None):
        raise SetupError(
            "give all of --tls-certificate, --tls-key, --tls-ca and --tls-name, or --trial-pki without the files"
        )
    if not trial and not given:
        if name is not None or users != "nkey":
            raise SetupError(
                "--tls-name and --users are of an enclave with TLS: give its files, or --trial-pki"
            )
        return None
    if trial:
        return TlsOptions(name=name or "localhost", users=users)
    if users != "nkey":
        raise SetupError(
            "--users certificate is of --trial-pki: else each partner names its certificate in its own request "
            "(seinpost keygen --tls-certificate)"
        )
    certificate, key, ca = files
    # Before anything is made.
    load_channel(TlsConfig(certificate=str(certificate), key=str(key), ca=str(ca), name=name or ""))
    return TlsOptions(name=name or "", certificate=certificate, key=key, ca=ca)


def lay_channel(
    directory: EnclaveDir,
    options: TlsOptions,
    wanted: Sequence[tuple[str, str, str | None]],
    progress: Callable[[str], None],
) -> LaidChannel:
    """Put the CA file in its place, and make what a trial needs; ``wanted`` are (party, identity, …)."""
    issued: dict[str, x509.Certificate] = {}
    if options.certificate is None or options.key is None or options.ca is None:
        progress("making a trial PKI")
        files, issued = _trial(directory, options.name, wanted)
    else:
        files = [str(p.resolve()) for p in (options.certificate, options.key)]
        try:
            directory.write(CA_FILE, options.ca.read_bytes())
        except OSError as error:
            raise SetupError(f"cannot read {options.ca}: {error.strerror}") from None
    table: dict[str, object] = {
        "certificate": files[0],
        "key": files[1],
        "ca": CA_FILE,
        "name": options.name,
    }
    return LaidChannel(
        name=options.name,
        broker={"tls": table},
        subjects={n: str(subject_of(c)) for n, c in issued.items() if n and options.users == "certificate"},
        keys={n: certificate_key_of(c) for n, c in issued.items()},
        users=options.users,
    )


def _trial(
    directory: EnclaveDir, name: str, wanted: Sequence[tuple[str, str, str | None]]
) -> tuple[list[str], dict[str, x509.Certificate]]:
    """Certificates for the server and for every identity; the server's files, and the certificates by identity."""
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    pki = TrialPkiFiles(directory.path / "pki")
    pki.found(now)
    directory.write(CA_FILE, (pki.path / CA_FILE).read_bytes())
    names = list(dict.fromkeys((name, "localhost")))
    server, _ = pki.issue("server", TLS, lambda ca: issue_server(ca, names, BROKER_OIN, now))
    places = {f.token: place for place, f in enumerate(founding.PARTIES, 1)}
    issued = {"": x509.load_pem_x509_certificate(server.read_bytes())}
    for party, identity, _ in wanted:
        place = places[party]

        def issue(authority: Authority, place: int = place, identity: str = identity) -> Issued:
            organisation = founding.PARTIES[place - 1].name_nl
            oin = founding.oin_of(place)
            purpose = Purpose.AUTHENTICATION
            return issue_organisation(authority, organisation, oin, purpose, now, common_name=identity)

        certificate, _ = pki.issue(f"{identity}-tls", OTHER, issue, into=directory.path / "identities")
        issued[identity] = x509.load_pem_x509_certificate(certificate.read_bytes())
    return ["pki/server.crt", "pki/server.key"], issued
