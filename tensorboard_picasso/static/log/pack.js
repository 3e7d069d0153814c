// Packs: a JSON header and typed arrays in one answer (docs/http_api.md).
// Logs are untrusted: every length is checked before anything is made of it.

import { stepOf } from "../kit/steps.js";

const TYPES = { f4: Float32Array, f8: Float64Array, i8: BigInt64Array, u1: Uint8Array };
const MAX_PIXELS = 1 << 26;

/** The header, with its steps as steps.js has them: those beyond a number's reach come as text. */
function parsed(header) {
  if (!header.includes('"step":"')) return JSON.parse(header);
  return JSON.parse(header, (key, value) => (key === "step" && typeof value === "string" ? (stepOf(value) ?? value) : value));
}

/** A pack that does not hold together. */
export class PackError extends Error {}

/** One answer: its header, and the arrays that the header refers to. */
export class Pack {
  #body;

  /** @param {ArrayBuffer} buffer the whole answer */
  constructor(buffer) {
    const start = new Uint8Array(buffer, 0, Math.min(4, buffer.byteLength));
    if (buffer.byteLength < 8 || String.fromCharCode(...start) !== "PICP") {
      throw new PackError("the answer is not a pack: reload, or update tensorboard-picasso");
    }
    const length = new DataView(buffer).getUint32(4, true);
    if (8 + length > buffer.byteLength) throw new PackError("the answer is cut short: reload");
    const header = new TextDecoder().decode(new Uint8Array(buffer, 8, length));
    try {
      this.header = parsed(header);
    } catch {
      throw new PackError("the answer's header cannot be read: reload");
    }
    this.#body = { buffer, start: 8 + length };
  }

  /**
   * The numbers behind a reference, without copying them; null for null.
   * @param {{at: number, length: number, type: string}|null} reference
   * @param {number} [expected] how many there must be
   */
  array(reference, expected) {
    if (reference === null || reference === undefined) return null;
    const { at, length, type } = reference;
    const Type = TYPES[type];
    const start = this.#body.start + at;
    const whole = Number.isSafeInteger(at) && Number.isSafeInteger(length) && at >= 0 && length >= 0;
    const end = start + length * (Type?.BYTES_PER_ELEMENT ?? 0);
    if (!Type || !whole || end > this.#body.buffer.byteLength || start % Type.BYTES_PER_ELEMENT) {
      throw new PackError(`array ${JSON.stringify(reference)} lies outside the answer`);
    }
    if (expected !== undefined && length !== expected) {
      throw new PackError(`array holds ${length} numbers instead of ${expected}`);
    }
    return new Type(this.#body.buffer, start, length);
  }
}

/** A mask of so many pixels, a byte each, from packed bits, the most significant one first. */
function unpackBits(bits, count) {
  const mask = new Uint8Array(count);
  for (let i = 0; i < count; i++) mask[i] = (bits[i >> 3] >> (7 - (i & 7))) & 1;
  return mask;
}

/**
 * Give an object a mask that is unpacked when it is first read: bytes of all of them would not fit.
 * @param {object} of
 * @param {string} name of the property, which holds a reference to packed bits, or null
 */
export function unpackLater(of, name, pack, count) {
  const bits = pack.array(of[name], Math.ceil(count / 8));
  if (bits === null) return;
  let mask = null;
  Object.defineProperty(of, name, { enumerable: true, get: () => (mask ??= unpackBits(bits, count)) });
}

/** Number of pixels of a height and width that may be drawn. */
export function pixels(height, width) {
  const count = height * width;
  if (!(height > 0 && width > 0 && count <= MAX_PIXELS)) {
    throw new PackError(`shape ${height}×${width} is out of bounds`);
  }
  return count;
}

const FED = 1 << 15; // bytes: what they may swell to is the most that is decompressed too much

/** Hand data to a stream, bit by bit; what goes wrong with it is told to the reader. */
async function feed(writer, data) {
  try {
    for (let at = 0; at < data.length; at += FED) await writer.write(data.subarray(at, at + FED));
    await writer.close();
  } catch {
    // The reader stopped, or is told.
  }
}

/**
 * Decompress zlib to exactly `size` bytes; more is never kept.
 * @param {Uint8Array} data
 * @param {number} size
 * @returns {Promise<Uint8Array>}
 */
export async function inflate(data, size) {
  const result = new Uint8Array(size);
  let filled = 0;
  const stream = new DecompressionStream("deflate");
  const reader = stream.readable.getReader();
  feed(stream.writable.getWriter(), data);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (filled + value.length > size) throw new PackError(`map holds more than ${size} bytes`);
      result.set(value, filled);
      filled += value.length;
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error instanceof PackError ? error : new PackError("map cannot be decompressed");
  }
  if (filled !== size) throw new PackError(`map holds ${filled} bytes instead of ${size}`);
  return result;
}
