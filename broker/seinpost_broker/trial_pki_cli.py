# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost-broker trial-pki`: certificates in the shape of PKIoverheid G4, for trials."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

import cyclopts
from cyclopts import Parameter

from seinpost_broker.adapters.trial_pki_files import CA_FILE, OTHER, TLS, TrialPkiFiles
from seinpost_broker.core.founding import oin_of
from seinpost_broker.core.trial_pki import Authority, Issued, Purpose, issue_organisation, issue_server
from seinpost_schemas.subjects import parse_token

app = cyclopts.App(
    name="trial-pki",
    help="Make certificates in the shape of PKIoverheid G4, to try TLS with: for test OINs, never for production.",
)
BROKER_OIN = oin_of(999_999_999)
"""A test OIN of nobody in the shipped register."""


@app.command
def new(directory: Path) -> None:
    """Make a trial PKI: roots, domain CAs and issuing CAs for servers and for organisations.

    Example: seinpost-broker trial-pki new pki

    Parameters
    ----------
    directory
        A new or empty directory; it holds keys that sign certificates.
    """
    TrialPkiFiles(directory).found(_now())
    print(f"{directory / CA_FILE}: what to trust in this trial")


@app.command
def server(
    directory: Path,
    *,
    name: Annotated[tuple[str, ...], Parameter(negative="")] = ("localhost",),
    oin: str = BROKER_OIN,
) -> None:
    """Issue the certificate of a server, which is its broker's as a client too: server.crt and server.key.

    Parameters
    ----------
    directory
        What trial-pki new made.
    name
        The DNS names by which clients reach it (repeat it); addresses are not allowed.
    oin
        A test OIN.
    """
    files = TrialPkiFiles(directory)
    _said(files.issue("server", TLS, lambda ca: issue_server(ca, name, oin, _now())))


@app.command
def organisation(
    directory: Path,
    name: str,
    *,
    oin: str,
    organisation: str,
    common_name: str | None = None,
    purpose: Literal["authentication", "authenticity"] = "authentication",
) -> None:
    """Issue a certificate of an organisation: NAME.crt and NAME.key.

    Example: seinpost-broker trial-pki organisation pki ncsc-1 --oin 00000099000000005000 --organisation NCSC

    Parameters
    ----------
    directory
        What trial-pki new made.
    name
        Of the files: lower-case letters, digits, hyphens.
    oin
        A test OIN: that of the party in the register.
    organisation
        Its name; TRIAL comes before it.
    common_name
        The certificate's common name, where an organisation has several; else its name.
    purpose
        authentication, to connect with, or authenticity, to seal keys with: G4 has a certificate for each.
    """
    parse_token(name, "a certificate")

    def issue(authority: Authority) -> Issued:
        return issue_organisation(
            authority, organisation, oin, Purpose(purpose), _now(), common_name=common_name
        )

    _said(TrialPkiFiles(directory).issue(name, OTHER, issue))


@app.command
def revoke(directory: Path, certificate: Path) -> None:
    """Put a certificate on the list of revoked ones, crl.pem, which is made again.

    Parameters
    ----------
    directory
        What trial-pki new made.
    certificate
        The file with the certificate.
    """
    print(f"{TrialPkiFiles(directory).revoke(certificate, _now())}: written")


def _said(files: tuple[Path, Path]) -> None:
    print(f"{files[0]}: the certificate; {files[1]}: its key")


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)
