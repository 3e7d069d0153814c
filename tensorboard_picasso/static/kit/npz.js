// Arrays as NumPy's .npz: .npy files in a ZIP that does not compress.

/** @typedef {{values: ArrayLike<number>, shape: number[]}} Numbers */

const TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let rest = i;
  for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let rest = 0xffffffff;
  for (const byte of bytes) rest = TABLE[(rest ^ byte) & 255] ^ (rest >>> 8);
  return ~rest >>> 0;
}

/**
 * Fields of two or four bytes, little-endian.
 * @param {...[size: number, value: number]} list
 */
function fields(...list) {
  const bytes = new Uint8Array(list.reduce((sum, [size]) => sum + size, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [size, value] of list) {
    if (size === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += size;
  }
  return bytes;
}

/** @param {ArrayLike<number>[]} parts */
function joined(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** @param {string} text */
const encode = (text) => new TextEncoder().encode(text);

/**
 * One array as .npy: {values, shape} of float64, or a string.
 * @param {Numbers | string} array
 */
function npy(array) {
  const isText = typeof array === "string";
  const data = isText ? Uint32Array.from([...array], (letter) => letter.codePointAt(0) ?? 0) : Float64Array.from(array.values);
  const type = isText ? `<U${data.length}` : "<f8";
  /** @type {number[]} */
  const shape = isText ? [] : array.shape;
  const about = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.map((size) => `${size},`).join("")}), }`;
  // The numbers start at a multiple of 64 bytes.
  const head = about.padEnd(Math.ceil((about.length + 11) / 64) * 64 - 11) + "\n";
  return joined([[0x93], encode("NUMPY"), fields([2, 1], [2, head.length]), encode(head), new Uint8Array(data.buffer)]);
}

const DAY = 0x21; // 1 January 1980, the first that a ZIP can hold

/** @param {Record<string, Numbers | string>} arrays by name */
export function npz(arrays) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const [key, array] of Object.entries(arrays)) {
    const [name, data] = [encode(`${key}.npy`), npy(array)];
    /** @type {[number, number][]} */
    const about = [[2, 20], [2, 0], [2, 0], [2, 0], [2, DAY], [4, crc32(data)], [4, data.length], [4, data.length], [2, name.length], [2, 0]];
    directory.push(fields([4, 0x02014b50], [2, 20], ...about, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]), name);
    const file = [fields([4, 0x04034b50], ...about), name, data];
    parts.push(...file);
    at += file.reduce((sum, part) => sum + part.length, 0);
  }
  const listed = joined(directory);
  const count = Object.keys(arrays).length;
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, listed.length], [4, at], [2, 0]);
  return new Blob([...parts, listed, end], { type: "application/zip" });
}
