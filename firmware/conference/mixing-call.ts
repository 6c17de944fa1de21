/**
 * The call of a talkgroup whose members all talk and are heard at once. Nobody waits for the floor: a terminal that knows floor
 * control is granted it when it asks, and is heard while it has it; a telephone is heard whenever it speaks. Joins the mix (what is
 * heard) and the floors of the terminals (who is let through); each gateway rules for its own, and tells the others who speaks.
 */
import type { Clock } from "../../hal/clock/port.ts";
import { decodeFloor, encodeFloor, type FloorMessage, revokeCause } from "../floor/message.ts";
import { urgencyBit } from "../floor/urgency.ts";
import { type Running, run } from "../machine.ts";
import { calm, calmKey, openAlarm } from "./alarm.ts";
import { besideBursts } from "./beside.ts";
import type { Call, Leg } from "./contract.ts";
import type { Mix } from "./mix.ts";
import {
  isOpen,
  type OwnFloorEffect,
  type OwnFloorEvent,
  type OwnFloorState,
  ownFloor,
  ownFloorInitial,
} from "./own-floor.ts";
import type { ConferenceEvent, GatewayId, Rights, TalkgroupSettings } from "./protocol.ts";
import type { BurstTap } from "./tap.ts";

/** A floor hears of live media at most so often, ms. */
const renewMs = 250;
/** Who talks unheard is told so at most so often, and not while a Granted may be under way, ms. */
const warnMs = 1_000;

interface Member {
  readonly leg: Leg;
  readonly rights: Rights;
  readonly floor: Running<OwnFloorState, OwnFloorEvent>;
  renewedAt: number;
  warnedAt: number;
}

export function openMixingCall(
  ports: {
    readonly clock: Clock;
    readonly post: (event: ConferenceEvent) => void;
    readonly tap?: Pick<BurstTap, "begin" | "cut" | "end" | "close"> | undefined;
    /** What a leg is told of what there is to tell it; undefined: nothing. */
    readonly told: (leg: Leg, message: FloorMessage) => FloorMessage | undefined;
    /** Opens the mix, which tells who speaks, and that nobody has for the hang time. */
    readonly mix: (handlers: {
      readonly onSpeakers: (speakers: readonly (Leg | GatewayId)[]) => void;
      readonly onQuiet: () => void;
    }) => Mix;
  },
  options: { readonly gateway: GatewayId; readonly settings: TalkgroupSettings; readonly ssrc: number },
): Call {
  const { clock, post } = ports;
  const { gateway, settings } = options;
  const talkgroup = settings.name;
  const isOfGateway = settings.scope === "gateway";
  const members = new Map<Leg, Member>();
  /** Who hears this call and is not in it. */
  const listeners = new Set<Leg>();
  /** Who is in it and hears another. */
  const away = new Set<Leg>();
  /** Who speaks at other gateways, as they said. */
  const partyAt = new Map<GatewayId, string>();
  let speakers: readonly (Leg | GatewayId)[] = [];
  /** Who is shown, of those who speak: the first of them. */
  let shown: string | undefined;
  /** Who is shown elsewhere as speaking here. */
  let announced: string | undefined;
  let sequence = 0;
  let peers = 0;
  let isBridged = false;
  const mix = ports.mix({ onSpeakers, onQuiet });
  const hearing = (): Leg[] => [...members.keys(), ...listeners].filter((leg) => !away.has(leg));
  const beside = besideBursts(ports, settings, { listeners: hearing, isLive: () => speakers.length > 0 });

  /** Nobody has to make way for an emergency, but everybody is to know of it. */
  const alarm = openAlarm(clock, settings, {
    tell(urgency, by) {
      post({ type: "urgency", talkgroup, urgency, ...(by !== undefined && { by }) });
      for (const member of members.values()) {
        const isSilent = member.floor.state().in === "silent";
        if (member.leg.hasFloor() && isSilent) tellState(member);
        else if (urgency !== "normal" && member.leg.options.user !== by) member.leg.play("emergency");
      }
    },
    raise: (urgency, userId) => spread("", { type: "request", userId, indicator: urgencyBit[urgency] }),
    announce: () => peers > 0 && sendAnnouncement(),
    calm: (by) => spread("", { ...calm, ...(by !== undefined && { userId: by }) }),
  });

  const partyOf = (speaker: Leg | GatewayId): string =>
    typeof speaker === "string" ? (partyAt.get(speaker) ?? speaker) : speaker.options.user;

  function state(): FloorMessage {
    if (shown === undefined) return { type: "idle", sequence };
    return { type: "taken", party: shown, mayRequest: true, sequence };
  }

  /** What the others do, to one who does not talk. */
  function tellState({ leg, rights }: Member): void {
    const message = state();
    tell(leg, message.type === "taken" ? { ...message, mayRequest: rights.mayTalk } : message);
  }

  function tellListener(leg: Leg): void {
    const message = state();
    tell(leg, message.type === "taken" ? { ...message, mayRequest: false } : message);
  }

  /** A telephone without floor control is told nothing, unless its user takes the floor by voice. */
  function tell(leg: Leg, message: FloorMessage): void {
    const said = ports.told(leg, message);
    if (said) leg.sendFloor(alarm.stamp(said));
  }

  function perform(member: () => Member | undefined, effect: OwnFloorEffect): void {
    const of = member();
    if (!of) return;
    if (effect.do === "tell") tell(of.leg, effect.message);
    else tellState(of);
  }

  function show(): void {
    const [first] = speakers;
    const party = first === undefined ? undefined : partyOf(first);
    if (party === shown) return;
    shown = party;
    sequence = (sequence + 1) & 0xffff;
    post({ type: "floor", talkgroup, ...(party !== undefined && { talker: party }) });
    for (const member of members.values()) if (member.floor.state().in === "silent") tellState(member);
    for (const leg of listeners) tellListener(leg);
  }

  /** Other gateways learn whose voice comes by the trunk. */
  function announce(): void {
    const own = speakers.find((speaker): speaker is Leg => typeof speaker !== "string");
    const party = own && partyOf(own);
    if (party === announced) return;
    announced = party;
    if (peers > 0) sendAnnouncement();
  }

  function sendAnnouncement(): void {
    const message: FloorMessage =
      announced === undefined
        ? { type: "idle", sequence: 0 }
        : { type: "taken", party: announced, mayRequest: true, sequence: 0 };
    spread(`${gateway}/`, message);
  }

  /** To every other gateway; what is of no participant is of the alarm. */
  function spread(participant: string, message: FloorMessage): void {
    if (isOfGateway) return;
    const packet = encodeFloor(alarm.stamp(message), { ssrc: options.ssrc });
    post({ type: "trunk-floor", to: "all", floor: { talkgroup, participant, epoch: 0, priority: 0, message: packet } });
  }

  function onSpeakers(now: readonly (Leg | GatewayId)[]): void {
    const [first] = now;
    // What is recorded is what a listener hears: of many who talk at once, one burst, under the name of who began.
    if (first !== undefined && speakers.length === 0) beside.opens("", partyOf(first));
    if (first === undefined && speakers.length > 0) beside.closes();
    speakers = now;
    if (now.length > 0 && !isBridged) post({ type: "bridged", talkgroup });
    isBridged ||= now.length > 0;
    show();
    announce();
  }

  function onQuiet(): void {
    if (isBridged) post({ type: "unbridged", talkgroup });
    isBridged = false;
  }

  /** Who talks without the floor may have missed that it was cut (TS 24.380 §6.3.5.7). */
  function warn(member: Member, now: number): void {
    if (now - member.warnedAt < warnMs) return;
    member.warnedAt = now;
    member.leg.sendFloor({ type: "revoke", cause: revokeCause.noPermission });
  }

  /** Whether a terminal with floor control is heard. */
  function passes(member: Member): boolean {
    const now = clock.now();
    if (!isOpen(member.floor.state())) {
      warn(member, now);
      return false;
    }
    if (now - member.renewedAt >= renewMs) {
      member.renewedAt = now;
      member.floor.send({ type: "media" });
    }
    return true;
  }

  function enter(leg: Leg, rights: Rights): Member {
    const floor = run(ownFloor(settings), ownFloorInitial, clock, (effect) => perform(() => members.get(leg), effect));
    const never = Number.NEGATIVE_INFINITY;
    const member: Member = { leg, rights, floor, renewedAt: never, warnedAt: never };
    members.set(leg, member);
    return member;
  }

  return {
    settings,
    join(leg, rights) {
      const member = enter(leg, rights);
      mix.join(leg);
      tellState(member);
      beside.joined(leg);
    },
    leave(leg) {
      members.get(leg)?.floor.close();
      away.delete(leg);
      if (members.delete(leg)) mix.leave(leg);
    },
    hear(leg, wanted, toldNow = true) {
      const member = members.get(leg);
      if (wanted && speakers.length > 0) leg.hush();
      if (member) {
        mix.hear(leg, wanted);
        if (wanted) away.delete(leg);
        else away.add(leg);
      } else if (wanted) {
        listeners.add(leg);
        // Heard already, it may have agreed on another codec.
        mix.join(leg);
      } else {
        listeners.delete(leg);
        mix.leave(leg);
      }
      if (!wanted || !toldNow) return;
      if (member) tellState(member);
      else tellListener(leg);
    },
    admit(leg, rights) {
      listeners.delete(leg);
      enter(leg, rights);
    },
    talks: () => speakers.length > 0,
    role(role) {
      if (isOfGateway) return;
      peers = role.peers.length;
      mix.trunk(peers > 0);
      for (const known of partyAt.keys()) if (!role.peers.includes(known)) partyAt.delete(known);
      // Whoever has just appeared learns who speaks.
      if (peers > 0 && (announced !== undefined || alarm.urgency() !== "normal")) sendAnnouncement();
    },
    fromLeg(leg, message) {
      const member = members.get(leg);
      if (!member) return;
      const { priority, mayTalk } = member.rights;
      if (message.type === "request") {
        alarm.weigh(leg.options.user, member.rights, message.indicator);
        member.floor.send({ type: "request", priority, mayTalk: mayTalk && leg.sends() });
      } else if (message.type === "release") {
        alarm.released(leg.options.user, member.rights, message);
        member.warnedAt = clock.now();
        member.floor.send({ type: "release" });
      }
    },
    fromTrunk(from, { participant, message }) {
      const said = isOfGateway ? undefined : decodeFloor(message)?.message;
      if (!said || alarm.fromTrunk(participant, said)) return;
      if (said.type === "taken") partyAt.set(from, said.party);
      else if (said.type === "idle") partyAt.delete(from);
      show();
    },
    // A telephone is heard without a key.
    keyFromLeg(leg, key) {
      const member = members.get(leg);
      if (key === calmKey && member) alarm.released(leg.options.user, member.rights, calm);
      else beside.key(leg, key);
    },
    renegotiated(leg, before) {
      const member = members.get(leg);
      if (!member) return;
      mix.refit(leg);
      if (leg.hasFloor() && !before.floor) tellState(member);
      if (leg.sends() && !leg.holds()) return;
      // What comes now is nobody's speech, but music on hold or silence.
      if (isOpen(member.floor.state())) leg.sendFloor({ type: "revoke", cause: revokeCause.noPermission });
      member.floor.send({ type: "release" });
    },
    mediaFromLeg(leg, packet, view) {
      const member = members.get(leg);
      if (!member?.rights.mayTalk || view.payloadLength === 0) return;
      const knowsFloor = leg.hasFloor();
      if (knowsFloor ? passes(member) : !leg.holds()) mix.fromLeg(leg, packet, view, knowsFloor);
    },
    mediaFromTrunk(from, packet) {
      if (!isOfGateway) mix.fromTrunk(from, packet);
    },
    isLive: () => speakers.length > 0,
    close() {
      for (const { floor } of members.values()) floor.close();
      alarm.close();
      mix.close();
      beside.close();
    },
  };
}
