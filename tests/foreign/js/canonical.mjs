// SPDX-FileCopyrightText: 2026 The Seinpost developers
// SPDX-License-Identifier: EUPL-1.2

// Reading canonical MessagePack (docs/spec.md, section 6.2): every form but the shortest is refused.
// Written by hand, because a decoder for every MessagePack hides what must be seen here: the form of an
// integer, a key that stands twice, text that is not UTF-8.

import { Reader } from "./bytes.mjs";
import { Refusal, demand } from "./errors.mjs";
import { decodeTimestamp } from "./timestamp.mjs";

const DEEPEST = 16;
const TIMESTAMP = 0xff;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The one value of the bytes: integers as number (or bigint beyond its range), maps as Map, bin as Uint8Array. */
export function decodeCanonical(bytes) {
  return reading(() => {
    const reader = new Reader(bytes);
    const value = readValue(reader, 0);
    demand(reader.left === 0, "malformed", "something follows the value");
    return value;
  });
}

/** The schema version of a section: the first element of an array, or the first value of a map under `schema`. */
export function peekVersion(bytes) {
  return reading(() => {
    const reader = new Reader(bytes);
    const head = readHead(reader);
    demand(head.length > 0 && (head.type === "array" || head.type === "map"), "malformed", "not a section");
    if (head.type === "map") demand(readValue(reader, 1) === "schema", "malformed", "schema is not the first key");
    return readValue(reader, 1);
  });
}

function reading(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw new Refusal("malformed", "cut off");
    throw error;
  }
}

function readValue(reader, depth) {
  demand(depth < DEEPEST, "malformed", "nested too deep");
  const head = readHead(reader);
  switch (head.type) {
    case "value":
      return head.value;
    case "text":
      return readText(reader, head.length);
    case "bin":
      return reader.take(head.length);
    case "array":
      return readMany(head.length, () => readValue(reader, depth + 1));
    case "map":
      return readMap(reader, head.length, depth);
    default:
      return readExtension(reader, head.length);
  }
}

function readMany(length, read) {
  const values = [];
  while (values.length < length) values.push(read());
  return values;
}

function readText(reader, length) {
  try {
    return utf8.decode(reader.take(length));
  } catch (error) {
    throw error instanceof RangeError ? error : new Refusal("malformed", "text is not UTF-8");
  }
}

function readMap(reader, length, depth) {
  const map = new Map();
  for (let i = 0; i < length; i += 1) {
    const key = readValue(reader, depth + 1);
    demand(typeof key === "string", "malformed", "a key is not a string");
    demand(!map.has(key), "malformed", "a key stands twice");
    map.set(key, readValue(reader, depth + 1));
  }
  return map;
}

function readExtension(reader, length) {
  demand(reader.u8() === TIMESTAMP, "malformed", "an unknown extension");
  return decodeTimestamp(reader.take(length));
}

const whole = (value) => ({ type: "value", value });

function sized(type, length, least) {
  demand(length >= least, "malformed", "a length in a longer form than needed");
  return { type, length };
}

function integer(value, least, most) {
  demand(value < least || value > most, "malformed", "an integer in a longer form than needed");
  const big = value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER;
  return whole(big ? value : Number(value));
}

const signed = (bits, reader) => BigInt.asIntN(bits, bits === 64 ? reader.u64() : BigInt(unsigned(bits, reader)));

const unsigned = (bits, reader) => ({ 8: () => reader.u8(), 16: () => reader.u16(), 32: () => reader.u32() })[bits]();

const HEADS = {
  0xc0: () => whole(null),
  0xc2: () => whole(false),
  0xc3: () => whole(true),
  0xc4: (reader) => sized("bin", reader.u8(), 0),
  0xc5: (reader) => sized("bin", reader.u16(), 0x100),
  0xc6: (reader) => sized("bin", reader.u32(), 0x10000),
  0xc7: (reader) => {
    const length = reader.u8();
    demand(![1, 2, 4, 8, 16].includes(length), "malformed", "an extension in a longer form than needed");
    return { type: "extension", length };
  },
  0xcc: (reader) => integer(reader.u8(), 0, 0x7f),
  0xcd: (reader) => integer(reader.u16(), 0, 0xff),
  0xce: (reader) => integer(reader.u32(), 0, 0xffff),
  0xcf: (reader) => integer(reader.u64(), 0n, 0xffffffffn),
  0xd0: (reader) => integer(signed(8, reader), -0x20n, 0x7fn),
  0xd1: (reader) => integer(signed(16, reader), -0x80n, 0x7fffn),
  0xd2: (reader) => integer(signed(32, reader), -0x8000n, 0x7fffffffn),
  0xd3: (reader) => integer(signed(64, reader), -0x80000000n, 0x7fffffffffffffffn),
  0xd6: () => ({ type: "extension", length: 4 }),
  0xd7: () => ({ type: "extension", length: 8 }),
  0xd9: (reader) => sized("text", reader.u8(), 0x20),
  0xda: (reader) => sized("text", reader.u16(), 0x100),
  0xdb: (reader) => sized("text", reader.u32(), 0x10000),
  0xdc: (reader) => sized("array", reader.u16(), 0x10),
  0xdd: (reader) => sized("array", reader.u32(), 0x10000),
  0xde: (reader) => sized("map", reader.u16(), 0x10),
  0xdf: (reader) => sized("map", reader.u32(), 0x10000),
};

function readHead(reader) {
  const byte = reader.u8();
  if (byte < 0x80) return whole(byte);
  if (byte < 0x90) return { type: "map", length: byte & 0x0f };
  if (byte < 0xa0) return { type: "array", length: byte & 0x0f };
  if (byte < 0xc0) return { type: "text", length: byte & 0x1f };
  if (byte >= 0xe0) return whole(byte - 0x100);
  const head = HEADS[byte];
  demand(head, "malformed", "a float, or a form that the format does not use");
  return head(reader);
}
