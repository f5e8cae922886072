import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

export interface Identity {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface Issued {
  /** DNS names and IPv4 addresses; the first DNS name is the subject. */
  readonly names: readonly string[];
  /** Epoch milliseconds; valid for a day around now unless told otherwise. */
  readonly from?: number;
  readonly until?: number;
}

const DAY_MS = 24 * 3600 * 1000;

/** A certificate authority that lives as long as the test; nothing needs to be installed to make its certificates (RFC 5280, in DER). */
export class Authority {
  readonly #name = `Test authority ${crypto.randomUUID()}`;
  readonly #keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  /** PEM. */
  readonly certificate = this.#certify({ subject: this.#name, key: this.#keys.publicKey, extensions: [authorityExtension(true)] });

  /** As a server's own certificate: signed by itself. */
  readonly identity: Identity = { certificate: this.certificate, key: pemOf(this.#keys.privateKey) };

  issue({ names, from, until }: Issued): Identity {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const extensions = [authorityExtension(false), namesExtension(names)];
    const certificate = this.#certify({ subject: names[0] ?? "nobody", key: publicKey, extensions, from, until });
    return { certificate, key: pemOf(privateKey) };
  }

  #certify({ subject, key, extensions, from = Date.now() - DAY_MS, until = Date.now() + DAY_MS }: Certified): string {
    const serial = der(INTEGER, Buffer.from([0x01, ...crypto.getRandomValues(new Uint8Array(8))]));
    const validity = der(SEQUENCE, time(from), time(until));
    const publicKey = key.export({ type: "spki", format: "der" });
    const version = der(0xa0, der(INTEGER, Buffer.from([2])));
    const content = der(
      SEQUENCE,
      version,
      serial,
      ECDSA_SHA256,
      named(this.#name),
      validity,
      named(subject),
      publicKey,
      der(0xa3, der(SEQUENCE, ...extensions)),
    );
    const signature = der(BIT_STRING, Buffer.from([0]), sign("sha256", content, this.#keys.privateKey));
    const body = der(SEQUENCE, content, ECDSA_SHA256, signature).toString("base64").replace(/.{64}/g, "$&\n");
    return `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
  }
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }) as string;
}

interface Certified {
  readonly subject: string;
  readonly key: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly from?: number;
  readonly until?: number;
}

const INTEGER = 0x02;
const BIT_STRING = 0x03;
const OCTET_STRING = 0x04;
const OBJECT_ID = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...bytes]), content]);
}

/** 1.2.840.10045.4.3.2 */
const ECDSA_SHA256 = der(SEQUENCE, der(OBJECT_ID, Buffer.from("2a8648ce3d040302", "hex")));
/** 2.5.4.3 */
const SUBJECT_NAME = der(OBJECT_ID, Buffer.from("550403", "hex"));
/** 2.5.29.19 and 2.5.29.17 */
const BASIC_CONSTRAINTS = der(OBJECT_ID, Buffer.from("551d13", "hex"));
const SUBJECT_ALT_NAME = der(OBJECT_ID, Buffer.from("551d11", "hex"));

function named(name: string): Buffer {
  return der(SEQUENCE, der(SET, der(SEQUENCE, SUBJECT_NAME, der(UTF8_STRING, Buffer.from(name)))));
}

function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/\D/g, "");
  return der(UTC_TIME, Buffer.from(`${digits.slice(2, 14)}Z`));
}

function authorityExtension(isAuthority: boolean): Buffer {
  const content = isAuthority ? der(SEQUENCE, Buffer.from([0x01, 0x01, 0xff])) : der(SEQUENCE);
  return der(SEQUENCE, BASIC_CONSTRAINTS, Buffer.from([0x01, 0x01, 0xff]), der(OCTET_STRING, content));
}

function namesExtension(names: readonly string[]): Buffer {
  const entries = names.map((name) => {
    const octets = name.split(".").map(Number);
    return octets.length === 4 && octets.every((octet) => octet >= 0) ? der(0x87, Buffer.from(octets)) : der(0x82, Buffer.from(name));
  });
  return der(SEQUENCE, SUBJECT_ALT_NAME, der(OCTET_STRING, der(SEQUENCE, ...entries)));
}
