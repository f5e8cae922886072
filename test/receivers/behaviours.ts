import type { Socket } from "node:net";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** What a receiver does with a connection once the first bytes of a request are there. `every` runs something until it is closed. */
export type Behaviour = (socket: Socket, every: (ms: number, act: () => void) => void) => void;

export const OK = "HTTP/1.1 200 OK\r\n";
const DONE = `${OK}content-length: 0\r\nconnection: close\r\n\r\n`;
const MIB = 1024 * 1024;
const HEAD_BOMB_BYTES = 100 * 1024;

/** Sends the text and closes. */
export function sends(text: string): Behaviour {
  return (socket) => socket.end(text);
}

/** An answer without a body, with these headers. */
export function answers(status: number, headers: Readonly<Record<string, string>> = {}): Behaviour {
  const lines = Object.entries({ ...headers, "content-length": "0", connection: "close" }).map(([name, value]) => `${name}: ${value}\r\n`);
  return sends(`HTTP/1.1 ${status} Whatever\r\n${lines.join("")}\r\n`);
}

/** As fast as it is read, for ever. */
function pours(socket: Socket, text: string): void {
  const bytes = Buffer.from(text);
  const pour = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on("drain", pour);
  pour();
}

/** Sends the text, and closes before the whole of what it promised. */
function breaksOff(text: string): Behaviour {
  return (socket) => socket.write(text, () => setTimeout(() => socket.end(), 10));
}

function packed(encoding: string, bytes: Buffer): Behaviour {
  return (socket) => {
    socket.write(`${OK}content-encoding: ${encoding}\r\ncontent-length: ${bytes.length}\r\nconnection: close\r\n\r\n`);
    socket.end(bytes);
  };
}

/** Never come to an end in the time that they are given. */
export const SLOW = {
  /** Takes the request and says nothing. */
  hang: () => {},
  /** A head, then a byte of body now and then, for ever. */
  trickle: (socket, every) => {
    socket.write(`${OK}\r\n`);
    every(20, () => socket.write("x"));
  },
  /** The same, but the head says already that it failed. */
  trickleAfterFailure: (socket, every) => {
    socket.write("HTTP/1.1 500 Oh\r\n\r\n");
    every(20, () => socket.write("x"));
  },
  /** A head that never ends. */
  trickleHead: (socket, every) => {
    socket.write(OK);
    every(20, () => socket.write("x-more: 1\r\n"));
  },
  /** Accepts, but too late. */
  late: (socket, every) => every(10_000, () => socket.end(DONE)),
  /** Is about to answer, for ever. */
  processing: (socket, every) => every(5, () => socket.write("HTTP/1.1 102 Processing\r\n\r\n".repeat(20))),
} satisfies Record<string, Behaviour>;

const LARGE = {
  /** A body without end, as fast as it is read. */
  flood: (socket) => {
    socket.write(`${OK}\r\n`);
    pours(socket, "x".repeat(64 * 1024));
  },
  floodAfterFailure: (socket) => {
    socket.write("HTTP/1.1 503 Oh\r\n\r\n");
    pours(socket, "x".repeat(64 * 1024));
  },
  /** 200 KiB that unpack to 200 MiB. */
  gzipBomb: packed("gzip", Buffer.concat(Array<Buffer>(200).fill(gzipSync(Buffer.alloc(MIB, "x"))))),
  /** Some bytes that unpack to 16 MiB. */
  brotliBomb: packed("br", brotliCompressSync(Buffer.alloc(16 * MIB, "x"), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })),
  brokenGzip: packed("gzip", Buffer.alloc(100, 0xff)),
  /** One header of 100 KiB. */
  headBomb: sends(`${OK}x: ${"y".repeat(HEAD_BOMB_BYTES)}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`),
  /** As much in headers of 20 bytes. */
  manyHeaders: sends(`${OK}${"x-and-another: value\r\n".repeat(HEAD_BOMB_BYTES / 20)}content-length: 0\r\n\r\n`),
  /** Headers without end. */
  headFlood: (socket) => {
    socket.write(OK);
    pours(socket, `x: ${"y".repeat(8000)}\r\n`);
  },
} satisfies Record<string, Behaviour>;

const BROKEN = {
  /** A head that promises a body, half of it, and a reset. */
  resetMidBody: (socket) => {
    socket.write(`${OK}content-length: 1000\r\n\r\nhalf`, () => setTimeout(() => socket.resetAndDestroy(), 10));
  },
  /** Closes without a word. */
  closeAtOnce: (socket) => socket.end(),
  /** Something else than HTTP. */
  garbage: sends("220 mail.example ESMTP\r\n\r\n"),
  lengthTooLong: breaksOff(`${OK}content-length: 1000\r\n\r\nshort`),
  lengthTooShort: sends(`${OK}content-length: 2\r\n\r\nok, and more that nobody asked for`),
  lengthGarbage: sends(`${OK}content-length: -5\r\n\r\nok`),
  lengthTwice: sends(`${OK}content-length: 2\r\ncontent-length: 5\r\n\r\nok`),
  chunkGarbage: sends(`${OK}transfer-encoding: chunked\r\n\r\nzz\r\nok\r\n`),
  chunkHuge: sends(`${OK}transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nok\r\n`),
  chunkCutOff: breaksOff(`${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n`),
  switchingProtocols: sends("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n"),
} satisfies Record<string, Behaviour>;

const ODD = {
  /** Asks for a body that it has. */
  continueFirst: (socket) => {
    socket.write("HTTP/1.1 100 Continue\r\n\r\n");
    setTimeout(() => socket.end(DONE), 10);
  },
  manyInformational: sends("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".repeat(1000) + DONE),
  /** Until the connection is closed, as in the nineties. */
  http10: sends("HTTP/1.0 200 OK\r\n\r\ntaken"),
  /** Promises to keep the connection, and closes it. */
  keepAliveThenClose: sends(`${OK}connection: keep-alive\r\ncontent-length: 0\r\n\r\n`),
  gone: answers(410),
} satisfies Record<string, Behaviour>;

/** Endpoints as no endpoint should be, and as some are. */
export const HOSTILE = { ...SLOW, ...LARGE, ...BROKEN, ...ODD } satisfies Record<string, Behaviour>;
