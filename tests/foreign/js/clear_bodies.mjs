// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// The clear bodies (docs/spec.md, sections 5.1 and 7.2 to 7.5).

import { Reader, compare, concat } from "./bytes.mjs";
import { decodeEpochBody } from "./epoch.mjs";
import { Refusal, demand } from "./errors.mjs";
import { KIND } from "./header.mjs";
import { isSignalId } from "./uuid7.mjs";

const RUN = 29;
const RECEIPT_FIXED = 50;
const MAX_RUNS = 4_096;
const LAST_STATE = 4;
const RECALL = 65;
const LAST_REASON = 6;
const SHARE_SLOT = 1_232;
const MAX_SHARES = 700;

function decodeEndOfEpoch(bytes) {
  demand(bytes.length === 12, "malformed", "an end of epoch has 12 bytes");
  const reader = new Reader(bytes);
  const body = { envelopes: reader.u32(), last_seq: reader.u64() };
  demand((body.envelopes === 0) === (body.last_seq === 0n), "malformed", "last_seq does not suit envelopes");
  return body;
}

function readPeriod(reader) {
  const bytes = reader.take(8);
  const period = new TextDecoder("latin1").decode(bytes).replace(/\0+$/, "");
  demand(/^[0-9]{4}(q[1-4])?$/.test(period), "malformed", "a period is not a year or quarter, filled with zero bytes");
  return period;
}

function decodeReceipt(bytes) {
  demand(bytes.length >= RECEIPT_FIXED, "malformed", "a receipt is too short");
  const reader = new Reader(bytes);
  const body = { period: readPeriod(reader), tree_size: reader.u64(), root_hash: reader.take(32), runs: [] };
  const count = reader.u16();
  demand(count <= MAX_RUNS, "too-large", "more than 4,096 runs");
  demand(count >= 1, "malformed", "no runs");
  demand(reader.left === RUN * count, "malformed", "the body does not end with the last run");
  for (let i = 0; i < count; i += 1) {
    const run = readRun(reader);
    demand(i === 0 || rises(body.runs[i - 1], run), "malformed", "runs do not rise, or cover one place twice");
    body.runs.push(run);
  }
  return body;
}

function rises(before, run) {
  if (run.period !== before.period) return run.period > before.period;
  if (run.state !== before.state) return run.state > before.state;
  if (run.first_leaf !== before.last_leaf) return run.first_leaf > before.last_leaf;
  return run.first_signal > before.last_signal;
}

function readRun(reader) {
  const run = {
    period: readPeriod(reader),
    first_leaf: reader.u64(),
    last_leaf: reader.u64(),
    first_signal: reader.u16(),
    last_signal: reader.u16(),
    state: reader.u8(),
  };
  const oneLeaf = run.first_leaf === run.last_leaf;
  const ends = oneLeaf ? run.first_signal <= run.last_signal : run.first_leaf < run.last_leaf;
  demand(ends, "malformed", "a run ends before it starts");
  demand(run.state >= 1 && run.state <= LAST_STATE, "malformed", "an unknown state");
  return run;
}

function decodeRecall(bytes) {
  demand(bytes.length === RECALL, "malformed", "a recall has 65 bytes");
  const reader = new Reader(bytes);
  const body = {
    object_hash: reader.take(32),
    period: readPeriod(reader),
    leaf_index: reader.u64(),
    signal_id: reader.take(16),
    reason: reader.u8(),
  };
  demand(isSignalId(body.signal_id), "malformed", "not a signal id");
  demand(body.reason >= 1 && body.reason <= LAST_REASON, "malformed", "an unknown reason");
  return body;
}

function decodeShare(bytes) {
  demand(bytes.length >= 2, "malformed", "a share is too short");
  const reader = new Reader(bytes);
  const count = reader.u16();
  demand(count <= MAX_SHARES, "too-large", "more than 700 slots");
  demand(count >= 1, "malformed", "no slots");
  demand(reader.left === SHARE_SLOT * count, "malformed", "the body does not end with the last slot");
  const slots = [];
  for (let i = 0; i < count; i += 1) {
    const slot = { epoch_id: reader.take(16), kem_key_id: reader.take(16), wrapped: reader.take(1_200) };
    const rises = i === 0 || compare(slotKey(slots[i - 1]), slotKey(slot)) < 0;
    demand(rises, "malformed", "slots do not rise");
    slots.push(slot);
  }
  return { slots };
}

const slotKey = (slot) => concat(slot.epoch_id, slot.kem_key_id);

const DECODERS = {
  [KIND.EPOCH]: decodeEpochBody,
  [KIND.END_OF_EPOCH]: decodeEndOfEpoch,
  [KIND.RECEIPT]: decodeReceipt,
  [KIND.RECALL]: decodeRecall,
  [KIND.SHARE]: decodeShare,
};

/** Decode the clear body of a kind. */
export function decodeClearBody(kind, bytes) {
  const decoder = DECODERS[kind];
  if (!decoder) throw new Refusal("malformed", "not a clear kind");
  return decoder(bytes);
}
