import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, isIP, type Server, type Socket } from "node:net";

export interface Question {
  readonly name: string;
  readonly type: "A" | "AAAA";
}

/** What is answered: records, a refusal, nothing at all, or bytes as they are. */
export type DnsAnswer =
  /** The name's aliases in order (CNAME), then addresses, of which those of the asked family are sent. */
  | { readonly addresses: readonly string[]; readonly aliases?: readonly string[] }
  | { readonly code: "SERVFAIL" | "NXDOMAIN" | "REFUSED" }
  | "silence"
  | { readonly bytes: (query: Buffer) => Buffer };

export interface DnsStub extends AsyncDisposable {
  /** As a resolver takes it: "127.0.0.1:5353". */
  readonly address: string;
  /** Questions in the order in which they came; one that was repeated over TCP, because the answer is long, stands twice. */
  readonly asked: Question[];
}

const HEADER_BYTES = 12;
const UDP_BYTES_MAX = 512;
const CODES = { SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;
const TYPES = { A: 1, CNAME: 5, AAAA: 28 } as const;

/** A name server on loopback, over UDP and TCP (RFC 1035), that answers what it is told to. */
export async function openDnsStub(answer: (question: Question) => DnsAnswer): Promise<DnsStub> {
  const asked: Question[] = [];
  const replyTo = (query: Buffer, bytesMax: number): Buffer | null => {
    const question = readQuestion(query);
    asked.push(question);
    const told = answer(question);
    if (told === "silence") return null;
    if ("bytes" in told) return told.bytes(query);
    const reply = writeReply(query, question, told);
    return reply.length <= bytesMax ? reply : truncated(query);
  };
  const { tcp, udp, port } = await listen((socket) => answerOver(socket, replyTo));
  udp.on("message", (query, from) => {
    const reply = replyTo(query, UDP_BYTES_MAX);
    if (reply !== null) udp.send(reply, from.port, from.address);
  });
  return {
    address: `127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      await Promise.all([new Promise<void>((done) => udp.close(done)), new Promise((done) => tcp.close(done))]);
    },
  };
}

/** At one port over both; where somebody has the other half of one, at another. */
async function listen(onSocket: (socket: Socket) => void): Promise<{ tcp: Server; udp: UdpSocket; port: number }> {
  for (;;) {
    const tcp = createServer(onSocket);
    tcp.listen(0, "127.0.0.1");
    await once(tcp, "listening");
    const { port } = tcp.address() as AddressInfo;
    const udp = createSocket("udp4");
    const bound = once(udp, "listening").then(
      () => true,
      () => false,
    );
    udp.bind(port, "127.0.0.1");
    if (await bound) return { tcp, udp, port };
    tcp.close();
  }
}

/** Each message has its length in front of it. */
function answerOver(socket: Socket, replyTo: (query: Buffer, bytesMax: number) => Buffer | null): void {
  let waiting = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes: Buffer) => {
    waiting = Buffer.concat([waiting, bytes]);
    while (waiting.length >= 2 && waiting.length >= 2 + waiting.readUInt16BE(0)) {
      const end = 2 + waiting.readUInt16BE(0);
      const reply = replyTo(waiting.subarray(2, end), 65_535);
      waiting = waiting.subarray(end);
      if (reply !== null) socket.write(Buffer.concat([uint16(reply.length), reply]));
    }
  });
}

function readQuestion(query: Buffer): Question {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join("."), type: query.readUInt16BE(at + 1) === TYPES.AAAA ? "AAAA" : "A" };
}

function writeReply(query: Buffer, { name, type }: Question, told: Exclude<DnsAnswer, "silence" | { bytes: unknown }>): Buffer {
  if ("code" in told) return message(query, { flags: 0x81_80 + CODES[told.code], records: [] });
  const { addresses, aliases = [] } = told;
  const names = [name, ...aliases];
  const owner = names.at(-1) as string;
  const family = type === "A" ? 4 : 6;
  const records = [
    ...aliases.map((alias, index) => record(names[index] as string, "CNAME", encodeName(alias))),
    ...addresses.filter((address) => isIP(address) === family).map((address) => record(owner, type, encodeAddress(address))),
  ];
  return message(query, { flags: 0x81_80, records });
}

/** "Ask again over TCP." */
function truncated(query: Buffer): Buffer {
  return message(query, { flags: 0x83_80, records: [] });
}

function message(query: Buffer, { flags, records }: { flags: number; records: readonly Buffer[] }): Buffer {
  const nameBytes = query.indexOf(0, HEADER_BYTES) + 1 - HEADER_BYTES;
  const question = query.subarray(HEADER_BYTES, HEADER_BYTES + nameBytes + 4);
  const head = Buffer.concat([query.subarray(0, 2), uint16(flags), uint16(1), uint16(records.length), uint16(0), uint16(0)]);
  return Buffer.concat([head, question, ...records]);
}

/** Lives for no time, so that nobody on the way remembers it. */
function record(owner: string, type: keyof typeof TYPES, data: Buffer): Buffer {
  return Buffer.concat([encodeName(owner), uint16(TYPES[type]), uint16(1), Buffer.alloc(4), uint16(data.length), data]);
}

function encodeName(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, "latin1")]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

function encodeAddress(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string | undefined) => (text === undefined || text === "" ? [] : text.split(":"));
  const [front, back] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => "0");
  return Buffer.concat([...front, ...zeros, ...back].map((group) => uint16(Number.parseInt(group, 16))));
}

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
