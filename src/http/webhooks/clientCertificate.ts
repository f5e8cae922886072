/** What makes a client certificate right, and what of it may be shown. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { Credentials } from "../../domain/credentials";
import type { FieldError } from "../../domain/fault";

type Tls = NonNullable<Credentials["tls"]>;

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** What is wrong with it, in the words of its fields. Never repeats a key or a part of it. */
export function certificateErrors({ certificate, key, ca }: Tls, now: number): FieldError[] {
  const chain = certificatesOf(certificate);
  const own = chain?.[0];
  const privateKey = privateKeyOf(key);
  const errors: FieldError[] = [];
  if (own === undefined) errors.push({ pointer: "/clientCertificate/certificate", message: "is not an X.509 certificate in PEM" });
  else if (endOf(own) <= now) {
    errors.push({ pointer: "/clientCertificate/certificate", message: `ended at ${new Date(endOf(own)).toISOString()}` });
  }
  if (privateKey === null) errors.push({ pointer: "/clientCertificate/key", message: "is not a private key in PEM, without a passphrase" });
  else if (own !== undefined && !own.checkPrivateKey(privateKey)) {
    errors.push({ pointer: "/clientCertificate/key", message: "belongs to another certificate: the chain begins with its own" });
  }
  if (ca !== null && certificatesOf(ca) === null) {
    errors.push({ pointer: "/clientCertificate/ca", message: "holds no certificates in PEM" });
  }
  return errors;
}

export interface ShownCertificate {
  readonly subject: string;
  readonly fingerprint256: string;
  readonly validTo: number;
}

export function certificateShown({ certificate }: Pick<Tls, "certificate">): ShownCertificate | null {
  const own = certificatesOf(certificate)?.[0];
  if (own === undefined) return null;
  return { subject: own.subject.replaceAll("\n", ", "), fingerprint256: own.fingerprint256, validTo: endOf(own) };
}

/** Null when there are none, or one of them is none. */
function certificatesOf(pem: string): X509Certificate[] | null {
  const blocks = pem.match(PEM_CERTIFICATE);
  if (blocks === null) return null;
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return null;
  }
}

function privateKeyOf(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}

function endOf({ validTo }: X509Certificate): number {
  return Date.parse(validTo);
}
