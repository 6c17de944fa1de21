/** The shape of a configuration file: which keys there are, what each may be, and what stands in for an absent one. */
import { z } from "zod";
import * as field from "./fields.ts";

const names = z.array(field.user, "expected a list of talkgroup names");

const digest = z
  .array(z.enum(["SHA-256", "MD5"], "expected SHA-256 or MD5"), "expected a list of SHA-256 and MD5")
  .min(1, "expected SHA-256, MD5 or both");

const account = z.strictObject(
  {
    user: field.user,
    password: field.password,
    talkgroups: names,
    standing: names.default([]),
    listenOnly: names.default([]),
    priority: field.priority.default(0),
    digest: z.exactOptional(digest),
  },
  "expected user, password and talkgroups",
);

/** T1, T2, T3 and T4, with the defaults of TS 24.380 §11. */
export const talkgroup = z.strictObject(
  {
    name: field.user,
    endOfMediaSeconds: field.seconds(0.5, 60).default(4),
    talkSeconds: field.seconds(1, 3_600).default(30),
    graceSeconds: field.seconds(0, 60).default(3),
    hangSeconds: field.seconds(0, 3_600).default(10),
  },
  "expected a talkgroup's name and times",
);

const credentials = { username: z.exactOptional(field.credential), password: z.exactOptional(field.credential) };

const embedded = z.strictObject(
  { host: field.numericHost, port: field.port, ...credentials },
  "expected host and port",
);

const broker = z.strictObject(
  {
    embedded: z.exactOptional(embedded),
    url: z.exactOptional(field.brokerUrl),
    ...credentials,
  },
  "expected none, embedded: { host, port }, or url",
);

export const fileSchema = z.strictObject(
  {
    site: field.site,
    gateway: z.exactOptional(field.gateway),
    realm: field.realm,
    sip: z.strictObject(
      { host: field.ownHost, port: field.port, digest: digest.default(["SHA-256", "MD5"]) },
      "expected host and port",
    ),
    media: z.strictObject({ host: field.ownHost, ports: field.portRange }, "expected host and ports"),
    broker: z.preprocess((value) => (value === "none" ? undefined : value), z.optional(broker)),
    board: field.board,
    control: z.exactOptional(field.socketPath),
    store: z.exactOptional(field.path),
    accounts: z.array(account, "expected a list of accounts"),
    panel: z.exactOptional(
      z.strictObject({ account: field.user, talkgroup: field.user }, "expected account and talkgroup"),
    ),
    talkgroups: z.array(talkgroup, "expected a list of talkgroups"),
  },
  "expected a gateway's configuration",
);

/** A file whose every value is sound by itself. */
export type ConfigFile = z.output<typeof fileSchema>;

/**
 * Where a key may be part of a password that was not put in quotes ("{ password: a,b }" has a key "b"), and the keys
 * that are expected there.
 */
export const secretPlaces: readonly { readonly path: RegExp; readonly keys: readonly string[] }[] = [
  { path: /^accounts\.\d+(?=\.)/, keys: Object.keys(account.shape) },
  { path: /^broker\.embedded(?=\.)/, keys: Object.keys(embedded.shape) },
  { path: /^broker(?=\.)/, keys: Object.keys(broker.shape) },
];
