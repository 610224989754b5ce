// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// Opening an envelope from its epoch, in the order of docs/spec.md, section 4.3.

import { openBatch } from "./batch.mjs";
import { equal, fromHex } from "./bytes.mjs";
import { decodeEnvelope, verifyEnvelope } from "./envelope.mjs";
import { decodeEpochBody, epochId, openEpoch } from "./epoch.mjs";
import { demand } from "./errors.mjs";
import { KIND, LAST_KNOWN_KIND, isSealed } from "./header.mjs";
import { readerKeys } from "./hpke.mjs";
import { decodeSections } from "./sections.mjs";
import { signalIdText } from "./uuid7.mjs";

/** Open what a vector describes: all inputs in hexadecimal, `read_protected` a boolean. */
export async function openVector(input) {
  const publicKey = fromHex(input.sender_public_key);
  const enclaveId = fromHex(input.enclave_id);
  const epochEnvelope = decodeEnvelope(fromHex(input.epoch_envelope));
  verifyEnvelope(epochEnvelope, publicKey, enclaveId);
  const opened = await openEpochEnvelope(epochEnvelope, readerKeys(fromHex(input.kem_seed)), input.read_protected);
  const envelope = decodeEnvelope(fromHex(input.envelope));
  verifyEnvelope(envelope, publicKey, enclaveId);
  return { ...opened, ...openSealed(envelope, epochEnvelope.header, opened) };
}

async function openEpochEnvelope({ header, headerBytes, body }, keys, readProtected) {
  demand(header.kind === KIND.EPOCH, "binding", "not an epoch");
  const { secret, protectedSecret } = await openEpoch(header, decodeEpochBody(body), keys, readProtected);
  return { epochId: epochId(headerBytes), secret, protectedSecret };
}

function openSealed(envelope, epochHeader, { epochId: id, secret, protectedSecret }) {
  const { header } = envelope;
  demand(header.kind <= LAST_KNOWN_KIND, "update-needed", "a newer kind than this implementation knows");
  demand(equal(header.epoch_id, id), "binding", "of another epoch");
  const sameCompartment = header.classification === epochHeader.classification && header.theme === epochHeader.theme;
  demand(sameCompartment, "binding", "of another compartment than its epoch");
  demand(isSealed(header.kind), "binding", "not a sealed kind");
  const { signals, leaves } = openBatch(envelope, secret, protectedSecret);
  const named = signals.map(({ id: signal, sections }) => ({ id: signalIdText(signal), sections }));
  const decoded = named.map(({ id: signal, sections }) => ({ id: signal, ...decodeSections(header.kind, sections) }));
  return { signals: named, leaves, decoded };
}
