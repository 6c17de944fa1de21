/** Whole gateways with simulated boards on a simulated wire under a virtual clock, for stories: hands, mouths and ears. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readConfig } from "../../firmware/config.ts";
import { type Gateway, type GatewayPorts, startGateway } from "../../firmware/gateway.ts";
import type { Log } from "../../firmware/log.ts";
import { directDisk } from "../../firmware/recorder/direct-disk.ts";
import { directWriter } from "../../firmware/store/direct-writer.ts";
import { openStore } from "../../firmware/store/store.ts";
import { collectSamples } from "../../hal/audio/recording.ts";
import { readWav } from "../../hal/audio/wav.ts";
import { readBoard } from "../../hal/board/description.ts";
import { type SimulatedOutside, simulatedBoard } from "../../hal/board/simulated.ts";
import { type SimulatedBroker, simulatedBroker } from "../../hal/broker/simulated.ts";
import { type VirtualClock, virtualClock } from "../../hal/clock/virtual.ts";
import type { TlsIdentity } from "../../hal/network/port.ts";
import { type SimulatedNetwork, simulatedNetwork } from "../../hal/network/simulated.ts";
import { loadOpus } from "../../hal/opus/wasm.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { nodeSrtp } from "../../hal/srtp/node.ts";
import { launchBeside } from "./conference.ts";
import { projectRoot } from "./source.ts";

export interface StoryLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
  /** Monotonic ms. */
  readonly at: number;
}

export interface StorySite {
  readonly name: string;
  readonly address: string;
  readonly outside: SimulatedOutside;
  readonly log: readonly StoryLine[];
  /** The button, or that of an emergency. */
  press(role?: "ptt" | "emergency" | "emergency-over"): void;
  release(role?: "ptt" | "emergency" | "emergency-over"): void;
  /** What is said before the microphone from now on. */
  say(samples: Int16Array): void;
  /** What the loudspeaker plays from now on, until `take`. */
  listen(): { take(): Int16Array };
  lamp(role: "ready" | "transmit" | "receive" | "call" | "do-not-disturb" | "emergency"): boolean;
  /** Log lines with this event or this message. */
  told(what: string): StoryLine[];
  /** The board loses power: it says nothing to anyone any more. */
  vanish(): void;
  /** It goes down as a supervisor would have it. */
  close(): Promise<void>;
}

export interface StoryRealm {
  readonly clock: VirtualClock;
  readonly network: SimulatedNetwork;
  readonly broker: SimulatedBroker;
  /** Starts a gateway; `accounts`: YAML list items beside the panel's. `alone`: without a broker. */
  site(name: string, options?: SiteOptions): Promise<StorySite>;
  /** Starts these, and waits until each has its session and sees the others. */
  sites(...names: string[]): Promise<StorySite[]>;
  close(): Promise<void>;
}

export interface SiteOptions {
  readonly accounts?: string;
  readonly alone?: boolean;
  readonly talkSeconds?: number;
  readonly hangSeconds?: number;
  /** Without a button and a loudspeaker of its own. */
  readonly headless?: boolean;
  readonly listenOnly?: boolean;
  readonly priority?: number;
  /** The panel's user may call an emergency. */
  readonly mayRaise?: boolean;
  /** More of the talkgroup, as YAML: "queueing: true". */
  readonly opsOptions?: string;
  /** The button is down when the gateway starts. */
  readonly held?: boolean;
  /** The panel's user is not to be disturbed when the gateway starts. */
  readonly switchedOn?: boolean;
  /** The folder of its voice log, in which everything is recorded; absent: nothing is. `announce`: and told. */
  readonly voiceLog?: string;
  readonly announce?: boolean;
  /** The path of its store; absent: it has none. */
  readonly store?: string;
  /** Its own, in place of the next IPv4 one: another kind, or that of a site that lost its power. */
  readonly address?: string;
  /** It speaks SIP over TLS as this; the names of files stand for nothing. */
  readonly identity?: TlsIdentity;
  /** As YAML list items. */
  readonly exchanges?: string;
  /** The panel's, of ops, fire and sea; what it scans, as YAML. */
  readonly talkgroup?: string;
  readonly scan?: string;
  readonly srtp?: "off" | "required";
  readonly monitors?: string;
}

/** What the sites of a story need to find one another, ms. */
export const settleMs = 8_000;

const board = readBoard(readFileSync(join(projectRoot, "boards/simulated.yaml"), "utf8"), "boards/simulated.yaml");

/** The first `ms` of the speech that comes with the demonstration; the silence before its first word left out. */
export async function speech(name: "north" | "south", ms: number): Promise<Int16Array> {
  const samples = await readWav(join(projectRoot, "scripts/speech", `${name}.wav`));
  const first = samples.findIndex((sample) => Math.abs(sample) > 500);
  return samples.slice(first, first + ms * 48);
}

export async function openRealm(options: { readonly latencyMs?: number } = {}): Promise<StoryRealm> {
  const { latencyMs = 2 } = options;
  const clock = virtualClock();
  const network = simulatedNetwork({ clock, latencyMs });
  const broker = simulatedBroker({ clock, latencyMs });
  const opus = await loadOpus();
  const gateways: Gateway[] = [];
  let count = 0;

  async function site(name: string, site: SiteOptions = {}): Promise<StorySite> {
    count += 1;
    const { address = `10.0.0.${count}`, identity } = site;
    const read = readConfig(configOf(name, address, site), name);
    if ("faults" in read) throw new Error(JSON.stringify(read.faults));
    if ("faults" in board) throw new Error(JSON.stringify(board.faults));
    const random = seededRandom(count);
    const machine = network.host(address);
    const simulated = simulatedBoard(board.board, { clock, random });
    const { outside } = simulated;
    if (site.held) outside.press("ptt");
    if (site.switchedOn) outside.press("do-not-disturb");
    const log: StoryLine[] = [];
    const ports = { clock, random, network: machine, opus, srtp: nodeSrtp() };
    const gateway = await startGateway(read.config, {
      ...ports,
      board: simulated.board,
      ...(identity && { certificates: identity }),
      ...(site.alone ? {} : { broker: broker.broker(name) }),
      conference: launchBeside(ports),
      ...(site.store !== undefined && { store: storeAt(site.store, clock, logInto(log, clock)) }),
      disk: directDisk({ clock, random }),
      log: logInto(log, clock),
      onCrash,
    });
    gateways.push(gateway);

    return {
      name,
      address,
      outside,
      log,
      press: (role = "ptt") => void outside.press(role, { bounce: true }),
      release: (role = "ptt") => void outside.release(role, { bounce: true }),
      say: (samples) => void outside.microphone.hear(samples),
      listen: () => collectSamples(outside.loudspeaker),
      lamp: (role) => outside.active(`${role}-lamp`),
      told: (what) => log.filter(({ fields, message }) => fields["event"] === what || message === what),
      vanish() {
        network.kill(address);
        broker.cut(name);
      },
      async close() {
        gateways.splice(gateways.indexOf(gateway), 1);
        const closing = gateway.close();
        await clock.advance(2_000);
        await closing;
      },
    };
  }

  return {
    clock,
    network,
    broker,
    site,
    async sites(...names) {
      const opened: StorySite[] = [];
      for (const name of names) opened.push(await site(name));
      await clock.advance(settleMs);
      return opened;
    },
    async close() {
      const closing = Promise.all(gateways.splice(0).map((gateway) => gateway.close()));
      await clock.advance(5_000);
      await closing;
    },
  };
}

function onCrash(error: Error): never {
  throw error;
}

function storeAt(file: string, clock: VirtualClock, log: Log): NonNullable<GatewayPorts["store"]> {
  return (seed) => openStore(file, seed, { clock, log, writer: directWriter, onCrash });
}

function configOf(name: string, address: string, options: SiteOptions): string {
  const {
    identity,
    accounts = "",
    talkSeconds = 30,
    hangSeconds = 5,
    headless = false,
    listenOnly,
    priority = 0,
    mayRaise,
    opsOptions,
    exchanges,
    voiceLog,
    announce = false,
    talkgroup = "ops",
    scan,
    srtp,
    monitors,
  } = options;
  const isMore = talkgroup !== "ops" || (scan ?? monitors) !== undefined;
  const more = `${listenOnly ? ", listenOnly: [ops]" : ""}${scan === undefined ? "" : `, scan: ${scan}`}${mayRaise ? ", emergency: [ops]" : ""}`;
  const panel = `{ user: ${name}-panel, password: "story only", talkgroups: [ops${isMore ? ", fire, sea" : ""}], priority: ${priority}${more} }`;
  return `site: ${name}
realm: crew.example
sip: { host: "${address}", port: 5060${identity ? ", tls: { certificate: own.pem, key: own.key }" : ""} }
media: { host: "${address}", ports: 20000-20999${srtp ? `, srtp: ${srtp}` : ""} }
broker: none
board: simulated
accounts:
  - ${panel}
${accounts}
${headless ? "" : `panel: { account: ${name}-panel, talkgroup: ${talkgroup}${monitors === undefined ? "" : `, monitors: ${monitors}`} }`}
talkgroups:
  - { name: ops, talkSeconds: ${talkSeconds}, hangSeconds: ${hangSeconds}${opsOptions === undefined ? "" : `, ${opsOptions}`}${voiceLog === undefined ? "" : ", record: true"} }
${isMore ? "  - { name: fire }\n  - { name: sea }" : ""}
${voiceLog === undefined ? "" : `voiceLog: { folder: "${voiceLog}", freeMegabytes: 0, announce: ${announce} }`}
${exchanges === undefined ? "" : `exchanges:\n${exchanges}`}`;
}

function logInto(lines: StoryLine[], clock: VirtualClock): Log {
  const at = (level: StoryLine["level"]) => (fields: object, message: string) =>
    void lines.push({ level, fields: Object.fromEntries(Object.entries(fields)), message, at: clock.now() });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
