// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// This implementation against other libraries and against data it seals itself: `node --test`.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";

import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";
import { encode } from "@msgpack/msgpack";
import { gcm } from "@noble/ciphers/aes.js";
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { shake256 } from "@noble/hashes/sha3.js";
import { ml_dsa65 } from "@noble/post-quantum/ml-dsa.js";

import { concat, fromHex, label, toHex, u64, u8 } from "./bytes.mjs";
import { decodeCanonical, peekVersion } from "./canonical.mjs";
import { openCobblestone } from "./cobblestone.mjs";
import { representative } from "./composite.mjs";
import { senderId } from "./envelope.mjs";
import { epochId, slotInfo } from "./epoch.mjs";
import { bodyHash, decodeHeader } from "./header.mjs";
import { hkdfExpand } from "./hkdf.mjs";
import { openHpke, readerKeys } from "./hpke.mjs";
import { leafHash, treeRoot } from "./merkle.mjs";
import { openVector } from "./opening.mjs";
import { bucket, unpad } from "./padding.mjs";

const random = (length) => new Uint8Array(randomBytes(length));
const u32 = (value) => u64(BigInt(value)).slice(4);
const u16 = (value) => u64(BigInt(value)).slice(6);
const refuses = (category, run) => assert.throws(run, { name: "Refusal", category });

const suite = () => new CipherSuite({ kem: new XWing(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

async function sealHpke(publicKey, info, plain) {
  const recipientPublicKey = await suite().kem.deserializePublicKey(publicKey);
  const { ct, enc } = await suite().seal({ recipientPublicKey, info }, plain);
  return concat(new Uint8Array(enc), new Uint8Array(ct));
}

test("a slot sealed by another X-Wing opens with the 96-byte seed", async () => {
  const keys = readerKeys(random(96));
  const info = label("info");
  const sealed = await sealHpke(keys.publicKey, info, label("secret"));
  assert.deepEqual(await openHpke(keys, info, sealed), label("secret"));
  await assert.rejects(openHpke(keys, label("other"), sealed));
});

function sealCobblestone(key, context, plain) {
  const salt = random(24);
  const info = concat(label("c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM"), u8(0), salt, context);
  const okm = hkdfExpand(sha512, key, info, 76);
  const chunks = [];
  for (let i = 0; i * 16_384 <= plain.length; i += 1) {
    const nonce = okm.slice(32, 44);
    nonce[11] ^= i;
    chunks.push(gcm(okm.slice(0, 32), nonce).encrypt(plain.slice(i * 16_384, (i + 1) * 16_384)));
  }
  return concat(salt, okm.slice(44), ...chunks);
}

test("Cobblestone opens every length, and nothing that was cut or changed", () => {
  const [key, context] = [random(32), random(32)];
  for (const length of [0, 1, 16_383, 16_384, 16_385, 40_000]) {
    const plain = random(length);
    const sealed = sealCobblestone(key, context, plain);
    assert.deepEqual(openCobblestone(key, context, sealed), plain);
    refuses("decryption", () => openCobblestone(key, random(32), sealed));
    refuses("decryption", () => openCobblestone(key, context, sealed.slice(0, -1)));
    if (length >= 16_384) refuses("decryption", () => openCobblestone(key, context, sealed.slice(0, 56 + 16_400)));
  }
});

test("padding has one form for each length", () => {
  const expected = { 1: 256, 256: 256, 257: 272, 272: 272, 1_000: 1_024, 1_025: 1_088, 65_537: 67_584 };
  for (const [length, padded] of Object.entries(expected)) assert.equal(bucket(Number(length)), padded);
  const padded = concat(u32(2), u8(7), u8(8), new Uint8Array(250));
  assert.deepEqual(unpad(padded), Uint8Array.of(7, 8));
  refuses("malformed", () => unpad(concat(padded, u8(0))));
  refuses("malformed", () => unpad(concat(padded.slice(0, -1), u8(1))));
});

test("the tree splits at the largest power of two below n", () => {
  const [a, b, c] = [1, 2, 3].map((n) => leafHash(u8(n)));
  const node = (left, right) => sha256(concat(u8(1), left, right));
  assert.deepEqual(treeRoot([a, b, c]), node(node(a, b), c));
  assert.equal(toHex(treeRoot([])), toHex(sha256(new Uint8Array())));
});

test("canonical MessagePack is what another encoder writes, and no other form", () => {
  const value = [0, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32, -1, -32, -33, -129, -32_769, -(2 ** 31) - 1];
  assert.deepEqual(decodeCanonical(encode(value)), value);
  for (const length of [0, 31, 32, 255, 256, 65_535, 65_536]) {
    const text = "é".repeat(length / 2) + "x".repeat(length % 2);
    assert.equal(decodeCanonical(encode(text)), text);
    assert.equal(decodeCanonical(encode(new Uint8Array(length))).length, length);
    assert.equal(decodeCanonical(encode(new Array(length).fill(0))).length, length);
  }
  assert.deepEqual(decodeCanonical(encode({ a: { b: null } })), new Map([["a", new Map([["b", null]])]]));
  for (const form of [
    ..."cc7f cd00ff ce0000ffff cf00000000ffffffff d07f d0e0 d17fff d2ffff8000 d3ffffffff80000000".split(" "),
    ..."ca00000000 cb0000000000000000 c1 d900 da00ff c50001 dc000f de0001a161c0 8101c0 82a161c0a161c0".split(" "),
    ..."a180 a3eda080 c0c0 91 a2c080 c7040000000000 d600ffffffff c70cff000003e8ffffffffffff".split(" "),
    ..."d7ff0000000000000001 d7ff0000000400000000 d7ffffffffff00000000 c70cff000000000000000000000001".split(" "),
  ]) {
    refuses("malformed", () => decodeCanonical(fromHex(form)));
  }
  refuses("malformed", () => decodeCanonical(new Uint8Array(1_000).fill(0x91)));
});

test("times keep their microseconds", () => {
  const time = (form) => JSON.stringify(decodeCanonical(fromHex(form)));
  assert.equal(time("d6ff00000001"), '"1970-01-01T00:00:01Z"');
  assert.equal(time("d7ff00000fa000000001"), '"1970-01-01T00:00:01.000001Z"');
  assert.equal(time("c70cff00000000ffffffffffffffff"), '"1969-12-31T23:59:59Z"');
});

test("a version is seen before the rest is understood", () => {
  assert.equal(peekVersion(fromHex("9202cb")), 2);
  assert.equal(peekVersion(concat(u8(0x81), u8(0xa6), label("schema"), u8(9))), 9);
  refuses("malformed", () => peekVersion(u8(0x80)));
});

// A small sealer, to have something to open.

function makeSender() {
  const edSeed = random(32);
  const mldsa = ml_dsa65.keygen(random(32));
  return { edSeed, mldsa, publicKey: concat(mldsa.publicKey, ed25519.getPublicKey(edSeed)) };
}

function sign(sender, kind, header) {
  const signed = representative(header, label(`seinpost/kind-${kind}/v1`));
  const context = label("COMPSIG-MLDSA65-Ed25519-SHA512");
  return concat(ml_dsa65.sign(signed, sender.mldsa.secretKey, { context }), ed25519.sign(signed, sender.edSeed));
}

function headerStart(sender, { kind, enclave, epoch, seq, theme = 1 }) {
  const codes = Uint8Array.of(kind, 1, 0, theme);
  const ids = [enclave, senderId(sender.publicKey), epoch];
  return concat(label("SPO1"), codes, ...ids, u64(seq), new Uint8Array(32), u64(5n), u64(1_700_000_000_000n));
}

const finish = (start, count, root, body) => concat(start, u32(count), root, u32(body.length), bodyHash(body));

async function makeEpoch(sender, enclave, keys, secret, hidden) {
  const zero = new Uint8Array(16);
  const commit = (text, value) => sha256(concat(label(text), value));
  const commitments = {
    commitment: commit("seinpost/commitment/v1", secret),
    protected_commitment: commit("seinpost/protected-commitment/v1", hidden),
  };
  const start = headerStart(sender, { kind: 1, enclave, epoch: zero, seq: 1n });
  const draft = decodeHeader(finish(start, 0, new Uint8Array(32), new Uint8Array()));
  const slot = await sealHpke(keys.publicKey, slotInfo(draft, commitments, keys.kemKeyId), concat(secret, hidden));
  const parts = [u8(1), zero, commitments.commitment, commitments.protected_commitment, u16(1), keys.kemKeyId, slot];
  const body = concat(...parts);
  const header = finish(start, 0, new Uint8Array(32), body);
  return { header, envelope: concat(header, sign(sender, 1, header), body) };
}

function pad(content) {
  const length = 4 + content.length;
  return concat(u32(content.length), content, new Uint8Array(bucket(length) - length));
}

function sealPart(start, count, root, { secret, text, epoch, seq }, value) {
  const key = hkdfExpand(sha256, secret, concat(label(text), epoch, u64(seq)), 32);
  const context = sha256(concat(label("seinpost/batch-context/v1"), start, u32(count), root));
  return sealCobblestone(key, context, pad(encode(value)));
}

const HANDLING = encode({ schema: 1, signal_type: "incident", valid_until: new Date(1_900_000_000_000), tlp: "red" });
const REPORT = encode([1, { title: "Titel", text: "Tekst" }]);
const INDICATORS = encode([1, [{ type: "url", value: "https://example.org" }]]);
const HIDDEN = encode([1, { contact: "iemand" }]);

/** A whole vector of two signals, the second with a protected section. */
async function makeVector({ readProtected, theme = 1, handling = HANDLING, hiddenLie = false }) {
  const [sender, enclave, seed] = [makeSender(), random(16), random(96)];
  const [secret, hidden] = [random(32), random(32)];
  const epoch = await makeEpoch(sender, enclave, readerKeys(seed), secret, hidden);
  const id = epochId(epoch.header);
  const rows = [1, 2].map((n) => concat(new Uint8Array(6), Uint8Array.of(0x70, 0, 0x80), new Uint8Array(6), u8(n)));
  const [mainSeed, hiddenSeed] = [random(32), random(32)];
  const sections = [
    [handling, REPORT, INDICATORS, null],
    [handling, REPORT, null, HIDDEN],
  ];
  const salts = [mainSeed, hiddenSeed].map((s) => shake256(concat(label("seinpost/salts/v1"), s), { dkLen: 256 }));
  const digests = sections.map((row, i) =>
    row.map((section, j) => {
      const slot = salts[j === 3 ? 1 : 0].slice(32 * (4 * i + j), 32 * (4 * i + j + 1));
      return section ? sha256(concat(label("seinpost/section/v1"), u8(j), slot, section)) : slot;
    }),
  );
  if (hiddenLie) digests[0][3] = random(32);
  const owner = [senderId(sender.publicKey), id];
  const leaves = rows.map((row, i) => leafHash(concat(label("seinpost/leaf/v1"), row, ...owner, ...digests[i])));
  const root = treeRoot(leaves);
  const start = headerStart(sender, { kind: 2, enclave, epoch: id, seq: 2n, theme });
  const shared = { epoch: id, seq: 2n };
  const main = [mainSeed, rows.map((row, i) => [row, ...sections[i].slice(0, 3), digests[i][3]])];
  const parts = [
    sealPart(start, 2, root, { ...shared, secret, text: "seinpost/main-key/v1" }, main),
    sealPart(start, 2, root, { ...shared, secret: hidden, text: "seinpost/protected-key/v1" }, [hiddenSeed, [[1, HIDDEN]]]),
  ];
  const body = concat(...parts.flatMap((part) => [u32(part.length), part]));
  const header = finish(start, 2, root, body);
  return {
    sender_public_key: toHex(sender.publicKey),
    enclave_id: toHex(enclave),
    kem_seed: toHex(seed),
    read_protected: readProtected,
    epoch_envelope: toHex(epoch.envelope),
    envelope: toHex(concat(header, sign(sender, 2, header), body)),
  };
}

test("a sealed batch opens, with and without its protected part", async () => {
  const vector = await makeVector({ readProtected: true });
  const all = await openVector(vector);
  assert.deepEqual(all.signals[1].sections[3], HIDDEN);
  assert.equal(all.decoded[1].protected.contact, "iemand");
  assert.equal(all.signals[1].id, "00000000-0000-7000-8000-000000000002");
  const some = await openVector({ ...vector, read_protected: false });
  assert.equal(some.signals[1].sections[3], null);
  assert.deepEqual(some.leaves, all.leaves);
});

const swap = (hex, at) => hex.slice(0, at * 2) + (hex.slice(at * 2, at * 2 + 2) === "00" ? "01" : "00") + hex.slice(at * 2 + 2);

test("what was changed is refused in its category", async () => {
  const vector = await makeVector({ readProtected: true });
  const cases = [
    ["signature", { envelope: swap(vector.envelope, 184) }],
    ["signature", { envelope: swap(vector.envelope, 184 + 3_372) }],
    ["signature", { envelope: swap(vector.envelope, 3_557 + 100) }],
    ["malformed", { envelope: `${vector.envelope}00` }],
    ["binding", { enclave_id: toHex(random(16)) }],
    ["binding", { epoch_envelope: vector.envelope }],
    ["bad-slot", { kem_seed: toHex(random(96)) }],
  ];
  for (const [category, change] of cases) {
    await assert.rejects(openVector({ ...vector, ...change }), { name: "Refusal", category });
  }
});

test("what a sender should not have sealed is refused in its category", async () => {
  const cases = [
    ["binding", { theme: 2 }],
    ["update-needed", { handling: encode({ schema: 2, new: 1.5 }) }],
    ["malformed", { handling: encode({ schema: 1, tlp: "red" }) }],
    ["root", { hiddenLie: true }],
  ];
  for (const [category, change] of cases) {
    const vector = await makeVector({ readProtected: true, ...change });
    await assert.rejects(openVector(vector), { name: "Refusal", category });
  }
  await openVector(await makeVector({ readProtected: false, hiddenLie: true }));
});
