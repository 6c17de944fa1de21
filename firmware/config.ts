/**
 * The configuration of one gateway: a YAML file that a person wrote. It decides whether the file is sound, and fills in
 * what is left out. It opens nothing: whether addresses and devices are there shows at start.
 */
import { type Fault, faultsIn, faultsOf, unknownKey } from "../hal/board/fault.ts";
import { readYaml } from "../hal/board/yaml.ts";
import type { TalkgroupSettings, TelephoneOptions } from "./conference/protocol.ts";
import { exchangeFaults } from "./config/exchange-faults.ts";
import { exchangeOf } from "./config/exchange-schema.ts";
import { referenceFaults } from "./config/references.ts";
import { type ConfigFile, fileSchema, secretPlaces } from "./config/schema.ts";
import { terminalFaults } from "./config/terminal-faults.ts";
import { terminalOf } from "./config/terminal-schema.ts";
import { type VoiceLogSettings, voiceLogOf } from "./config/voice-log.ts";
import type { DigestAlgorithm } from "./sip/digest.ts";

export interface Config {
  /** The site's name, for people. */
  readonly site: string;
  /** The id of this gateway in its realm: [a-z0-9-]{1,64}. */
  readonly gateway: string;
  /** SIP domain, digest realm and MQTT topic level. */
  readonly realm: string;
  readonly sip: {
    /** Numeric, no wildcard. */
    readonly host: string;
    readonly port: number;
    /** How users prove who they are: MD5 beside SHA-256 is for old phones. */
    readonly digest: readonly DigestAlgorithm[];
    /** Absent: SIP is spoken in clear only. */
    readonly tls?: {
      readonly port: number;
      /** Paths of PEM files, from the folder of the configuration. */
      readonly certificate: string;
      readonly key: string;
      /** Who may sign for those who are called; absent: the authorities that browsers trust. */
      readonly ca?: string;
    };
  };
  readonly media: {
    /** Numeric, no wildcard. */
    readonly host: string;
    /** Inclusive; room for one pair at least. */
    readonly ports: { readonly first: number; readonly last: number };
    /** SRTP: not spoken; spoken with whoever offers it, and offered over TLS; or nothing else spoken. */
    readonly srtp: "off" | "offered" | "required";
  };
  /** Absent: a lone site. */
  readonly broker?: BrokerSettings;
  /** The name of a file in boards/. */
  readonly board: string;
  /** Path of the control socket of a simulated board. */
  readonly control?: string;
  /** Where accounts that the roger command adds, and registrations, outlive the process. Absent: nothing does. */
  readonly store?: string;
  /** Absent: nothing is recorded. */
  readonly voiceLog?: VoiceLogSettings;
  /** Path of the socket on which this gateway tells its owner what it does. */
  readonly admin?: string;
  /** Where it tells whoever asks, by HTTP, how much it does. */
  readonly metrics?: { readonly host: string; readonly port: number };
  readonly accounts: readonly AccountSettings[];
  /** The account that the board's own button speaks for. */
  readonly panel?: {
    readonly account: string;
    readonly talkgroup: string;
    /** Talkgroups of the account that are heard behind that one. */
    readonly monitors: readonly string[];
  };
  readonly talkgroups: readonly TalkgroupSettings[];
  readonly exchanges: readonly ExchangeSettings[];
}

/** Another SIP server, a PBX, that calls go to and come from. */
export interface ExchangeSettings {
  /** For logs; [a-z0-9-]{1,64}, each once. */
  readonly name: string;
  readonly server: {
    /** Numeric, no wildcard. */
    readonly host: string;
    readonly port: number;
    readonly transport: "udp" | "tcp" | "tls";
    /** Whom its certificate must be for; absent: its address. */
    readonly name?: string;
  };
  /** Of its addresses: a domain name, or a numeric host. */
  readonly domain: string;
  /** Who this gateway is there. */
  readonly user?: string;
  readonly password?: string;
  /** False: each knows where the other is. */
  readonly register: boolean;
  /** What is dialled there, and the talkgroup or user here that it leads to. */
  readonly numbers: ReadonlyMap<string, string>;
  /** Floor priority of its callers, 0..255. */
  readonly priority: number;
  /** How many there may be at a time, in and out. */
  readonly calls: number;
  /** Numbers here that begin so lead there, without it. Absent: none do. */
  readonly dialOut?: string;
}

export type BrokerSettings =
  | { readonly at: "embedded"; readonly host: string; readonly port: number; readonly credentials?: Credentials }
  | { readonly at: "url"; readonly url: string; readonly credentials?: Credentials };

interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Who may see a user and talk with them, beside or instead of the members of a common talkgroup. The first that names a watcher counts. */
export interface RuleSettings {
  readonly action: "allow" | "polite-block" | "block";
  readonly users: readonly string[];
  /** Their members. */
  readonly talkgroups: readonly string[];
  readonly everyone: boolean;
}

export interface AccountSettings {
  readonly user: string;
  /** Absent: an identity of another account, whose password proves it. */
  readonly password?: string;
  readonly identityOf?: string;
  /** Every one is among the talkgroups of the configuration. */
  readonly talkgroups: readonly string[];
  /** Those of them that are subscribed to as soon as the user registers. */
  readonly standing: readonly string[];
  /** Those of them in which the user may not talk. */
  readonly listenOnly: readonly string[];
  /** Those of them where the user is a dispatcher. */
  readonly dispatcher: readonly string[];
  /** Those of them where the user never takes the floor from a talker of lower priority. */
  readonly noPreempt: readonly string[];
  /** Talkgroups where the user may call an emergency. */
  readonly emergency: readonly string[];
  /** Floor priority 0..255. */
  readonly priority: number;
  readonly rules: readonly RuleSettings[];
  /** As `sip.digest`, for this user: MD5 alone for a phone that gives up at a challenge it does not know. */
  readonly digest: readonly DigestAlgorithm[];
  /** How a phone of the user takes the floor, beside keys that come by RFC 4733 and by SIP. */
  readonly telephone?: TelephoneOptions;
  /** What the user's terminals hear beside the talkgroup that they are in. */
  readonly scan?: ScanSettings;
}

export interface ScanSettings {
  /** Every one is among the talkgroups of the account. */
  readonly groups: readonly string[];
  /** Heard at once, whatever else is heard; absent: the talkgroup that the terminal is in. */
  readonly priority?: string;
  /** So long after a burst its talkgroup is stayed with, ms. */
  readonly hangMs: number;
  /** Whether the user answers in the talkgroup that is heard, rather than in the one that the terminal is in. */
  readonly answerBack: boolean;
}

/** Reads a configuration file's text; `source` (its name) opens the path of each fault. */
export function readConfig(yamlText: string, source: string): { config: Config } | { faults: Fault[] } {
  const read = readYaml(yamlText, source);
  if ("faults" in read) return read;
  const file = fileSchema.safeParse(read.data);
  const references = [...referenceFaults(read.data), ...exchangeFaults(read.data), ...terminalFaults(read.data)];
  if (file.success && references.length === 0) return { config: configOf(file.data) };
  const faults = file.success ? [] : faultsOf(file.error).map(withoutSecrets);
  return { faults: faultsIn(source, [...faults, ...references]) };
}

function configOf(file: ConfigFile): Config {
  const { gateway, broker, accounts, talkgroups, exchanges, voiceLog, ...same } = file;
  return {
    ...same,
    accounts: accounts.map((account) => accountOf(account, file.sip.digest)),
    // A file without an id, whose site makes none, was refused.
    gateway: gateway ?? file.site.toLowerCase(),
    ...brokerOf(broker),
    ...(voiceLog && { voiceLog: voiceLogOf(voiceLog) }),
    talkgroups: talkgroups.map(talkgroupOf),
    exchanges: exchanges.map(exchangeOf),
  };
}

function accountOf(file: ConfigFile["accounts"][number], digest: readonly DigestAlgorithm[]): AccountSettings {
  const { keying, voiceHangSeconds, voiceThresholdDb, inbandKeys, scan, ...account } = file;
  return { ...account, ...terminalOf(file), digest: account.digest ?? digest };
}

/** A talkgroup as a person wrote it: seconds become ms. */
export function talkgroupOf(file: ConfigFile["talkgroups"][number]): TalkgroupSettings {
  const { name, endOfMediaSeconds, talkSeconds, graceSeconds, hangSeconds } = file;
  const { talkWarningSeconds, emergencySeconds, queueing, broadcast, mixing, record } = file;
  return {
    name,
    endOfMediaMs: toMs(endOfMediaSeconds),
    talkMs: toMs(talkSeconds),
    graceMs: toMs(graceSeconds),
    hangMs: toMs(hangSeconds),
    ...(talkWarningSeconds > 0 && { talkWarningMs: toMs(talkWarningSeconds) }),
    ...(emergencySeconds > 0 && { emergencyMs: toMs(emergencySeconds) }),
    ...(queueing && { queueing }),
    ...(broadcast && { broadcast }),
    ...(record && { record }),
    ...(mixing && { mixing }),
  };
}

function toMs(seconds: number): number {
  return Math.round(seconds * 1000);
}

function brokerOf(broker: ConfigFile["broker"]): Pick<Config, "broker"> {
  if (broker?.embedded) {
    const { host, port } = broker.embedded;
    return { broker: { at: "embedded", host, port, ...credentialsOf(broker.embedded) } };
  }
  if (broker?.url !== undefined) return { broker: { at: "url", url: broker.url, ...credentialsOf(broker) } };
  return {};
}

function credentialsOf({ username, password }: Partial<Credentials>): { credentials?: Credentials } {
  return username === undefined || password === undefined ? {} : { credentials: { username, password } };
}

function withoutSecrets(fault: Fault): Fault {
  const place = secretPlaces.find(({ path }) => path.test(fault.path));
  if (fault.message !== unknownKey || !place) return fault;
  return {
    path: place.path.exec(fault.path)?.[0] ?? "",
    message: `an unknown key; expected ${place.keys.join(", ")}, and a password with punctuation in quotes`,
  };
}
