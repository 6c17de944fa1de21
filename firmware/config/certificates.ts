/** The files that `sip.tls` names: whether they are what they should be, and fit each other. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { dirname, resolve } from "node:path";
import type { Fault } from "../../hal/board/fault.ts";
import type { Config } from "../config.ts";
import { readText } from "./reading.ts";

/** PEM text. */
export interface Certificates {
  /** The gateway's own, and those between it and an authority. */
  readonly certificate: string;
  readonly key: string;
  /** Who may sign for others; absent: the authorities that browsers trust. */
  readonly authorities?: string;
}

export interface CertificatesRead {
  readonly certificates: Certificates;
  /** What is no fault yet. */
  readonly warnings: readonly Fault[];
}

type Place = "certificate" | "key" | "ca";

/** The group may read it: some systems keep keys for a group of services. */
const secretKey = { what: "a private key", forbidden: 0o027 };
const block = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** `source`: the configuration's file, from whose folder the paths go. `now`: Unix time in ms. */
export function readCertificates(
  settings: NonNullable<Config["sip"]["tls"]>,
  source: string,
  now: number,
): CertificatesRead | { readonly faults: Fault[] } {
  const faults: Fault[] = [];
  const at = (place: Place): string => `${source}: sip.tls.${place}`;
  const blame = (place: Place, problem: string): undefined => {
    faults.push({ path: at(place), message: `${settings[place]} ${problem}` });
  };

  /** What `read` makes of a file; undefined when it was blamed. */
  function load<Value>(place: Place, expected: string, read: (text: string) => Value | undefined) {
    const shown = settings[place];
    if (shown === undefined) return undefined;
    const file = resolve(dirname(source), shown);
    const found = readText(file, shown, place === "key" ? secretKey : undefined);
    if ("problem" in found) return blame(place, found.problem);
    try {
      const value = read(found.text);
      return value === undefined ? blame(place, expected) : { text: found.text, value };
    } catch {
      // OpenSSL says what it stumbled over, in no words that help.
      return blame(place, expected);
    }
  }

  const certificate = load(
    "certificate",
    "holds no certificate in PEM; give it with those between it and its authority",
    (text) => text.match(block)?.map((each) => new X509Certificate(each))[0],
  );
  const key = load("key", "holds no private key in PEM without a passphrase; nobody is there to type one", createKey);
  const authorities = load("ca", "holds no certificates in PEM", (text) =>
    text.match(block)?.map((each) => new X509Certificate(each)),
  );
  if (certificate && key && !certificate.value.checkPrivateKey(key.value))
    blame("key", `is not the key of the certificate in ${settings.certificate}`);
  if (faults.length > 0 || !certificate || !key) return { faults };
  return {
    certificates: {
      certificate: certificate.text,
      key: key.text,
      ...(authorities && { authorities: authorities.text }),
    },
    warnings: validityWarnings(certificate.value, now).map((message) => ({
      path: at("certificate"),
      message: `${settings.certificate} ${message}`,
    })),
  };
}

function createKey(text: string): KeyObject {
  return createPrivateKey(text);
}

function validityWarnings({ validFromDate, validToDate }: X509Certificate, now: number): string[] {
  const day = (date: Date): string => date.toISOString().slice(0, 10);
  if (now > validToDate.getTime())
    return [`expired on ${day(validToDate)}: phones that look at it refuse it; renew it`];
  if (now < validFromDate.getTime())
    return [`is not valid before ${day(validFromDate)}: set this machine's clock, or the one that made it`];
  return [];
}
