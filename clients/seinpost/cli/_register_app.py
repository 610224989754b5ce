# SPDX-FileCopyrightText: 2026 The Seinpost developers
# SPDX-License-Identifier: EUPL-1.2
"""`seinpost register …`: the arguments of its commands; what they do is in ``register``, loaded when needed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from seinpost_schemas.errors import SetupError

from ._options import Lang

HELP = """Write, check, compare, sign and explain the register, on files.

Nothing is connected but by publish, and where --config is given.

The life of a version: new (a draft from the version in force) → add, revoke, rotate, or edit the text → diff →
check --draft → sign, by one registrar after another → check → publish.
"""

register = cyclopts.App(name="register", help=HELP, help_format="markdown")

AsJson = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")]
Previous = Annotated[
    Path | None, Parameter(help="The version in force, as a note: what must be followed by one.")
]
PassphraseFile = Annotated[
    Path | None, Parameter(name="--passphrase-file", help="A file (mode 0600) with the key's passphrase.")
]


Ca = Annotated[
    Path | None, Parameter(help="The CAs whose certificates may seal keys, in PEM: the issuing CAs, best.")
]
Crl = Annotated[
    tuple[Path, ...],
    Parameter(negative="", help="Lists of revoked certificates; the issuing CA's at least (repeat it)."),
]


@register.command
def new(
    draft: Path,
    *,
    of: Annotated[Path, Parameter(name="--from", help="The version in force, or a text.")],
    days: Annotated[int, Parameter(help="How long the new version is valid.")] = 365,
    as_json: AsJson = False,
) -> int:
    """Begin the next version: its text without signatures, to be edited.

    Example: seinpost register new register-2.toml --from proef/register.note

    Parameters
    ----------
    draft
        The new file; never overwritten.
    """
    from .register_edit import run_new  # noqa: PLC0415 - each command loads only what it needs

    return run_new(draft, of, days, as_json=as_json)


@register.command
def check(
    file: Path,
    *,
    previous: Previous = None,
    enclave: Annotated[
        str | None, Parameter(help="The enclave_id that version 1 must have: 32 hexadecimal digits.")
    ] = None,
    draft: Annotated[bool, Parameter(negative="", help="Do not ask for signatures yet.")] = False,
    request: Annotated[
        tuple[Path, ...],
        Parameter(negative="", help="A request that was taken in, to be verified (repeat it)."),
    ] = (),
    ca: Ca = None,
    crl: Crl = (),
    as_json: AsJson = False,
) -> int:
    """Say everything that is wrong with a version, one line each. Exit status 0: nothing, 1: something."""
    from .register import Keys, run_check  # noqa: PLC0415

    return run_check(file, previous, enclave, Keys(request, ca, crl), draft=draft, as_json=as_json)


@register.command
def show(file: Path, *, lang: Lang = "nl", as_json: AsJson = False) -> int:
    """Show a version in words: parties, keys, mandates, prohibitions, and who signed."""
    from .register import run_show  # noqa: PLC0415

    return run_show(file, lang, as_json=as_json)


@register.command
def diff(old: Path, new: Path, *, lang: Lang = "nl", as_json: AsJson = False) -> int:
    """Say in words what a new version changes. No sentence means that nothing changes.

    Example: seinpost register diff register.note register-2.toml
    """
    from .register import run_diff  # noqa: PLC0415

    return run_diff(old, new, lang, as_json=as_json)


@register.command
def key(file: Path, *, name: str, passphrase_file: PassphraseFile = None, as_json: AsJson = False) -> int:
    """Make a registrar's key: FILE (secret, mode 0600, under a passphrase) and FILE.vkey (public).

    Keep FILE off any network. Example: seinpost register key bzk-3.key --name bzk-3

    Parameters
    ----------
    name
        The registrar's name in the register.
    """
    from .register_sign import run_key  # noqa: PLC0415

    return run_key(file, name, passphrase_file, as_json=as_json)


@register.command
def sign(
    file: Path,
    *,
    key: Annotated[Path, Parameter(help="The registrar's key.")],
    previous: Previous = None,
    passphrase_file: PassphraseFile = None,
    lang: Lang = "nl",
    as_json: AsJson = False,
) -> int:
    """Add a registrar's signature; registrars do so one after another, on the same file.

    A draft FILE.toml gives FILE.note; a note is signed in place. With --previous it first says what changes, and
    a registrar who leaves can sign too.

    Example: seinpost register sign register-2.toml --key bzk-1.key --previous register.note
    """
    from .register_sign import run_sign  # noqa: PLC0415

    return run_sign(file, key, previous, passphrase_file, lang, as_json=as_json)


@register.command
def add(  # noqa: PLR0913 - the options of a command
    request: Annotated[Path, Parameter(help="What seinpost keygen wrote for the registrar.")],
    *,
    to: Annotated[Path, Parameter(help="The draft.")],
    fingerprint: Annotated[
        str | None, Parameter(help="What the partner read out; else it is shown and asked for.")
    ] = None,
    oin: Annotated[str | None, Parameter(help="For a party that joins: its OIN, 20 digits.")] = None,
    name_nl: Annotated[str | None, Parameter(help="For a party that joins: its Dutch name.")] = None,
    name_en: Annotated[str | None, Parameter(help="For a party that joins: its English name.")] = None,
    clearance: Annotated[str, Parameter(help="For a party that joins: ong or depv.")] = "ong",
    endorsed: Annotated[
        bool,
        Parameter(negative="", help="Without a fingerprint: on the word of the identity that it succeeds."),
    ] = False,
    config: Annotated[
        Path | None,
        Parameter(
            name=["--config", "-c"],
            help="Ask the directory, as this identity, whether the one that it succeeds has revoked itself.",
        ),
    ] = None,
    passphrase_file: PassphraseFile = None,
    ca: Ca = None,
    crl: Crl = (),
    as_json: AsJson = False,
) -> int:
    """Take a new identity (or witness) into a draft, once its fingerprint was compared by another way.

    A party that joins has no mandate yet: write [[parties.mandates]] below it, each with its basis.

    A key statement in the request is verified with --ca, and its certificate put on record for the party; from then on
    every request of that party needs one.

    Example: seinpost register add ap-2.key.request.json --to register-2.toml
    """
    from .register import Keys  # noqa: PLC0415
    from .register_edit import Joining, run_add  # noqa: PLC0415

    joining = Joining(oin, name_nl, name_en, clearance)
    trust = Keys(ca=ca, crls=crl).trust()
    known = None
    if config is not None:
        from .register_live import read_view  # noqa: PLC0415

        known = read_view(config, passphrase_file)
    return run_add(request, to, fingerprint, joining, trust, endorsed=endorsed, as_json=as_json, known=known)


@register.command
def certificate(file: Path, *, as_json: AsJson = False) -> int:
    """Show the two lines by which the register names a certificate: its subject, and the key that is pinned.

    A certificate that is renewed with the same subject needs its new key on record before it is used, where the
    register is pinned: put the new key beside the old one, and take the old one out later.

    Parameters
    ----------
    file
        The certificate, in PEM.
    """
    from .register_edit import run_certificate  # noqa: PLC0415

    return run_certificate(file, as_json=as_json)


@register.command
def revoke(
    draft: Path,
    identity: Annotated[
        tuple[str, ...], Parameter(negative="", help="Identities or witnesses by name (repeat it).")
    ] = (),
    *,
    party: Annotated[str | None, Parameter(help="Every identity of this party, and its witness.")] = None,
    reason: Annotated[str, Parameter(help="Why; everyone can read it.")],
    since: Annotated[
        dt.datetime | None, Parameter(help="Suspect from this time, with its offset: 2026-11-24T09:00:00Z.")
    ] = None,
    log: Annotated[
        str | None, Parameter(help="Or suspect in this log, such as 2026q4/depv/process, …")
    ] = None,
    index: Annotated[int | None, Parameter(help="… from this entry on.")] = None,
    as_json: AsJson = False,
) -> int:
    """Revoke identities or witnesses in a draft: from that version on they are refused, and others seal past them.

    A witness is taken out of the text, with the reason as a comment; the quorum becomes the smallest that is safe
    for the witnesses that are left.

    Example: seinpost register revoke register-3.toml ap-1 --reason 'laptop gestolen' --since 2026-11-24T09:00:00Z
    """
    from .register_revoke import Suspicion, run_revoke  # noqa: PLC0415

    return run_revoke(draft, identity, party, Suspicion(reason, since, log, index), as_json=as_json)


@register.command
def rotate(
    draft: Path,
    *,
    add: Annotated[
        tuple[Path, ...], Parameter(negative="", help="A new registrar's .vkey file (repeat it).")
    ] = (),
    remove: Annotated[tuple[str, ...], Parameter(negative="", help="A registrar's name (repeat it).")] = (),
    threshold: Annotated[int | None, Parameter(help="How many must sign from now on.")] = None,
    as_json: AsJson = False,
) -> int:
    """Change who may sign, in a draft. A threshold of the old registrars and of the new ones must sign it.

    Example: seinpost register rotate register-4.toml --remove nctv-1 --add nctv-2.key.vkey
    """
    from .register_edit import run_rotate  # noqa: PLC0415

    return run_rotate(draft, add, remove, threshold, as_json=as_json)


@register.command
def publish(
    note: Path,
    *,
    config: Annotated[Path, Parameter(name=["--config", "-c"], help="The configuration of any identity.")],
    request: Annotated[
        tuple[Path, ...], Parameter(negative="", help="The request of each identity that joins (repeat it).")
    ] = (),
    passphrase_file: PassphraseFile = None,
    as_json: AsJson = False,
) -> int:
    """Hand a signed version to the brokers, and wait until it is in force.

    Any party can do it: what counts are the registrars' signatures. An operator can also do it on the broker's
    machine, with seinpost-broker publish-register.
    """
    from .register_live import run_publish  # noqa: PLC0415

    return run_publish(note, config, request, passphrase_file, as_json=as_json)


@register.command
def history(
    notes: Annotated[
        tuple[Path, ...], Parameter(negative="", help="Version 1, then each that followed.")
    ] = (),
    *,
    config: Annotated[
        Path | None,
        Parameter(name=["--config", "-c"], help="Or read them from the directory, as this identity."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    enclave: Annotated[str | None, Parameter(help="The enclave_id that version 1 must have.")] = None,
    lang: Lang = "nl",
    as_json: AsJson = False,
) -> int:
    """Check a row of versions, each against the one before it, and say what each changed.

    With --config they are those of the running enclave's directory, checked from the enclave_id on that the
    configuration trusts, and with the time at which each came in force.

    Exit status 1 at the first that does not follow.
    """
    from .register import read_versions, run_history  # noqa: PLC0415

    if (config is None) == (not notes):
        raise SetupError("name notes, or a configuration with --config")
    if config is None:
        return run_history(read_versions(notes), enclave, lang, as_json=as_json)
    from .register_live import read_directory  # noqa: PLC0415

    trusted, versions = read_directory(config, passphrase_file)
    return run_history(versions, enclave or trusted, lang, as_json=as_json)


@register.command
def explain(
    party: str | None = None,
    *,
    register: Annotated[Path, Parameter(help="The version to ask: a note or a draft.")],
    who_can_read: Annotated[str | None, Parameter(help="Or a compartment, such as depv/debate.")] = None,
    at: Annotated[dt.datetime | None, Parameter(help="At this time; now otherwise.")] = None,
    lang: Lang = "nl",
    as_json: AsJson = False,
) -> int:
    """Say what a party may and may not do, on which basis; or who can read a compartment.

    Example: seinpost register explain kiesraad --register proef/register.note

    Parameters
    ----------
    party
        The party's token.
    """
    from .register import run_explain  # noqa: PLC0415

    return run_explain(party, register, who_can_read, at, lang, as_json=as_json)
