/**
 * The door of the conference server: provisions legs, keeps them alive, and joins them to the calls of their talkgroups.
 * It decides who is heard (floor and gate); it trusts the presence server for who may be here at all. It knows no SIP
 * signalling, no accounts and no MQTT: it speaks with the rest by the messages of protocol.ts, so that it can run in a worker thread or
 * on another board.
 */
import type { Clock } from "../../hal/clock/port.ts";
import { DeviceError } from "../../hal/error.ts";
import type { Network } from "../../hal/network/port.ts";
import type { Opus } from "../../hal/opus/port.ts";
import type { Random } from "../../hal/random/port.ts";
import type { Srtp } from "../../hal/srtp/port.ts";
import { denyCause, type FloorMessage } from "../floor/message.ts";
import { urgencyIn } from "../floor/urgency.ts";
import { toneBook } from "../media/tone-frames.ts";
import { ProtocolError } from "../sip/message.ts";
import { openBridge } from "./bridge.ts";
import { openCall } from "./call.ts";
import type { Call, Leg } from "./contract.ts";
import { openLeg } from "./leg.ts";
import type { ConferenceOptions } from "./link.ts";
import { lossSurvey } from "./loss-survey.ts";
import { openMix } from "./mix.ts";
import { openMixingCall } from "./mixing-call.ts";
import { promptTones } from "./prompter.ts";
import type {
  ConferenceCommand,
  ConferenceEvent,
  LegId,
  LegOptions,
  Move,
  Rights,
  TalkgroupSettings,
} from "./protocol.ts";
import { sharedEvery } from "./rounds.ts";
import { type Scanning, scanning } from "./scanning.ts";
import type { PresentCall } from "./session-call.ts";
import { burstTaps } from "./tap.ts";
import { type Telephone, telephone } from "./telephone.ts";

/** Legs of one conference server; beyond, a terminal is refused (503) rather than everybody served badly. */
const mostLegs = 2_000;

/** Recordings that are played at a time: for a telephone each is transcoded. */
const mostReplays = 20;

/** A leg, and the call that its session serves now; in none it is parked. */
interface Placed {
  readonly leg: Leg;
  call: Call | undefined;
  rights: Rights;
  /** Of a terminal whose user takes the floor by voice. */
  readonly telephone?: Telephone;
  /** While it is in the talkgroup that it was provisioned for, and scans others. */
  scanning: Scanning | undefined;
}

export interface Conference {
  receive(command: ConferenceCommand): void;
  /** How many there are; a leg whose ports are being opened is one. */
  held(): { readonly legs: number; readonly calls: number };
  close(): void;
}

export function openConference(
  ports: {
    readonly clock: Clock;
    readonly network: Network;
    readonly random: Random;
    readonly opus: Opus;
    readonly srtp: Srtp;
  },
  options: ConferenceOptions,
  post: (event: ConferenceEvent) => void,
): Conference {
  const calls = new Map<string, Call>();
  /** As they were told last: who only scans a talkgroup is no reason to tell them again when that is set up anew. */
  const roles = new Map<string, Parameters<Call["role"]>[0]>();
  const legs = new Map<LegId, Placed>();
  /** Legs whose sockets are being opened; one that is released meanwhile is closed on arrival. */
  const opening = new Set<LegId>();
  const scanners = new Set<Scanning>();
  const losses = lossSurvey<Leg>();
  const tones = toneBook(ports.opus);
  const tapOf = burstTaps({ ...ports, post: (piece) => post({ type: "spoken", ...piece }) });
  /** Recordings that sound now. */
  let replays = 0;
  const streams = ports.network.streams(mostLegs);
  const every = sharedEvery(ports.clock);
  const sounding = new Set<Leg>();

  function openTalkgroup(settings: TalkgroupSettings): void {
    if (calls.has(settings.name)) return;
    const ssrc = new DataView(ports.random.bytes(4).buffer).getUint32(0);
    const tap = tapOf(settings);
    // A view would take all of its buffer with it to another thread: some megabytes, where datagrams come in batches.
    const onTrunk = (packet: Uint8Array) =>
      post({ type: "trunk-media", talkgroup: settings.name, packet: packet.slice() });
    const told = (leg: Leg, message: FloorMessage) => tellable(leg, settings.name, message);
    const callPorts = { ...ports, post: hear, tap, told };
    const callOptions = { gateway: options.gateway, settings, ssrc };
    const call = settings.mixing
      ? openMixingCall(
          { ...callPorts, mix: (on) => openMix({ ...ports, streams, sounding, tap }, settings, { ...on, onTrunk }) },
          callOptions,
        )
      : openCall({ ...callPorts, bridge: openBridge({ ...ports, streams, sounding }, { onTrunk, tap }) }, callOptions);
    calls.set(settings.name, call);
    const role = roles.get(settings.name);
    if (role) call.role(role);
  }

  /** What a call says concerns those who scan it before anybody else. */
  function hear(event: ConferenceEvent): void {
    if (event.type === "floor")
      for (const scanner of scanners) scanner.floor(event.talkgroup, event.talker !== undefined);
    post(event);
  }

  /** What a leg is told of what a talkgroup's call would tell it. */
  function tellable(leg: Leg, talkgroup: string, message: FloorMessage): FloorMessage | undefined {
    const placed = legs.get(leg.id);
    const said = placed?.scanning ? placed.scanning.told(talkgroup, message) : message;
    return said && placed?.telephone?.told(said) ? undefined : said;
  }

  function closeTalkgroup(name: string): void {
    const call = calls.get(name);
    for (const [id, placed] of [...legs]) if (call && placed.call === call) lose(id);
    call?.close();
    calls.delete(name);
    for (const scanner of scanners) scanner.closed(name);
  }

  async function provision(legOptions: LegOptions, offer: string | undefined): Promise<void> {
    const { leg: id, talkgroup } = legOptions;
    const call = talkgroup === undefined ? undefined : calls.get(talkgroup);
    if (talkgroup !== undefined && !call) return refuse(id, 404, `no talkgroup ${talkgroup}`);
    if (legs.has(id) || opening.has(id)) return refuse(id, 482, `the leg ${id} exists already`);
    if (legs.size + opening.size >= mostLegs) return refuse(id, 503, `${mostLegs} legs are in use`);
    opening.add(id);
    try {
      const leg = await openLeg({ ...ports, tones, streams, every, sounding }, legOptions, options.range, {
        onFloor: (message) => say(placed, message),
        onMedia: (packet, view) =>
          placed.telephone ? placed.telephone.onMedia(packet, view) : speaksIn(placed)?.mediaFromLeg(leg, packet, view),
        onKey: (key) => press(placed, key),
        onLoss: (percent) => losses.report(leg, percent, ports.clock.now()),
        lostOnward: () => losses.worst(listenersOf(placed), ports.clock.now()),
        onLost: () => lose(id),
        onDropped: (drops) => post({ type: "srtp-dropped", leg: id, user: legOptions.user, drops }),
      });
      const placed: Placed = place(leg, call);
      if (!opening.delete(id)) return shut(placed);
      if (talkgroup !== undefined && calls.get(talkgroup) !== call) {
        shut(placed);
        return refuse(id, 404, `talkgroup ${talkgroup} is no more`);
      }
      legs.set(id, placed);
      if (offer === undefined) return post({ type: "offer", leg: id, sdp: leg.offer() });
      const sdp = leg.answer(offer);
      post({ type: "answer", leg: id, sdp });
      stand(placed);
    } catch (error) {
      const wanted = opening.delete(id) || legs.has(id);
      drop(id);
      if (!(error instanceof ProtocolError || error instanceof DeviceError)) throw error;
      if (wanted) refuse(id, error instanceof ProtocolError ? error.status : 503, error.message);
    }
  }

  function* listenersOf({ leg, call }: Placed): Generator<Leg> {
    for (const other of legs.values())
      if (call && other.call === call && other.leg !== leg && other.leg.hears()) yield other.leg;
  }

  function place(leg: Leg, call: Call | undefined): Placed {
    const { telephone: wanted } = leg.options;
    const placed: Placed = {
      ...{ leg, call, rights: leg.options, scanning: undefined },
      ...(wanted && {
        telephone: telephone(ports, leg, wanted, {
          media: (packet, view) => speaksIn(placed)?.mediaFromLeg(leg, packet, view),
          key: (key) => press(placed, key),
          floor: (message) => placed.call && say(placed, message),
          mayTalk: () => placed.call !== undefined && placed.rights.mayTalk,
        }),
      }),
    };
    return placed;
  }

  /** The call that the user of a leg speaks in. */
  function speaksIn({ call, scanning }: Placed, asks?: boolean): Call | undefined {
    return scanning ? scanning.speaksIn(asks) : call;
  }

  function say(placed: Placed, message: FloorMessage): void {
    const asks = message.type === "request";
    // What is urgent is for the talkgroup that it is in, whatever it hears.
    const isUrgent = asks && (urgencyIn(message.indicator) ?? "normal") !== "normal";
    const call = isUrgent ? placed.call : speaksIn(placed, asks);
    if (call) call.fromLeg(placed.leg, message);
    else answerParked(placed.leg, message);
  }

  function join(placed: Placed): void {
    const { leg, call, rights } = placed;
    const { scan, talkgroup } = leg.options;
    // What it is told goes through it from the first word on.
    if (call && scan && call.settings.name === talkgroup)
      placed.scanning = scanning(ports, leg, call, scan, (name) => calls.get(name));
    call?.join(leg, rights);
    if (!placed.scanning) return;
    scanners.add(placed.scanning);
    placed.scanning.begin();
  }

  function leave(placed: Placed): void {
    if (placed.scanning) {
      scanners.delete(placed.scanning);
      placed.scanning.close();
      placed.scanning = undefined;
    }
    placed.call?.leave(placed.leg);
  }

  function stand(placed: Placed): void {
    const { leg } = placed;
    // It may have been given back the moment that its answer was heard of.
    if (legs.get(leg.id) !== placed) return;
    join(placed);
    prepareTones(leg);
    post({ type: "ready", leg: leg.id });
  }

  /** A telephone that presses a key is not to wait for its tone. */
  function prepareTones(leg: Leg): void {
    const codec = leg.codec();
    if (codec && !leg.hasFloor()) for (const tone of promptTones) void tones.frames(codec, tone);
  }

  function accept(id: LegId, answer: string): void {
    const placed = legs.get(id);
    try {
      if (!placed || placed.leg.codec()) throw new ProtocolError(481, `no leg ${id} waits for an answer`);
      placed.leg.accept(answer);
      stand(placed);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      drop(id);
      refuse(id, error.status, error.message);
    }
  }

  /** A leg that is offered and not answered yet will stand in its new call. */
  function move({ leg: id, talkgroup, caller, rights }: Move): void {
    const placed = legs.get(id);
    const call = talkgroup === undefined ? undefined : calls.get(talkgroup);
    if (!placed) return opening.has(id) ? lose(id) : undefined;
    if (talkgroup !== undefined && !call) return lose(id);
    const { leg, call: before } = placed;
    if (call === before) return;
    placed.rights = rights ?? leg.options;
    placed.telephone?.reset();
    leave(placed);
    leg.hush();
    placed.call = call;
    if (!leg.codec()) return;
    leg.moved(before && presentCall(before), call && { ...presentCall(call), caller });
    join(placed);
  }

  function reoffer(id: LegId, offer: string): void {
    const placed = legs.get(id);
    try {
      if (!placed?.leg.codec()) throw new ProtocolError(481, `no leg ${id} stands`);
      const { leg, call, telephone } = placed;
      const before = { hears: leg.hears(), floor: leg.hasFloor() };
      const sdp = leg.answer(offer);
      if (!leg.sends() || !leg.hears()) telephone?.reset();
      call?.renegotiated(leg, before);
      placed.scanning?.renegotiated(before);
      prepareTones(leg);
      post({ type: "reanswer", leg: id, sdp });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      post({ type: "reanswer", leg: id, status: error.status, reason: error.message });
    }
  }

  function press(placed: Placed, key: string): void {
    if (placed.call && placed.telephone?.key(key)) return;
    const call = speaksIn(placed, key === "*");
    if (call) call.keyFromLeg(placed.leg, key);
    else if (key === "*") answerParked(placed.leg, { type: "request" });
  }

  /** Live speech comes first, and each replay has its price. */
  function replay(id: LegId, speech: Uint8Array): void {
    const placed = legs.get(id);
    const over = (): void => post({ type: "replayed", leg: id });
    if (!placed || (placed.scanning ?? placed.call)?.isLive() || replays >= mostReplays) return over();
    replays += 1;
    placed.leg.replay(speech, () => {
      replays -= 1;
      over();
    });
  }

  /** In no call there is nobody to hear it (TS 24.380 §8.2.6.2). */
  function answerParked(leg: Leg, message: FloorMessage): void {
    if (message.type !== "request") return;
    if (leg.hasFloor()) leg.sendFloor({ type: "deny", cause: denyCause.alone });
    else leg.play("deny");
  }

  function refuse(leg: LegId, status: number, reason: string): void {
    post({ type: "refused", leg, status, reason });
  }

  function drop(id: LegId): void {
    opening.delete(id);
    const placed = legs.get(id);
    if (!placed) return;
    legs.delete(id);
    leave(placed);
    shut(placed);
  }

  function shut({ leg, telephone }: Placed): void {
    telephone?.close();
    leg.close();
  }

  function lose(id: LegId): void {
    drop(id);
    post({ type: "lost", leg: id });
  }

  return {
    receive(command) {
      switch (command.type) {
        case "talkgroup":
          return openTalkgroup(command.settings);
        case "no-talkgroup":
          return closeTalkgroup(command.talkgroup);
        case "provision":
          void provision(command.options, command.offer);
          return;
        case "accept":
          return accept(command.leg, command.answer);
        case "release":
          return drop(command.leg);
        case "reoffer":
          return reoffer(command.leg, command.offer);
        case "key": {
          const placed = legs.get(command.leg);
          return placed && press(placed, command.key);
        }
        case "tone":
          return legs.get(command.leg)?.leg.play(command.tone === "confirm" ? "permit" : "deny");
        case "replay":
          return replay(command.leg, command.speech);
        case "move":
          return move(command);
        case "role":
          roles.set(command.talkgroup, command.role);
          return calls.get(command.talkgroup)?.role(command.role);
        case "trunk-floor":
          return calls.get(command.floor.talkgroup)?.fromTrunk(command.from, command.floor);
        case "trunk-media":
          return calls.get(command.talkgroup)?.mediaFromTrunk(command.from, command.packet);
      }
    },
    held: () => ({ legs: legs.size + opening.size, calls: calls.size }),
    close() {
      opening.clear();
      for (const id of [...legs.keys()]) drop(id);
      for (const call of calls.values()) call.close();
      calls.clear();
    },
  };
}

const presentCall = ({ settings: { name, scope } }: Call): PresentCall => ({
  talkgroup: name,
  standing: scope !== "gateway",
});
