// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// Bytes, hexadecimal and big-endian integers.

const ascii = new TextEncoder();

export const label = (text) => ascii.encode(text);

export function concat(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export const toHex = (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");

/** Bytes of strictly lower-case hexadecimal; a TypeError for anything else: inputs are ours, not the wire's. */
export function fromHex(text) {
  if (typeof text !== "string" || !/^([0-9a-f]{2})*$/.test(text)) throw new TypeError("not lower-case hexadecimal");
  return new Uint8Array(Buffer.from(text, "hex"));
}

export const equal = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** Order of two byte strings of one length: negative, zero or positive. */
export const compare = (a, b) => Buffer.compare(a, b);

export const isZero = (bytes) => bytes.every((byte) => byte === 0);

export const u8 = (value) => Uint8Array.of(value);

export function u64(value) {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, value);
  return out;
}

/** Reads fields one after the other; the caller has checked the length before. */
export class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
  }

  get left() {
    return this.bytes.length - this.at;
  }

  take(length) {
    if (length > this.left) throw new RangeError("read past the end");
    this.at += length;
    return this.bytes.slice(this.at - length, this.at);
  }

  u8() {
    return this.take(1)[0];
  }

  u16() {
    this.at += 2;
    return this.view.getUint16(this.at - 2);
  }

  u32() {
    this.at += 4;
    return this.view.getUint32(this.at - 4);
  }

  u64() {
    this.at += 8;
    return this.view.getBigUint64(this.at - 8);
  }
}
