/**
 * One gateway: the composition root. Ports come in, rooms are opened and joined, `close` comes out.
 * Each room states what it needs of the others; only here do they meet. No decision about calls, floors or users is taken here.
 */
import type { Board } from "../hal/board/port.ts";
import type { Broker } from "../hal/broker/port.ts";
import type { Clock } from "../hal/clock/port.ts";
import type { Address, Network, TlsIdentity } from "../hal/network/port.ts";
import type { Opus } from "../hal/opus/port.ts";
import type { Random } from "../hal/random/port.ts";
import type { Srtp } from "../hal/srtp/port.ts";
import { openAgent } from "./agent/agent.ts";
import type { ConferenceLauncher, ConferenceLink } from "./conference/link.ts";
import type { ConferenceEvent, TalkgroupSettings } from "./conference/protocol.ts";
import type { Config } from "./config.ts";
import { federation } from "./federation/federation.ts";
import type { Log } from "./log.ts";
import type { PortRange } from "./media/port-pair.ts";
import { panel } from "./panel/panel.ts";
import { accountBook } from "./presence/accounts.ts";
import { presence } from "./presence/presence.ts";
import { rulesFrom } from "./presence/rules.ts";
import { heardBeside } from "./presence/terminal.ts";
import type { DiskLauncher, RecorderCounts } from "./recorder/recorder.ts";
import { replays } from "./recorder/replays.ts";
import { seedOf } from "./seed.ts";
import { type EndpointOptions, openEndpoint, type Tap } from "./sip/endpoint.ts";
import type { Seed, Store } from "./store/store.ts";
import { openVoiceLog, recordedIn, type VoiceLog, voiceLogFor } from "./voice-log.ts";

export type { ConferenceLauncher } from "./conference/link.ts";

export interface GatewayPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly opus: Opus;
  readonly srtp: Srtp;
  readonly board: Board;
  /** What is in the files of `sip.tls`, PEM; there where the configuration has that. */
  readonly certificates?: TlsIdentity & { readonly authorities?: string };
  /** Absent: a lone site. */
  readonly broker?: Broker;
  readonly conference: ConferenceLauncher;
  /** Absent: accounts and talkgroups are those of the configuration, and registrations end with the process. Throws DeviceError. */
  readonly store?: (seed: Seed) => Store;
  /** Where the voice log is kept; there where the configuration has one. */
  readonly disk?: DiskLauncher;
  readonly log: Log;
  /** Sees the SIP messages of the presence server. */
  readonly tap?: Tap;
  /** The conference server died: nothing can be heard any more; the process should end and be restarted. */
  readonly onCrash: (error: Error) => void;
}

/** Running counts since the start but for `now`. */
export interface GatewayCounts {
  readonly dropped: Readonly<Record<string, number>>;
  readonly srtpDropped: Readonly<Record<string, number>>;
  readonly refused: Readonly<Record<string, number>>;
  readonly now: Readonly<Record<string, number>>;
  /** Absent: nothing is recorded. */
  readonly voiceLog?: RecorderCounts;
  readonly exchanges: readonly {
    readonly name: string;
    readonly up: boolean;
    readonly calls: number;
    readonly refused: Readonly<Record<string, number>>;
  }[];
}

export interface Gateway {
  /** What a console shows of it (console/metrics.ts). */
  counts(): Promise<GatewayCounts>;
  /** Absent: nothing is recorded. */
  readonly voiceLog?: VoiceLog;
  close(): Promise<void>;
}

const srtpReasons = ["forged", "replayed", "malformed"] as const;

/** bit/s of the panel's microphone: wideband speech. */
const panelBitrate = 24_000;

/** Starts a gateway from a sound configuration. Rejects with DeviceError when an address or a device is not to be had. */
export async function startGateway(config: Config, ports: GatewayPorts): Promise<Gateway> {
  const { clock, random, log } = ports;
  const opened: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (let last = opened.pop(); last; last = opened.pop()) await last();
  };

  try {
    const seed = seedOf(config);
    const store = ports.store?.(seed);
    if (store) opened.push(store.close);
    const { talkgroups, accounts: records } = store ?? seed;
    const accounts = accountBook(records, config.realm);
    const recorder = openVoiceLog(config, ports);
    if (recorder) opened.push(recorder.close);
    const recorded = (settings: TalkgroupSettings): TalkgroupSettings => recordedIn(config, settings, log);

    // Events come only after commands, and commands only once every room stands.
    const conference: ConferenceLink = await ports.conference(
      { gateway: config.gateway, range: rangeOf(config) },
      (event) => onConference(event),
      ports.onCrash,
    );
    for (const settings of talkgroups) conference.send({ type: "talkgroup", settings: recorded(settings) });
    const again = recorder && replays(recorder, conference);

    const realm = ports.broker
      ? federation(
          { clock, random, broker: ports.broker, log },
          { realm: config.realm, gateway: config.gateway, site: config.site },
          {
            onRole(talkgroup, role) {
              log.info({ event: "role", talkgroup, ...role }, `talkgroup ${talkgroup}: ${role.in}`);
              conference.send({ type: "role", talkgroup, role });
            },
            onFloor: (from, floor) => conference.send({ type: "trunk-floor", from, floor }),
            // A view would take all of its buffer with it to the conference server's thread.
            onMedia: (from, talkgroup, packet) =>
              conference.send({ type: "trunk-media", from, talkgroup, packet: packet.slice() }),
            onPresence: (gateway, user, state) => server.remote(gateway, user, state),
            onLink: (state) => log.info({ event: "link", state }, `federation: ${state}`),
          },
        )
      : undefined;
    // The conference server's last words still go to the other gateways.
    opened.push(async () => {
      await conference.close();
      await realm?.close();
    });

    const server = presence(
      {
        clock,
        random,
        log,
        accounts,
        rules: rulesFrom(config.accounts),
        ...(store && { bindings: store.bindings }),
        ...(again && { recordings: again }),
        sessions: conference,
        sip: () => endpoint,
      },
      {
        realm: config.realm,
        digest: config.sip.digest,
        srtp: config.media.srtp,
        talkgroups,
        exchanges: config.exchanges,
      },
      {
        onPresence: (user, state) =>
          realm?.setPresence(user, state && { ...state, ...heardBeside(accounts.find(user), state.talkgroups) }),
      },
    );
    opened.push(() => server.close());

    const endpoint = await openEndpoint(
      ports,
      {
        local: { host: config.sip.host, port: config.sip.port },
        userAgent: "Roger",
        methods: ["REGISTER", "PUBLISH"],
        supported: ["eventlist"],
        ...tlsOf(config, ports),
      },
      server.handlers,
    );
    opened.push(() => endpoint.close());

    server.restore();
    store?.watch({
      talkgroup(name, settings) {
        log.info({ event: "talkgroup-changed", talkgroup: name }, settings ? "talkgroup set up" : "talkgroup removed");
        conference.send({ type: "no-talkgroup", talkgroup: name });
        if (settings) conference.send({ type: "talkgroup", settings: recorded(settings) });
        server.talkgroup(name, settings !== undefined);
      },
      account(user, record) {
        log.info({ event: "account-changed", user }, record ? "account changed" : "account removed");
        if (!record) accounts.remove(user);
        server.account(user, record ? accounts.put(record) : "proof");
      },
    });

    const srtpDropped = { forged: 0, replayed: 0, malformed: 0 };
    function onConference(event: ConferenceEvent): void {
      switch (event.type) {
        case "offer":
        case "answer":
        case "ready":
        case "reanswer":
        case "refused":
        case "lost":
          return server.session(event);
        case "srtp-dropped":
          for (const reason of srtpReasons) srtpDropped[reason] += event.drops[reason];
          return log.warn(
            { event: event.type, user: event.user, ...event.drops },
            "packets that are not by a session's keys",
          );
        case "trunk-floor":
          return realm?.sendFloor(event.to, event.floor);
        case "trunk-media":
          return realm?.sendMedia(event.talkgroup, event.packet);
        case "unbridged":
          server.quiet(event.talkgroup);
          return log.info({ event: event.type, talkgroup: event.talkgroup }, `talkgroup ${event.type}`);
        case "spoken":
          return recorder?.take(event);
        case "replay-wanted":
          return again?.last(event.leg, [event.talkgroup], (played) => {
            if (!played) conference.send({ type: "tone", leg: event.leg, tone: "deny" });
          });
        case "replayed":
          return again?.over(event.leg);
        case "urgency": {
          const { talkgroup, urgency, by } = event;
          return log.warn({ event: "urgency", talkgroup, urgency, by }, `talkgroup ${talkgroup}: ${urgency}`);
        }
        case "bridged":
          return log.info({ event: event.type, talkgroup: event.talkgroup }, `talkgroup ${event.type}`);
        case "floor":
          server.floor(event.talkgroup, event.talker);
          return log.info({ event: "floor", talkgroup: event.talkgroup, talker: event.talker }, "floor");
      }
    }

    if (config.panel) opened.push(await startPanel(config, config.panel, ports, endpoint.local));
    const { local: sip, secure: tls } = endpoint;
    log.info({ event: "ready", site: config.site, sip, tls }, "gateway stands");
    const voiceLog = recorder && again && voiceLogFor(recorder, again, config, server.legIn);
    return {
      ...(voiceLog && { voiceLog }),
      counts: async () => {
        const { legs: conferenceLegs, timers: conferenceTimers } = await conference.held();
        const { dialogs, client, server: asked } = endpoint.held();
        return {
          dropped: endpoint.dropped,
          srtpDropped,
          refused: { ...server.refused },
          now: {
            dialogs,
            clientTransactions: client,
            serverTransactions: asked,
            ...server.inUse(),
            conferenceLegs,
            conferenceTimers,
          },
          ...(recorder && { voiceLog: recorder.counts() }),
          exchanges: server.exchanges().map(({ link, ...each }) => ({ ...each, up: link.in === "up" })),
        };
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The board's own button and sound, as a terminal of this gateway's presence server like any other. */
async function startPanel(
  config: Config,
  { account: user, talkgroup, monitors }: NonNullable<Config["panel"]>,
  ports: GatewayPorts,
  server: Address,
): Promise<() => Promise<void>> {
  const account = config.accounts.find((candidate) => candidate.user === user);
  if (account?.password === undefined)
    throw new Error(`the configuration was checked: it has an account ${user} with a password`);
  const { password, priority } = account;
  const { clock, random, network, opus, srtp, log } = ports;
  const front = panel(ports);
  try {
    const agent = await openAgent(
      { clock, random, network, opus, srtp, log },
      {
        user,
        password,
        realm: config.realm,
        talkgroup,
        monitors,
        range: rangeOf(config),
        server,
        priority,
        talkWarningMs: config.talkgroups.find(({ name }) => name === talkgroup)?.talkWarningMs ?? 0,
        bitrate: panelBitrate,
      },
      front.signals,
    );
    front.attach(agent);
    return async () => {
      front.close();
      await agent.close();
    };
  } catch (error) {
    front.close();
    throw error;
  }
}

function tlsOf({ sip, exchanges }: Config, { certificates }: GatewayPorts): Pick<EndpointOptions, "tls"> {
  if (!sip.tls) return {};
  if (!certificates) throw new Error("the configuration has sip.tls: its files were read");
  const { authorities, ...identity } = certificates;
  const asksCallers = exchanges.some(({ server }) => server.transport === "tls");
  return { tls: { port: sip.tls.port, identity, asksCallers, ...(authorities !== undefined && { authorities }) } };
}

function rangeOf({ media }: Config): PortRange {
  return { host: media.host, first: media.ports.first, last: media.ports.last };
}
