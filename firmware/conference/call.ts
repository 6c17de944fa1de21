/**
 * One talkgroup's call: its legs, who controls its floor, and its bridge. Joins the control machine (who rules), the arbiter
 * (what is ruled) and the bridge (what is heard); decides nothing itself.
 */
import type { Clock } from "../../hal/clock/port.ts";
import { arbiter } from "../floor/arbiter.ts";
import { arbiterInitial } from "../floor/arbiter-state.ts";
import {
  acknowledgeBit,
  decodeFloor,
  encodeFloor,
  type FloorMessage,
  floorSubtype,
  revokeCause,
} from "../floor/message.ts";
import { urgencyBit } from "../floor/urgency.ts";
import { type Running, run } from "../machine.ts";
import { calm, calmKey, openAlarm } from "./alarm.ts";
import { besideBursts } from "./beside.ts";
import type { Bridge } from "./bridge.ts";
import type { Call, Leg } from "./contract.ts";
import { control } from "./control.ts";
import {
  type ControlEffect,
  type ControlEvent,
  type ControlState,
  gatewayOf,
  initialControl,
  type ParticipantKey,
} from "./control-state.ts";
import { limitsOf, waiting } from "./floor-terms.ts";
import { offences } from "./offences.ts";
import { prompter } from "./prompter.ts";
import type { ConferenceEvent, GatewayId, Rights, TalkgroupSettings } from "./protocol.ts";
import type { BurstTap } from "./tap.ts";

/** How long another gateway may take to answer a Floor Request before this one stands in for it, ms. */
const answerMs = 500;
/** The floor machines hear of live media at most so often, ms. */
const renewMs = 250;

const grantedToAck = floorSubtype.granted | acknowledgeBit;

const stopTalking: FloorMessage = { type: "revoke", cause: revokeCause.noPermission };

export function openCall(
  ports: {
    readonly clock: Clock;
    readonly post: (event: ConferenceEvent) => void;
    readonly bridge: Bridge;
    readonly tap?: BurstTap | undefined;
    /** What a leg is told of what there is to tell it; undefined: nothing. */
    readonly told: (leg: Leg, message: FloorMessage) => FloorMessage | undefined;
  },
  options: { readonly gateway: GatewayId; readonly settings: TalkgroupSettings; readonly ssrc: number },
): Call {
  const { clock, post, bridge, told } = ports;
  const { gateway, settings } = options;
  const talkgroup = settings.name;
  const isOfGateway = settings.scope === "gateway";
  const legs = new Map<ParticipantKey, Leg>();
  /** Who hears this call and is not in it, and who is in it and hears another. */
  const listeners = new Set<Leg>();
  const away = new Set<Leg>();
  const rights = new WeakMap<Leg, Rights>();
  const rightsOf = (leg: Leg): Rights => rights.get(leg) ?? leg.options;
  const keyOf = (leg: Leg): ParticipantKey => `${gateway}/${leg.id}`;
  const offence = offences(clock);
  let isBridged = false;
  let sequence = 0;
  let renewedAt = Number.NEGATIVE_INFINITY;
  let talker: string | undefined;
  let peers = 0;
  /** Two telephones: both are heard, and there is no floor. */
  let duplex = false;
  const prompt = prompter();
  const hearing = (): Leg[] => [...legs.values(), ...listeners].filter((leg) => !away.has(leg));
  const beside = besideBursts(ports, settings, { listeners: hearing, isLive });
  /** Whose broadcast it is: who was the first to talk since it was bridged. */
  let originator: ParticipantKey | undefined;

  const rules = run(arbiter(limitsOf(settings)), arbiterInitial, clock, (ruling) =>
    floor.send({ type: "ruled", ruling }),
  );
  const floor: Running<ControlState, ControlEvent> = run(
    control(gateway, { answerMs, endOfMediaMs: settings.endOfMediaMs, hangMs: settings.hangMs }),
    initialControl(gateway),
    clock,
    perform,
  );

  const alarm = openAlarm(clock, settings, {
    tell(urgency, by) {
      post({ type: "urgency", talkgroup, urgency, ...(by !== undefined && { by }) });
      for (const leg of legs.values()) {
        if (isTalker(leg)) continue;
        if (leg.hasFloor()) tellState(leg);
        else if (urgency !== "normal") leg.play("emergency");
      }
    },
    raise: (urgency, userId) => spread({ type: "request", userId, indicator: urgencyBit[urgency] }),
    announce: () => floor.send({ type: "announce" }),
    calm: (by) => spread({ ...calm, ...(by !== undefined && { userId: by }) }),
  });

  /** Of no participant, to every other gateway. */
  function spread(message: FloorMessage): void {
    perform({ do: "send", to: "all", participant: "", epoch: floor.state().epoch, priority: 0, message });
  }

  /** Taken and Idle carry a number that grows, so that a leg can tell an old one from a new one (TS 24.380 §8.2.3.10). */
  function numbered(message: FloorMessage): FloorMessage {
    if (message.type !== "taken" && message.type !== "idle") return message;
    sequence = (sequence + 1) & 0xffff;
    return { ...message, sequence };
  }

  const finished = (message: FloorMessage): FloorMessage => alarm.stamp(numbered(message));

  function tell(leg: Leg, message: FloorMessage): void {
    const said = told(leg, message);
    if (!said) return;
    if (!leg.hasFloor()) return prompt(leg, said);
    const mayRequest = rightsOf(leg).mayTalk && !settings.broadcast;
    leg.sendFloor(said.type === "taken" ? { ...said, mayRequest } : said);
  }

  /** Called whenever the legs are others, or know something else. */
  function settleDuplex(): void {
    const members = [...legs.values()];
    const wanted =
      settings.duplex === true && peers === 0 && members.length === 2 && !members.some((leg) => leg.hasFloor());
    if (wanted === duplex) return;
    duplex = wanted;
    // A burst ends, and nobody waits for its end.
    for (const leg of members) floor.send({ type: "release", from: keyOf(leg) });
    bridge.duplex(duplex);
    if (duplex) bridged();
    else floor.send({ type: "opened" });
  }

  function bridged(): void {
    if (!isBridged) post({ type: "bridged", talkgroup });
    isBridged = true;
  }

  function show(party?: string): void {
    offence.floorChanged();
    if (party === talker) return;
    talker = party;
    post({ type: "floor", talkgroup, ...(party !== undefined && { talker: party }) });
  }

  function perform(effect: ControlEffect): void {
    switch (effect.do) {
      case "arbitrate":
        // Another gateway may have ruled until now.
        if (effect.event.type === "request") originate(originator);
        return rules.send(effect.event);
      case "tell": {
        beside.tells(effect);
        const leg = legs.get(effect.participant);
        return leg && tell(leg, finished(effect.message));
      }
      case "tell-all": {
        const message = finished(effect.message);
        for (const [key, leg] of legs) if (key !== effect.except) tell(leg, message);
        for (const leg of listeners) tell(leg, message);
        return;
      }
      case "send": {
        beside.tells(effect);
        if (isOfGateway) return;
        const { to, participant, epoch, priority, message } = effect;
        const packet = encodeFloor(alarm.stamp(message), { ssrc: options.ssrc });
        return post({ type: "trunk-floor", to, floor: { talkgroup, participant, epoch, priority, message: packet } });
      }
      case "open":
        originate(originator ?? effect.talker);
        // Whoever comes to hear it hears the first word.
        show(effect.party);
        beside.opens(effect.talker, effect.party);
        return bridge.open(legs.get(effect.talker) ?? gatewayOf(effect.talker));
      case "close":
        bridge.close();
        beside.closes();
        return show();
      case "bridge":
        return bridged();
      case "unbridge":
        if (duplex) return;
        originate(undefined);
        if (isBridged || isOfGateway) post({ type: "unbridged", talkgroup });
        isBridged = false;
        return;
    }
  }

  function originate(participant: ParticipantKey | undefined): void {
    if (!settings.broadcast) return;
    originator = participant;
    rules.send({ type: "originator", ...(participant !== undefined && { participant }) });
  }

  function live(): void {
    const now = clock.now();
    if (now - renewedAt < renewMs) return;
    renewedAt = now;
    floor.send({ type: "media" });
  }

  /** A telephone is not told: it sends for as long as the session stands, whether anybody speaks or not. */
  function warn(leg: Leg): void {
    if (offence.isDue(leg) && floor.state().burst?.talker !== keyOf(leg)) leg.sendFloor(alarm.stamp(stopTalking));
  }

  function fromLeg(leg: Leg, message: FloorMessage): void {
    const from = keyOf(leg);
    if (!legs.has(from) || duplex) return;
    const { user: party } = leg.options;
    const mayTalk = rightsOf(leg).mayTalk && leg.sends();
    switch (message.type) {
      case "request": {
        const weight = alarm.weigh(party, rightsOf(leg), message.indicator);
        return floor.send({ type: "request", request: { from, party, mayTalk, ...weight, mayQueue: leg.queues() } });
      }
      case "release":
        alarm.released(party, rightsOf(leg), message);
        return floor.send({ type: "release", from });
      case "queue-request":
        return floor.send({ type: "position", from });
      case "ack":
        return message.of === grantedToAck ? floor.send({ type: "acknowledge", from }) : undefined;
      // Only a floor control server says so.
      case "granted":
      case "taken":
      case "deny":
      case "idle":
      case "revoke":
      case "queue-info":
        return;
    }
  }

  /** Late entry: who comes into a burst hears it, and is told whose it is (TS 24.380 §6.3.4.4.2). */
  function tellState(leg: Leg): void {
    const { burst } = floor.state();
    const message: FloorMessage = burst
      ? { type: "taken", party: burst.party, mayRequest: true, sequence }
      : { type: "idle", sequence };
    tell(leg, finished(message));
  }

  function isLive(): boolean {
    return duplex || floor.state().burst !== undefined;
  }

  function isTalker(leg: Leg): boolean {
    const { burst } = floor.state();
    return burst?.talker === keyOf(leg) && !burst.released;
  }

  if (isOfGateway && !settings.duplex) floor.send({ type: "opened" });

  return {
    settings,
    join(leg, granted) {
      legs.set(keyOf(leg), leg);
      rights.set(leg, granted);
      bridge.join(leg);
      settleDuplex();
      // A duplex call waits for its second leg for as long as that takes: until then it has no floor to be idle.
      if (isOfGateway && settings.duplex && !duplex && legs.size > 1) floor.send({ type: "opened" });
      tellState(leg);
      beside.joined(leg);
    },
    leave(leg) {
      if (!legs.delete(keyOf(leg))) return;
      if (isTalker(leg)) beside.lost();
      if (originator === keyOf(leg)) originate(undefined);
      floor.send({ type: "leave", participant: keyOf(leg) });
      away.delete(leg);
      bridge.leave(leg);
      settleDuplex();
    },
    hear(leg, wanted, toldNow = true) {
      const isMember = legs.has(keyOf(leg));
      if (isMember) wanted ? away.delete(leg) : away.add(leg);
      else wanted ? listeners.add(leg) : listeners.delete(leg);
      if (!wanted) return bridge.leave(leg);
      if (isLive()) leg.hush();
      bridge.refit(leg);
      if (toldNow) tellState(leg);
    },
    admit(leg, granted) {
      listeners.delete(leg);
      legs.set(keyOf(leg), leg);
      rights.set(leg, granted);
    },
    talks: () => talker !== undefined,
    role(role) {
      if (isOfGateway) return;
      peers = role.peers.length;
      bridge.trunk(peers > 0);
      floor.send({ type: "role", role });
      // Whoever was cut off may know of nothing.
      if (alarm.urgency() !== "normal") floor.send({ type: "announce" });
      // A gateway that is no more takes those with it who waited there.
      for (const participant of waiting(rules.state()))
        if (![gateway, ...role.peers].includes(gatewayOf(participant))) floor.send({ type: "leave", participant });
      settleDuplex();
    },
    fromLeg,
    fromTrunk(from, { participant, epoch, priority, message }) {
      const decoded = isOfGateway ? undefined : decodeFloor(message);
      if (!decoded || alarm.fromTrunk(participant, decoded.message)) return;
      const party = legs.get(participant)?.options.user;
      const trunk = { from, participant, epoch, priority, message: decoded.message };
      floor.send({ type: "trunk", trunk: party === undefined ? trunk : { ...trunk, party } });
    },
    keyFromLeg(leg, key) {
      // Who talks already has not unkeyed: pressing again changes nothing.
      if (key === "*" && !isTalker(leg)) {
        // Whoever presses again has let go before, and says so by no key.
        fromLeg(leg, { type: "release" });
        fromLeg(leg, { type: "request" });
      } else if (key === "#") fromLeg(leg, { type: "release" });
      else if (key === calmKey) alarm.released(leg.options.user, rightsOf(leg), calm);
      else beside.key(leg, key);
    },
    renegotiated(leg, before) {
      if (!away.has(leg)) bridge.refit(leg);
      settleDuplex();
      if (leg.hasFloor() && !before.floor && !isTalker(leg)) tellState(leg);
      const isHeld = !leg.sends() || (before.hears && !leg.hears());
      if (!isHeld || !isTalker(leg)) return;
      // What comes now is nobody's speech, but music on hold or silence.
      leg.sendFloor(alarm.stamp(stopTalking));
      floor.send({ type: "release", from: keyOf(leg) });
    },
    mediaFromLeg(leg, packet, view) {
      if (duplex && !rightsOf(leg).mayTalk) return;
      if (bridge.fromLeg(leg, packet, view)) live();
      else if (view.payloadLength > 0) warn(leg);
    },
    mediaFromTrunk(from, packet) {
      if (!isOfGateway && bridge.fromTrunk(from, packet)) live();
    },
    isLive,
    close() {
      floor.close();
      rules.close();
      alarm.close();
      bridge.closeAll();
      beside.close();
    },
  };
}
