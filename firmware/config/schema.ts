/** The shape of a configuration file: which keys there are, what each may be, and what stands in for an absent one. */
import { z } from "zod";
import { exchange } from "./exchange-schema.ts";
import * as field from "./fields.ts";
import { terminal } from "./terminal-schema.ts";
import { voiceLog } from "./voice-log.ts";

const names = z.array(field.user, "expected a list of talkgroup names");

const digest = z
  .array(z.enum(["SHA-256", "MD5"], "expected SHA-256 or MD5"), "expected a list of SHA-256 and MD5")
  .min(1, "expected SHA-256, MD5 or both");

const rule = z
  .strictObject(
    {
      action: z.enum(["allow", "polite-block", "block"], "expected allow, polite-block or block"),
      users: z.array(field.user, "expected a list of users").default([]),
      talkgroups: names.default([]),
      everyone: z.boolean("expected true or false").default(false),
    },
    "expected an action, and users, talkgroups or everyone",
  )
  .refine(
    ({ users, talkgroups, everyone }) => everyone || users.length + talkgroups.length > 0,
    "names nobody; give users, talkgroups or everyone: true",
  );

/** The rules go to every other gateway with each change of the user's presence. */
const rules = z
  .array(rule, "expected a list of rules")
  .max(16, "expected 16 rules at most")
  .refine(
    (list) => list.flatMap(({ users, talkgroups }) => [...users, ...talkgroups]).join(", ").length <= 800,
    "expected 800 characters of names at most; make a talkgroup of those who are named",
  );

const account = z.strictObject(
  {
    user: field.user,
    // One of these two; without either, the reference faults say that the password is missing.
    password: z.exactOptional(field.password),
    identityOf: z.exactOptional(field.user),
    talkgroups: names,
    standing: names.default([]),
    listenOnly: names.default([]),
    dispatcher: names.default([]),
    noPreempt: names.default([]),
    emergency: names.default([]),
    priority: field.priority.default(0),
    digest: z.exactOptional(digest),
    rules: rules.default([]),
    ...terminal,
  },
  "expected user, password and talkgroups",
);

/**
 * T1, T2, T3 and T4, with the defaults of TS 24.380 §11. Queueing is off where nobody wants it: a radio user who is not heard expects
 * to be told so, and to try again, not to be put through later in mid-sentence.
 */
export const talkgroup = z
  .strictObject(
    {
      name: field.user,
      endOfMediaSeconds: field.seconds(0.5, 60).default(4),
      talkSeconds: field.seconds(1, 3_600).default(30),
      graceSeconds: field.seconds(0, 60).default(3),
      hangSeconds: field.seconds(0, 3_600).default(10),
      talkWarningSeconds: field.seconds(0, 60).default(5),
      emergencySeconds: field.seconds(0, 86_400).default(3_600),
      queueing: z.boolean("expected true or false").default(false),
      broadcast: z.boolean("expected true or false").default(false),
      mixing: z.boolean("expected true or false").default(false),
      record: z.boolean("expected true or false").default(false),
    },
    "expected a talkgroup's name, times and options",
  )
  .refine(({ mixing, queueing, broadcast }) => !mixing || !(queueing || broadcast), {
    path: ["mixing"],
    message:
      "everybody talks at once: there is nothing to wait for, nor to keep for one; leave queueing and broadcast out",
  });

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

/** Port: RFC 3261 §19.1.2. */
const tls = z.strictObject(
  { port: field.port.default(5061), certificate: field.file, key: field.file, ca: z.exactOptional(field.file) },
  "expected port, certificate and key",
);

/** Prometheus reads from there; 9464 is what its exporters of this kind use. */
const metrics = z.strictObject(
  { host: field.numericHost.default("127.0.0.1"), port: field.port.default(9464) },
  "expected host and port",
);

export const fileSchema = z.strictObject(
  {
    site: field.site,
    gateway: z.exactOptional(field.gateway),
    realm: field.realm,
    sip: z.strictObject(
      {
        host: field.ownHost,
        port: field.port,
        digest: digest.default(["SHA-256", "MD5"]),
        tls: z.exactOptional(tls),
      },
      "expected host and port",
    ),
    media: z.strictObject(
      {
        host: field.ownHost,
        ports: field.portRange,
        srtp: z.enum(["off", "offered", "required"], "expected off, offered or required").default("offered"),
      },
      "expected host and ports",
    ),
    broker: z.preprocess((value) => (value === "none" ? undefined : value), z.optional(broker)),
    board: field.board,
    control: z.exactOptional(field.socketPath),
    store: z.exactOptional(field.path),
    voiceLog: z.exactOptional(voiceLog),
    admin: z.exactOptional(field.socketPath),
    metrics: z.exactOptional(metrics),
    accounts: z.array(account, "expected a list of accounts"),
    panel: z.exactOptional(
      z.strictObject(
        {
          account: field.user,
          talkgroup: field.user,
          monitors: names.max(8, "expected 8 talkgroups at most").default([]),
        },
        "expected account and talkgroup",
      ),
    ),
    talkgroups: z.array(talkgroup, "expected a list of talkgroups"),
    exchanges: z.array(exchange, "expected a list of exchanges").max(16, "expected 16 exchanges at most").default([]),
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
  { path: /^accounts\.\d+(?=\.)(?!\.rules\.\d)/, keys: Object.keys(account.shape) },
  { path: /^exchanges\.\d+(?=\.)(?!\.(?:server|numbers)\.)/, keys: Object.keys(exchange.shape) },
  { path: /^broker\.embedded(?=\.)/, keys: Object.keys(embedded.shape) },
  { path: /^broker(?=\.)/, keys: Object.keys(broker.shape) },
];
