import { expect, test } from "bun:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { excerptOf } from "../../src/notifier/webhook/answer";

function excerpt(body: string | Uint8Array, { encoding = null, hidden = [] }: { encoding?: string | null; hidden?: string[] } = {}) {
  return excerptOf({ encoding, chunks: [Buffer.from(body)] }, hidden);
}

test("an excerpt is the beginning of the text, at most 1 KiB, no character by half", async () => {
  expect(await excerpt('{"error":"näh"}\r\n')).toBe('{"error":"näh"}\r\n');
  expect(await excerpt("")).toBeNull();
  expect(await excerptOf({ encoding: null, chunks: [] }, [])).toBeNull();
  expect(await excerpt(`x${"€".repeat(1000)}`)).toBe(`x${"€".repeat(341)}`);
  expect(await excerpt("x".repeat(1022) + "😀")).toBe("x".repeat(1022));
});

test("what no terminal and no database should be given is replaced: control characters, broken UTF-8, what turns or hides text", async () => {
  const bad = ["\0", "\u{1b}[2J", "\u{7f}", "\u{85}", "\u{202e}", "\u{2066}", "\u{200b}", "\u{feff}", "\u{e0041}"];
  for (const one of bad) expect(await excerpt(`a${one}b`)).toBe(`a${one.replace(/^./u, "\u{fffd}")}b`);
  expect(await excerpt(Buffer.from([0x61, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0x62]))).toMatch(/^a\ufffd+\(\ufffd+b$/);
  expect((await excerpt("\u{fffd}".repeat(1000)))?.length).toBe(341);
});

test.each([
  ["gzip", gzipSync],
  ["GZIP", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
] as const)("a body packed by %s is unpacked, whole or as far as it came", async (encoding, pack) => {
  expect(await excerpt(pack("not today"), { encoding })).toBe("not today");
  const long = pack(Array.from({ length: 2000 }, (_, index) => `line ${index * 7919}`).join("\n"));
  expect(await excerpt(long.subarray(0, long.length - 1000), { encoding })).toStartWith("line 0\nline 7919\n");
  expect(await excerpt("not packed at all", { encoding })).toBeNull();
});

test("a body in a packing that we do not know has no excerpt", async () => {
  expect(await excerpt("whatever", { encoding: "zstd" })).toBeNull();
  expect(await excerpt(gzipSync(gzipSync("x")), { encoding: "gzip, gzip" })).toBeNull();
});

test("what is hidden is not shown, also where the excerpt ends", async () => {
  const hidden = ["Bearer s3cret-token", "s3cret-token"];
  expect(await excerpt("you sent Bearer s3cret-token, or s3cret-token", { hidden })).toBe("you sent [hidden], or [hidden]");
  expect(await excerpt(`${"x".repeat(1020)}s3cret-token`, { hidden })).toBe(`${"x".repeat(1020)}[hid`);
});
