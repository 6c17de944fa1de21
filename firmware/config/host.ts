import { isIPv6 } from "node:net";

/** 0.0.0.0 and :: in any spelling. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || canonical(host) === "::";
}

export function isLoopback(host: string): boolean {
  return host.startsWith("127.") || canonical(host) === "::1";
}

/** Where this machine reaches its own socket that listens on `host`. */
export function reachable(host: string): string {
  if (!isWildcard(host)) return host;
  return isIPv6(host) ? "::1" : "127.0.0.1";
}

/** As sockets write it: the shortest spelling of an IPv6 address, and any other host as it is. */
export function canonical(host: string): string {
  return (isIPv6(host) ? URL.parse(`http://[${host}]`)?.hostname.slice(1, -1) : undefined) ?? host;
}
