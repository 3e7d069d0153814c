// Packs: a JSON header and typed arrays in one answer (docs/extending/http_api.md).
// Logs are untrusted: every length is checked before anything is made of it.

import { stepOf } from "../kit/steps.js";

/** @import { Reference } from "../types.js" */

const TYPES = { f4: Float32Array, f8: Float64Array, i2: Int16Array, i4: Int32Array, i8: BigInt64Array, u1: Uint8Array };
const MAX_PIXELS = 1 << 26;

/**
 * The header, with its steps as steps.js has them: those beyond a number's reach come as text.
 * @param {string} header
 */
function parsed(header) {
  if (!header.includes('"step":"')) return JSON.parse(header);
  return JSON.parse(header, (key, value) => (key === "step" && typeof value === "string" ? (stepOf(value) ?? value) : value));
}

/**
 * What reads the numbers of an answer.
 * @typedef {Pick<Pack<unknown>, "array">} Numbers
 */

/** A pack that does not hold together. */
export class PackError extends Error {}

/**
 * One answer: its header, and the arrays that the header refers to.
 * @template Header
 */
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
      /** @type {Header} */
      this.header = parsed(header);
    } catch {
      throw new PackError("the answer's header cannot be read: reload");
    }
    this.#body = { buffer, start: 8 + length };
  }

  /**
   * The numbers behind a reference, without copying them; null for null.
   * @template {Reference | null | undefined} Given
   * @param {Given} reference
   * @param {number} [expected] how many there must be
   * @returns {Given extends Reference<infer Read> ? Read : null}
   */
  array(reference, expected) {
    // What comes back follows from what is given, which a cast alone can say.
    return /** @type {Given extends Reference<infer Read> ? Read : null} */ (reference ? this.#read(reference, expected) : null);
  }

  /** @param {Reference} reference @param {number | undefined} expected */
  #read(reference, expected) {
    const { at, length, type } = reference;
    const Type = type in TYPES ? TYPES[/** @type {keyof typeof TYPES} */ (type)] : null;
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

/**
 * A mask of so many pixels, a byte each, from packed bits, the most significant one first.
 * @param {Uint8Array} bits
 * @param {number} count
 */
function unpackBits(bits, count) {
  const mask = new Uint8Array(count);
  for (let i = 0; i < count; i++) mask[i] = (bits[i >> 3] >> (7 - (i & 7))) & 1;
  return mask;
}

/**
 * An object with a mask that is unpacked when it is first read: bytes of all of them would not fit.
 * @template {object} Of
 * @template {string} Name
 * @template {Reference<Uint8Array<ArrayBuffer>> | null} Bits
 * @param {Of} of
 * @param {Name} name of the mask
 * @param {Numbers} pack
 * @param {Bits} packed bits
 * @param {number} count of pixels
 */
export function withMask(of, name, pack, packed, count) {
  /** @type {Uint8Array | null} */
  const bits = pack.array(packed, Math.ceil(count / 8));
  /** @type {Uint8Array | null} */
  let mask = null;
  const get = () => (bits === null ? null : (mask ??= unpackBits(bits, count)));
  const made = Object.defineProperty(of, name, { enumerable: true, get });
  return /** @type {Of & Record<Name, Bits extends null ? Uint8Array | null : Uint8Array>} */ (made);
}

/**
 * Number of pixels of a height and width that may be drawn.
 * @param {number} height
 * @param {number} width
 */
export function pixels(height, width) {
  const count = height * width;
  if (!(height > 0 && width > 0 && count <= MAX_PIXELS)) {
    throw new PackError(`shape ${height}×${width} is out of bounds`);
  }
  return count;
}

const FED = 1 << 15; // bytes: what they may swell to is the most that is decompressed too much

/**
 * Hand data to a stream, bit by bit; what goes wrong with it is told to the reader.
 * @param {WritableStreamDefaultWriter<BufferSource>} writer
 * @param {Uint8Array<ArrayBuffer>} data
 */
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
 * @param {Uint8Array<ArrayBuffer>} data
 * @param {number} size
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
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
