/**
 * Keys of SRTP in a session description (RFC 4568, "SDES"): a=crypto as values. What it asks for that is not done here makes an
 * attribute unusable, never weaker: more keys than one, an MKI, derivation rates, and whatever would switch protection off.
 */
import { masterLengths, type SrtpKey, type SrtpSuite } from "../../hal/srtp/port.ts";

export interface CryptoAttribute extends SrtpKey {
  /** Names it among those of an offer. */
  readonly tag: number;
}

/** Of the a=crypto lines of a medium so many are looked at. */
const mostAttributes = 16;

/** The usable ones of a medium, in its order of preference. `values`: what stands behind "a=crypto:". */
export function readCrypto(values: readonly string[]): CryptoAttribute[] {
  return values.slice(0, mostAttributes).flatMap((value) => readAttribute(value) ?? []);
}

/** RFC 4568 §9.1: tag, suite, key parameters, and session parameters. */
function readAttribute(value: string): CryptoAttribute | undefined {
  const [tag = "", suite = "", key = "", ...parameters] = value.trim().split(/[ \t]+/);
  if (!/^\d{1,9}$/.test(tag) || !isSuite(suite) || !parameters.every(mayBe)) return undefined;
  const master = readKey(key, masterLengths[suite]);
  return master && { tag: Number(tag), suite, master };
}

/** §6.3: what is not understood makes the attribute void, unless it says that it need not be. The window (§6.3.7) is a hint. */
const mayBe = (parameter: string): boolean => parameter.startsWith("-") || /^WSH=\d{2,4}$/.test(parameter);

/**
 * "inline:" key and salt, and a lifetime, which is for the one to count who sends (§6.1). With ":" in it a part is an MKI, whose
 * length every packet would grow by.
 */
function readKey(text: string, length: number): Uint8Array | undefined {
  const found = /^inline:([A-Za-z0-9+/]{1,64}={0,2})(?:\|(?:2\^\d{1,2}|\d{1,15}))?$/i.exec(text);
  const master = Buffer.from(found?.[1] ?? "", "base64");
  return master.length === length ? Uint8Array.from(master) : undefined;
}

const isSuite = (name: string): name is SrtpSuite => Object.hasOwn(masterLengths, name);

/** A key as a parameter of the attribute; without a lifetime it is that of the suite (§6.1). */
export const inline = (master: Uint8Array): string => `inline:${Buffer.from(master).toString("base64")}`;
