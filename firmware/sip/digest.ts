/**
 * Digest authentication (RFC 3261 §22, RFC 7616, RFC 8760) with SHA-256 and MD5, qop=auth alone. The guard decides whether a
 * request proves that its sender knows a password; it knows no accounts. The other half answers challenges.
 */
import { hash, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import { type Params, parseAuth, quote } from "./header.ts";
import { ProtocolError, type SipRequest } from "./message.ts";
import { nonceBook } from "./nonce.ts";
import { parseUri, sameUri } from "./uri.ts";

export type DigestAlgorithm = "SHA-256" | "MD5";

/** `stale`: nothing is known against the password, only the nonce is not good; the challenge to send says so, and the terminal does not ask its user again. */
export interface Refusal {
  readonly ok: false;
  readonly stale: boolean;
  readonly reason: string;
}

/** Credentials that are in order as far as that can be told without the password. */
export interface Claim extends Proof {
  readonly ok: true;
  readonly username: string;
}

export type Verdict = { readonly ok: true } | Refusal;

/** H(username:realm:password) in hex, or undefined for a user that does not exist. */
export type Ha1Lookup = (username: string, algorithm: DigestAlgorithm) => string | undefined;

export interface DigestGuard {
  /** Values for WWW-Authenticate, SHA-256 first, of `algorithms` alone where they are given. `source` names the peer that may answer: its address. */
  challenges(source: string, stale?: boolean, algorithms?: readonly DigestAlgorithm[]): readonly string[];
  /**
   * Reads an Authorization value of `request` that came from `source`. Never throws for what a peer sent. A nonce that is not good
   * is found here: whoever makes one up learns nothing about a password.
   */
  read(request: SipRequest, authorization: string, source: string): Claim | Refusal;
  /** Judges whether who made a claim knows the password. What is refused here and is not stale was a wrong one. */
  prove(claim: Claim, lookup: Ha1Lookup): Verdict;
}

export interface DigestGuardOptions {
  readonly realm: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly algorithms: readonly DigestAlgorithm[];
  /** Life of a nonce; default 5 minutes. */
  readonly ttlMs?: number;
  /** Nonces in use that are remembered against replay; default 65,536. */
  readonly maxNonces?: number;
}

/** Strongest first. */
const supported: readonly DigestAlgorithm[] = ["SHA-256", "MD5"];
const hashNames: Readonly<Record<DigestAlgorithm, string>> = { "SHA-256": "sha256", MD5: "md5" };

export function digestGuard(options: DigestGuardOptions): DigestGuard {
  const { realm, random, algorithms, ttlMs = 300_000 } = options;
  const nonces = nonceBook({ ...options, ttlMs, maxNonces: options.maxNonces ?? 65_536 });
  // Work on a user that does not exist costs the same as on one that does.
  const nobody = random.token(16);

  function challenges(source: string, isStale = false, wanted = algorithms): readonly string[] {
    const nonce = nonces.issue(source);
    return supported
      .filter((algorithm) => wanted.includes(algorithm))
      .map(
        (algorithm) =>
          `Digest realm=${quote(realm)}, nonce="${nonce}", algorithm=${algorithm}, qop="auth"${isStale ? ", stale=true" : ""}`,
      );
  }

  function read(request: SipRequest, authorization: string, source: string): Claim | Refusal {
    const given = readCredentials(authorization);
    if (typeof given === "string") return refused(given);
    if (given.realm !== realm) return refused(`realm "${given.realm.slice(0, 40)}", expected "${realm}"`);
    if (!algorithms.includes(given.algorithm)) return refused(`algorithm ${given.algorithm} is not offered`);
    if (!samePlace(given.uri, request.uri)) return refused("digest-uri is not the Request-URI");
    const fault = nonces.fault(given.nonce, source);
    return fault === undefined ? { ok: true, ...given, method: request.method } : stale(fault);
  }

  function prove(claim: Claim, lookup: Ha1Lookup): Verdict {
    const secret = lookup(claim.username, claim.algorithm);
    const expected = responseOf({ ...claim, ha1: secret ?? nobody });
    if (!sameSecret(expected, claim.response.toLowerCase()) || secret === undefined)
      return refused("wrong user name or password");
    const fault = nonces.use(claim.nonce, Number.parseInt(claim.nc, 16));
    return fault === undefined ? { ok: true } : stale(fault);
  }

  return { challenges, read, prove };
}

function refused(reason: string): Refusal {
  return { ok: false, stale: false, reason };
}

function stale(reason: string): Refusal {
  return { ok: false, stale: true, reason };
}

/** RFC 3261 §22.4: the digest-uri is compared as a URI, for some agents write it otherwise than the Request-URI. */
function samePlace(digestUri: string, requestUri: string): boolean {
  if (digestUri === requestUri) return true;
  try {
    return sameUri(parseUri(digestUri), parseUri(requestUri));
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

interface DigestInput {
  readonly algorithm: DigestAlgorithm;
  readonly nonce: string;
  /** Eight hex digits. */
  readonly nc: string;
  readonly cnonce: string;
  readonly uri: string;
}

interface Proof extends DigestInput {
  readonly method: string;
  readonly response: string;
}

interface Given extends DigestInput {
  readonly username: string;
  readonly realm: string;
  readonly response: string;
}

/** The parts of an Authorization value, or what is wrong with it. */
function readCredentials(authorization: string): Given | string {
  const params = readAuth(authorization);
  if (params === undefined) return "no digest credentials";
  const need = (name: string) => params.get(name) ?? "";
  const algorithm = algorithmOf(params);
  if (algorithm === undefined) return "unknown algorithm";
  // Without qop there is no nonce count, and a captured answer could be sent again (RFC 2069).
  if (need("qop").toLowerCase() !== "auth") return "qop is not auth";
  const nc = need("nc");
  if (!/^[0-9a-f]{8}$/i.test(nc) || nc === "00000000") return "bad nonce count";
  const given = { username: need("username"), realm: need("realm"), nonce: need("nonce"), uri: need("uri") };
  const proof = { cnonce: need("cnonce"), response: need("response") };
  if (!given.username || !given.nonce || !given.uri || !proof.cnonce || !proof.response)
    return "a parameter is missing";
  return { ...given, ...proof, nc, algorithm };
}

function readAuth(value: string): Params | undefined {
  try {
    const { scheme, params } = parseAuth(value);
    return scheme === "digest" ? params : undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** RFC 7616 §3.3: MD5 where none is named. */
function algorithmOf(params: Params): DigestAlgorithm | undefined {
  const name = (params.get("algorithm") ?? "MD5").toUpperCase();
  return supported.find((algorithm) => algorithm === name);
}

function hexOf(algorithm: DigestAlgorithm, text: string): string {
  return hash(hashNames[algorithm], text);
}

/** H(username:realm:password) in hex: what a server stores instead of the password (RFC 7616 §3.4.2). */
export function ha1(username: string, realm: string, password: string, algorithm: DigestAlgorithm): string {
  return hexOf(algorithm, `${username}:${realm}:${password}`);
}

/** RFC 7616 §3.4.1 for qop=auth. */
function responseOf(of: DigestInput & { readonly ha1: string; readonly method: string }): string {
  const ha2 = hexOf(of.algorithm, `${of.method}:${of.uri}`);
  return hexOf(of.algorithm, `${of.ha1}:${of.nonce}:${of.nc}:${of.cnonce}:auth:${ha2}`);
}

function sameSecret(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

export interface ChallengeAnswer {
  /** The values of WWW-Authenticate or Proxy-Authenticate. */
  readonly challenges: readonly string[];
  readonly method: string;
  /** The Request-URI. */
  readonly uri: string;
  readonly username: string;
  readonly password: string;
  /** Uses of this nonce, this one included. */
  readonly nc: number;
  readonly cnonce: string;
}

/** The Authorization value for the strongest challenge that is understood; undefined when there is none. */
export function answerChallenge(answer: ChallengeAnswer): string | undefined {
  const offers = answer.challenges.flatMap((challenge) => {
    const params = readAuth(challenge);
    const algorithm = params && algorithmOf(params);
    const qops = params?.get("qop")?.toLowerCase().split(",") ?? [];
    return algorithm && qops.some((qop) => qop.trim() === "auth") ? [{ algorithm, params }] : [];
  });
  const strongest = offers.toSorted((a, b) => supported.indexOf(a.algorithm) - supported.indexOf(b.algorithm))[0];
  if (strongest === undefined) return undefined;

  const { algorithm, params } = strongest;
  const realm = params.get("realm") ?? "";
  const nonce = params.get("nonce") ?? "";
  const { method, uri, username, cnonce } = answer;
  const nc = answer.nc.toString(16).padStart(8, "0");
  const secret = ha1(username, realm, answer.password, algorithm);
  const response = responseOf({ algorithm, nonce, nc, cnonce, uri, method, ha1: secret });
  const opaque = params.get("opaque");
  return [
    `Digest username=${quote(username)}, realm=${quote(realm)}, nonce=${quote(nonce)}, uri=${quote(uri)}`,
    `response="${response}", algorithm=${algorithm}, qop=auth, nc=${nc}, cnonce=${quote(cnonce)}`,
    ...(opaque === undefined ? [] : [`opaque=${quote(opaque)}`]),
  ].join(", ");
}
