// Reads the binary answers of the server: a JSON header and numbers (docs/http_api.md).

const TYPES = {f4: Float32Array, f8: Float64Array, u1: Uint8Array};
// More than any answer may hold; a log is untrusted.
const MAX_BYTES = 1 << 30;

/** {header, numbers(reference) -> typed array} of one answer (ArrayBuffer). */
export function readPack(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < 8 || buffer.byteLength > MAX_BYTES || view.getUint32(0, false) !== 0x50494350) {
    throw new Error('the answer is not a Picasso pack');
  }
  const length = view.getUint32(4, true);
  const body = 8 + length;
  if (body > buffer.byteLength || body % 8) throw new Error('the answer is cut short');
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const numbers = (reference) => {
    if (!reference) return null;
    const type = TYPES[reference.type];
    const end = body + reference.at + reference.length * (type?.BYTES_PER_ELEMENT ?? 0);
    if (!type || reference.at < 0 || reference.length < 0 || end > buffer.byteLength) {
      throw new Error('the answer is cut short');
    }
    return new type(buffer, body + reference.at, reference.length);
  };
  return {header, numbers};
}

/** Decompress zlib data to exactly `size` bytes, reading no more than that. */
export async function inflate(bytes, size) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  const reader = stream.getReader();
  const result = new Uint8Array(size);
  let at = 0;
  for (;;) {
    const {done, value} = await reader.read();
    if (done) break;
    if (at + value.length > size) {
      await reader.cancel();
      throw new Error(`a map is larger than ${size} bytes`);
    }
    result.set(value, at);
    at += value.length;
  }
  if (at !== size) throw new Error(`a map is not ${size} bytes`);
  return result;
}
