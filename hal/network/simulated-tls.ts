/** TLS without cryptography: certificates that only say whom they are for, and what a handshake makes of them. */
import type { TlsCallers, TlsIdentity, TlsTrust } from "./port.ts";

const begin = "-----BEGIN CERTIFICATE-----";
const end = "-----END CERTIFICATE-----";

/** A certificate for these names and numeric hosts, signed by nobody: who takes its text for an authority's trusts it. */
export function simulatedIdentity(...names: readonly string[]): TlsIdentity {
  return { certificate: [begin, ...names, end, ""].join("\n"), key: `the key of ${names.join(" and ")}\n` };
}

export function isCertificate(text: string): boolean {
  return text.includes(begin) && text.includes(end);
}

/** Why a client that calls a listener breaks off the handshake; undefined when it is content. Without TLS on both sides there is none. */
export function refusalOf(identity: TlsIdentity | undefined, trust: TlsTrust): string | undefined {
  if (identity === undefined) return "EPROTO";
  const { certificate } = identity;
  if (!trust.authorities?.includes(certificate)) return "UNABLE_TO_VERIFY_LEAF_SIGNATURE";
  return certificate.split("\n").includes(trust.name) ? undefined : "ERR_TLS_CERT_ALTNAME_INVALID";
}

/** Whether a caller's certificate is for this name, and signed by one whom the listener trusts. */
export function provesTo(callers: TlsCallers, shown: TlsIdentity | undefined, name: string): boolean {
  if (shown === undefined || !callers.authorities?.includes(shown.certificate)) return false;
  return shown.certificate.split("\n").includes(name);
}
