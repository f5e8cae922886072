/** Addresses as they are written, dialled and shown. */

/** host:port, an IPv6 address in brackets. */
export function addressOf(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Where to dial a server that may listen everywhere. */
export function dialHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

/** An address as it may be printed: without the user and password that it carries. */
export function shownUrl(url: string): string {
  return url.replace(/\/\/[^@/]*@/, "//");
}
