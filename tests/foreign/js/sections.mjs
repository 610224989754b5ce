// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// The sections of a signal and of an act (docs/spec.md, sections 6.2 and 6.6).

import { decodeCanonical, peekVersion } from "./canonical.mjs";
import { demand } from "./errors.mjs";
import { KIND } from "./header.mjs";
import { bin, flag, integer, list, map, matching, oneOf, required, signalId, text, time, versioned } from "./schema.mjs";

const SCHEMA = 1;
const MAX_SECTIONS = 65_536;

const short = text(1, 500);
const long = text(0, 20_000);
const url = text(0, 4_000);
const ids = list(signalId, 200);

const handling = map({
  schema: required(integer(SCHEMA, SCHEMA)),
  signal_type: required(oneOf("incident", "indicator", "assessment", "alert", "request-for-information")),
  valid_until: required(time),
  tlp: required(oneOf("clear", "green", "amber", "amber+strict", "red")),
  classified_until: short,
  pap: oneOf("clear", "green", "amber", "red"),
  severity: integer(1, 5),
  urgency: oneOf("low", "normal", "high", "immediate"),
  exercise: flag,
  originator_consent: flag,
  legal_basis: short,
  personal_data: oneOf("personal", "special"),
  refers_to: ids,
  supersedes: ids,
  election: matching(/^[A-Z]{2,4}[0-9]{4}$/),
});

const evidence = map({ sha256: required(matching(/^[0-9a-f]{64}$/)), archive_url: url });
const externalReference = map({ system: required(short), id: short, url });
const foreign = map({
  media_type: required(matching(/^[a-z0-9.+-]+\/[A-Za-z0-9.+;=-]+$/, 200)),
  data: required(bin(32_768)),
});

const report = map({
  title: required(text(1, 200)),
  text: required(text(1, 20_000)),
  language: matching(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/),
  observed_from: time,
  observed_until: time,
  source_reliability: oneOf("A", "B", "C", "D", "E", "F"),
  information_credibility: integer(1, 6),
  likelihood: short,
  techniques: list(matching(/^(disarm|attack):T[0-9]{4}(\.[0-9]{3})?$/), 200),
  narrative: long,
  channels: list(short, 200),
  targets: list(short, 200),
  regions: list(short, 200),
  attribution: short,
  attributed_by: short,
  action_requested: long,
  evidence: list(evidence, 200),
  external_references: list(externalReference, 200),
  foreign,
});

const INDICATOR_TYPES = [
  "artifact",
  "autonomous-system",
  "directory",
  "domain-name",
  "email-addr",
  "email-message",
  "file",
  "file-md5",
  "file-sha1",
  "file-sha256",
  "file-sha512",
  "ipv4-addr",
  "ipv6-addr",
  "mac-addr",
  "mutex",
  "network-traffic",
  "process",
  "software",
  "url",
  "user-account",
  "windows-registry-key",
  "x509-certificate",
  "other",
];

const indicator = map({
  type: required(oneOf(...INDICATOR_TYPES)),
  value: required(text(1, 4_000)),
  role: short,
  first_seen: time,
  last_seen: time,
});

const personalDatum = map({ type: required(short), value: required(text(1, 4_000)), role: short });
const protectedContent = map({
  source_description: long,
  personal_data: list(personalDatum, 500),
  contact: long,
});

const actHandling = map({ schema: required(integer(SCHEMA, SCHEMA)), refers_to: required(ids), exercise: flag });
const actReport = map({
  act: required(short),
  text: long,
  official: matching(/^[A-Za-z0-9-]{1,40}$/),
  status: short,
  assignee: matching(/^[A-Za-z0-9-]{1,40}$/),
});

const SIGNAL = [handling, versioned(report), versioned(list(indicator, 500)), versioned(protectedContent)];
const ACT = [actHandling, versioned(actReport), null, null];
const NAMES = ["handling", "report", "indicators", "protected"];

/** Decode a signal's sections (bytes or null each) into the JSON form; what a reader does not have is left out. */
export function decodeSections(kind, sections) {
  const length = sections.reduce((sum, section) => sum + (section?.length ?? 0), 0);
  demand(length <= MAX_SECTIONS, "too-large", "a signal's sections are above the limit");
  demand(sections[0] && sections[1], "malformed", "a signal without handling or report");
  const checks = kind === KIND.SIGNALS ? SIGNAL : ACT;
  const decoded = {};
  sections.forEach((section, j) => {
    if (!section) return;
    demand(checks[j], "malformed", "an act with indicators or a protected section");
    decoded[NAMES[j]] = decodeSection(checks[j], section);
  });
  return decoded;
}

function decodeSection(check, section) {
  const version = peekVersion(section);
  demand(typeof version === "number" && version >= SCHEMA, "malformed", "not a schema version");
  demand(version === SCHEMA, "update-needed", "a newer schema than this implementation knows");
  return check(decodeCanonical(section));
}
