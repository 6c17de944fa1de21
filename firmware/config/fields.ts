/**
 * What one value of a configuration file may be, and what its fault says. No message repeats a value: it may be a
 * password in the wrong place.
 */
import { isIP } from "node:net";
import { z } from "zod";
import { gatewayId } from "../federation/topic.ts";
import { canonical, isWildcard } from "./host.ts";

function text(expected: string, sound: (value: string) => boolean): z.ZodType<string, string> {
  return z
    .string({
      error: ({ input }) =>
        input === undefined
          ? `missing; ${expected}`
          : typeof input === "number"
            ? `${expected}; put it in quotes`
            : expected,
    })
    .refine(sound, expected);
}

export const site = text(
  "expected the site's name in 1 to 64 characters",
  (value) => value.trim() !== "" && /^[^\p{Cc}]{1,64}$/u.test(value),
);

export const gateway = text("expected 1 to 64 of a-z, 0-9 and -", (value) => gatewayId.test(value));

/** Lower-case, for hosts in SIP URIs are compared so and digest realms are compared exactly. */
export const realm = text("expected a domain name in lower case, such as crew.example", isDomain);

/** The user part of a SIP URI that needs no escape; talkgroups have one too. */
export const user = text("expected 1 to 64 letters, digits, dots, _ and -, a letter or digit first", (value) =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value),
);

/** Services have the URIs of these names: no user and no talkgroup has one. */
export const serviceNames: ReadonlyMap<string, string> = new Map([
  ["buddies", "everybody's buddy list"],
  ["direct", "the service of direct calls"],
]);

/** Of one user: each is told in every answer to a registration. */
export const mostIdentities = 16;

/** A digest answer crosses the network in clear: whoever captures one can try short passwords on it at leisure. */
export const password = text(
  "expected 8 to 128 characters; a shorter one can be guessed from one captured login",
  (value) => /^[^\p{Cc}]{8,128}$/u.test(value),
);

/** User name or password of a broker, which may be another's. */
export const credential = text("expected 1 to 128 characters", (value) => /^[^\p{Cc}]{1,128}$/u.test(value));

export const numericHost = text(
  "expected a numeric IPv4 or IPv6 address, such as 192.168.1.10; names are not looked up",
  (value) => isIP(value) !== 0 && !value.includes("%"),
).transform(canonical);

/** An address that others are told to send to: a wildcard would tell them nothing. */
export const ownHost = numericHost.refine(
  (value) => !isWildcard(value),
  "expected one address of this machine, such as 192.168.1.10: phones are told to send there",
);

/** Of a machine that is called. */
export const peerHost = numericHost.refine(
  (value) => !isWildcard(value),
  "expected the one address of the server, such as 192.168.1.5",
);

export const port = whole(1, 65_535);

export const priority = whole(0, 255);

export function seconds(least: number, most: number): z.ZodType<number, number> {
  const expected = `expected ${least} to ${most} seconds`;
  return z.number(expected).min(least, expected).max(most, expected);
}

/** `what`: "days". */
export function amount(least: number, most: number, what: string): z.ZodType<number, number> {
  const expected = `expected ${least} to ${most} ${what}`;
  return z.number(expected).min(least, expected).max(most, expected);
}

const range = "expected a range of UDP ports, such as 20000-29999";

/** Each session takes an even port for RTP and the next for RTCP. */
export const portRange = z
  .string(range)
  .regex(/^\d{1,5}-\d{1,5}$/, range)
  .transform((value) => {
    const dash = value.indexOf("-");
    return { first: Number(value.slice(0, dash)), last: Number(value.slice(dash + 1)) };
  })
  .refine(({ first, last }) => first > 0 && last <= 65_535, "expected ports from 1 to 65535")
  .refine(
    ({ first, last }) => last > first + (first % 2),
    "expected the first port below the last, and room for an even port and the next",
  );

const url = "expected mqtt://host:port or mqtts://host:port";

/** Without credentials, for it is shown in logs. */
export const brokerUrl = z
  .string(url)
  .refine((value) => !value.includes("@"), "expected no user or password here; give username and password beside url")
  .refine((value) => {
    const read = URL.parse(value);
    const rest = `${read?.pathname}${read?.search}${read?.hash}`;
    return /^mqtts?:$/.test(read?.protocol ?? "") && read?.hostname !== "" && (rest === "" || rest === "/");
  }, url);

export const board = text("expected the name of a file in boards/ without .yaml, such as simulated", (value) =>
  /^[a-z][a-z0-9-]{0,39}$/.test(value),
);

/** From the folder of the configuration. */
export const file = text("expected the path of a file", (value) => /^[^\p{Cc}]{1,1000}$/u.test(value));

/** Linux takes 107 bytes for the path of a socket. */
export const socketPath = text(
  "expected the path of a socket, in 107 bytes at most",
  (value) => /^[^\p{Cc}]+$/u.test(value) && Buffer.byteLength(value) <= 107,
);

/** From the folder of the configuration file, where it does not begin with a slash. */
export const path = text(
  "expected the path of a file",
  (value) => /^[^\p{Cc}]{1,4000}$/u.test(value) && !value.endsWith("/"),
);

export const exchangeName = text("expected 1 to 64 of a-z, 0-9 and -", (value) => gatewayId.test(value));

/** The user part of a SIP URI at an exchange: a number as a rule. It needs no escape (RFC 3261 §19.1.2) but for "#". */
export const dialled = text(
  "expected 1 to 64 letters, digits and + * # . _ -, a letter, a digit or one of + * # first",
  (value) => /^[A-Za-z0-9+*#][A-Za-z0-9+*#._-]{0,63}$/.test(value),
);

/** What is dialled before a number to leave the realm. */
export const prefix = text("expected 1 to 8 digits", (value) => /^[0-9]{1,8}$/.test(value));

/** How many calls an exchange may have at a time. */
export const lines = whole(1, 200);

/** The domain of another's addresses, which may be a bare address. */
export const domain = text(
  "expected a domain name in lower case, such as pbx.example, or a numeric address",
  (value) => isDomain(value) || (isIP(value) !== 0 && !value.includes("%")),
).transform(canonical);

export const certificateName = text(
  "expected the domain name or the numeric address that the server's certificate is for",
  (value) => isDomain(value) || isIP(value) !== 0,
);

function whole(least: number, most: number): z.ZodType<number, number> {
  const expected = `expected a whole number from ${least} to ${most}`;
  return z.int(expected).min(least, expected).max(most, expected);
}

function isDomain(value: string): boolean {
  return value.length <= 253 && value.split(".").every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label));
}
