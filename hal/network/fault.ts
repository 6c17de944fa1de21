import { DeviceError } from "../error.ts";
import type { Address } from "./port.ts";

const untrusted =
  "the peer's certificate is signed by no authority that is trusted here; add its authority, or correct the peer";

const advice = new Map([
  ["EADDRINUSE", "another program holds this address; stop it or choose another port"],
  ["EADDRNOTAVAIL", "no interface of this machine has this address; correct it or bring the interface up"],
  ["EACCES", "this port needs a privilege; use one above 1023 or grant CAP_NET_BIND_SERVICE"],
  ["EINVAL", "this is not a numeric IPv4 or IPv6 address and a port; correct it"],
  ["ECONNREFUSED", "nothing listens there; start it or correct the address"],
  ["ECONNRESET", "the peer reset the connection; it was restarted or refuses us"],
  ["ETIMEDOUT", "no answer; check that the machine is up and reachable"],
  ["EHOSTUNREACH", "no route to this machine; check cables, addresses and routes"],
  ["ENETUNREACH", "no route to this network; check cables, addresses and routes"],
  ["EKEY", "the certificate or its key cannot be used; correct them"],
  ["ECERT", "the peer does not believe our certificate; give it our authority, or renew the certificate"],
  ["EPROTO", "the peer does not speak TLS 1.2 or later here; correct the port, or what the peer speaks"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", untrusted],
  ["UNABLE_TO_GET_ISSUER_CERT", untrusted],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", untrusted],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", untrusted],
  ["SELF_SIGNED_CERT_IN_CHAIN", untrusted],
  ["CERT_HAS_EXPIRED", "the peer's certificate has expired; renew it, or set this machine's clock"],
  ["CERT_NOT_YET_VALID", "the peer's certificate is not valid yet; set this machine's clock, or the peer's"],
  [
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "the peer's certificate is for another name; correct the address, or the certificate",
  ],
  ["ENOBUFS", "the peer takes no data and too much waits for it; the connection is given up"],
]);

/** The fault of a socket: `what` is "udp", "tcp" or "tls". */
export function networkFault(what: string, address: Address, code: string, cause?: unknown): DeviceError {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  const fallback = cause instanceof Error ? cause.message : "the socket failed";
  return new DeviceError(`${what} ${host}:${address.port}`, code, advice.get(code) ?? fallback, cause);
}
