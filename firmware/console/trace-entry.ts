/**
 * One SIP message for a person who looks for a fault: what it is, between whom, and its text without secrets. Pure. It reads
 * leniently, since what is malformed is what is looked for.
 */
import { formatHostPort } from "../sip/uri.ts";

export interface TraceEntry {
  /** Unix time, ms. */
  readonly at: number;
  readonly direction: "in" | "out";
  /** "udp 10.0.0.9:5060": how, and who is at the other end. */
  readonly peer: string;
  /** "INVITE sip:ops@crew.example", or "200 OK (INVITE)". */
  readonly summary: string;
  readonly call: string;
  /** User names in From, To and the Request-URI. */
  readonly users: readonly string[];
  /** As on the wire, but for what is secret; cut where it is very long. */
  readonly text: string;
}

export interface TraceFilter {
  readonly user?: string | undefined;
  /** A Call-ID, or how it begins. */
  readonly call?: string | undefined;
}

const longestText = 8_192;
const decoder = new TextDecoder();

export function traceEntry(
  at: number,
  direction: "in" | "out",
  flow: { readonly transport: string; readonly remote: { readonly host: string; readonly port: number } },
  data: Uint8Array,
): TraceEntry {
  const text = withoutSecrets(decoder.decode(data.subarray(0, longestText)));
  const [start = ""] = text.split(/\r?\n/, 1);
  const field = (name: string, short: string): string =>
    new RegExp(`^(?:${name}|${short})[ \\t]*:[ \\t]*(.*)$`, "im").exec(text)?.[1]?.trim() ?? "";
  const response = /^SIP\/2\.0 (\d{3} .*)$/i.exec(start)?.[1];
  const request = /^(\S+ \S+) SIP\/2\.0$/i.exec(start)?.[1];
  const method = field("cseq", "cseq").split(/\s+/)[1] ?? "?";
  return {
    at,
    direction,
    peer: `${flow.transport} ${formatHostPort(flow.remote)}`,
    summary: response ? `${response} (${method})` : (request ?? start.slice(0, 80)),
    call: field("call-id", "i"),
    users: usersIn([request ?? "", field("from", "f"), field("to", "t")]),
    text,
  };
}

function usersIn(texts: readonly string[]): string[] {
  const found = texts.map((text) => /\bsips?:([^@\s;<>"]{1,128})@/i.exec(text)?.[1] ?? "");
  return [...new Set(found)].filter((user) => user !== "");
}

export function passes({ user, call }: TraceFilter, entry: TraceEntry): boolean {
  return (user === undefined || entry.users.includes(user)) && (call === undefined || entry.call.startsWith(call));
}

const secretHeader = /^(?:proxy-)?authorization[ \t]*:/i;
const secretParameter = /\b(response|cnonce|nonce|opaque)=("[^"]*"?|[^\s,]*)/gi;

/** All behind the suite, as it should be written. */
const sdesKeys = /^([ \t]*a=crypto:[ \t]*\S{1,16}[ \t]+\S{1,64}[ \t]+).*/i;
/** However else it is written. */
const anyKey = /(\binline:)[^\s;|]+/gi;

/** RFC 3261 §22: a digest answer invites guessing; SDES keys (RFC 4568) are the media's own. */
export function withoutSecrets(text: string): string {
  let within = false;
  return text
    .split("\n")
    .map((line) => {
      within = secretHeader.test(line) || (within && /^[ \t]/.test(line));
      if (within) return line.replace(secretParameter, '$1="***"');
      return line
        .replace(sdesKeys, "$1***")
        .replace(anyKey, "$1***")
        .replace(/^(k=\S+?:).*/, "$1***");
    })
    .join("\n");
}
