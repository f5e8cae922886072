/** Reads one file out of a ZIP archive (APPNOTE 4.3), because not every machine has an `unzip`. Neither ZIP64 nor encryption. */
import { inflateRawSync } from "node:zlib";

const END_SIGNATURE = 0x06054b50;
const END_BYTES = 22;
const ENTRY_SIGNATURE = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

/** Throws when the archive holds no such file. */
export function fileInZip(archive: Buffer, name: string): Buffer {
  const end = archive.lastIndexOf(Buffer.from(Uint32Array.of(END_SIGNATURE).buffer));
  if (end < 0 || end + END_BYTES > archive.length) throw new Error("this is no ZIP archive");
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (archive.readUInt32LE(at) !== ENTRY_SIGNATURE) throw new Error("the directory of the ZIP archive is damaged");
    const nameEnd = at + ENTRY_BYTES + archive.readUInt16LE(at + 28);
    if (archive.toString("utf8", at + ENTRY_BYTES, nameEnd) === name) return contents(archive, at);
    at = nameEnd + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  throw new Error(`the ZIP archive holds no ${name}`);
}

/** `entry` is where the directory speaks of the file. */
function contents(archive: Buffer, entry: number): Buffer {
  const method = archive.readUInt16LE(entry + 10);
  const local = archive.readUInt32LE(entry + 42);
  const start = local + LOCAL_BYTES + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
  const bytes = archive.subarray(start, start + archive.readUInt32LE(entry + 20));
  if (method === STORED) return bytes;
  if (method === DEFLATED) return inflateRawSync(bytes);
  throw new Error(`the ZIP archive uses a compression that is not known here (${method})`);
}
