import { expect, test } from "bun:test";
import { deflateRawSync } from "node:zlib";
import { fileInZip } from "./zip";

interface Packed {
  readonly name: string;
  readonly bytes: Buffer;
  readonly method: number;
}

function local({ name, bytes, method }: Packed): Buffer {
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(method, 8);
  head.writeUInt32LE(bytes.length, 18);
  head.writeUInt16LE(name.length, 26);
  // A local header has its own extra field, whose length the directory does not know.
  head.writeUInt16LE(3, 28);
  return Buffer.concat([head, Buffer.from(name), Buffer.alloc(3), bytes]);
}

function entry({ name, bytes, method }: Packed, at: number): Buffer {
  const head = Buffer.alloc(46);
  head.writeUInt32LE(0x02014b50, 0);
  head.writeUInt16LE(method, 10);
  head.writeUInt32LE(bytes.length, 20);
  head.writeUInt16LE(name.length, 28);
  head.writeUInt16LE(5, 30);
  head.writeUInt32LE(at, 42);
  return Buffer.concat([head, Buffer.from(name), Buffer.alloc(5)]);
}

function zip(files: readonly Packed[]): Buffer {
  const locals = files.map(local);
  const places = locals.map((_, index) => locals.slice(0, index).reduce((sum, { length }) => sum + length, 0));
  const directory = Buffer.concat(files.map((file, index) => entry(file, places[index] ?? 0)));
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(
    locals.reduce((sum, { length }) => sum + length, 0),
    16,
  );
  return Buffer.concat([...locals, directory, end]);
}

const archive = zip([
  { name: "kept/as-it-is", bytes: Buffer.from("one"), method: 0 },
  { name: "kept/smaller", bytes: deflateRawSync(Buffer.from("two".repeat(100))), method: 8 },
  { name: "kept/otherwise", bytes: Buffer.from("x"), method: 12 },
]);

test("a file comes out as it went in, compressed or not", () => {
  expect(fileInZip(archive, "kept/as-it-is").toString()).toBe("one");
  expect(fileInZip(archive, "kept/smaller").toString()).toBe("two".repeat(100));
});

test("what cannot be read is said", () => {
  expect(() => fileInZip(archive, "kept")).toThrow("holds no kept");
  expect(() => fileInZip(archive, "kept/otherwise")).toThrow("compression");
  expect(() => fileInZip(Buffer.from("PK"), "kept")).toThrow("no ZIP");
});
