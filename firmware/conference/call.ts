/**
 * One talkgroup's call: its legs, who controls its floor, and its bridge. Joins the control machine (who rules), the arbiter
 * (what is ruled) and the bridge (what is heard); decides nothing itself.
 */
import type { Clock } from "../../hal/clock/port.ts";
import { arbiter, arbiterDefaults, arbiterInitial } from "../floor/arbiter.ts";
import { decodeFloor, encodeFloor, type FloorMessage, revokeCause } from "../floor/message.ts";
import { type Running, run } from "../machine.ts";
import type { RtpView } from "../media/rtp.ts";
import type { Bridge } from "./bridge.ts";
import { control } from "./control.ts";
import {
  type ControlEffect,
  type ControlEvent,
  type ControlState,
  gatewayOf,
  initialControl,
  type ParticipantKey,
} from "./control-state.ts";
import type { Leg } from "./leg.ts";
import type { ConferenceEvent, FloorRole, GatewayId, TalkgroupSettings, TrunkFloor } from "./protocol.ts";

/** How long another gateway may take to answer a Floor Request before this one stands in for it, ms. */
const answerMs = 500;
/** The floor machines hear of live media at most so often, ms. */
const renewMs = 250;
/** After a change of the floor, what is still in flight is no offence, ms. */
const lenientMs = 300;
/** Who talks unheard is told so at most so often, ms. */
const warnMs = 1_000;

export interface Call {
  readonly settings: TalkgroupSettings;
  join(leg: Leg): void;
  leave(leg: Leg): void;
  role(role: FloorRole): void;
  /** Floor control from a leg of this conference server. */
  fromLeg(leg: Leg, message: FloorMessage): void;
  fromTrunk(from: GatewayId, floor: TrunkFloor): void;
  mediaFromLeg(leg: Leg, packet: Uint8Array, view: RtpView): void;
  mediaFromTrunk(from: GatewayId, packet: Uint8Array): void;
  close(): void;
}

export function openCall(
  ports: { readonly clock: Clock; readonly post: (event: ConferenceEvent) => void; readonly bridge: Bridge },
  options: { readonly gateway: GatewayId; readonly settings: TalkgroupSettings; readonly ssrc: number },
): Call {
  const { clock, post, bridge } = ports;
  const { gateway, settings } = options;
  const talkgroup = settings.name;
  const isOfGateway = settings.scope === "gateway";
  const legs = new Map<ParticipantKey, Leg>();
  const keyOf = (leg: Leg): ParticipantKey => `${gateway}/${leg.id}`;
  /** When a leg was last told that it is not heard, monotonic ms. */
  const warned = new WeakMap<Leg, number>();
  let bridged = false;
  let sequence = 0;
  let renewedAt = Number.NEGATIVE_INFINITY;
  let changedAt = Number.NEGATIVE_INFINITY;
  let talker: string | undefined;

  const rules = run(arbiter({ ...arbiterDefaults, ...settings }), arbiterInitial, clock, (ruling) =>
    floor.send({ type: "ruled", ruling }),
  );
  const floor: Running<ControlState, ControlEvent> = run(
    control(gateway, { answerMs, endOfMediaMs: settings.endOfMediaMs, hangMs: settings.hangMs }),
    initialControl(gateway),
    clock,
    perform,
  );

  /** Taken and Idle carry a number that grows, so that a leg can tell an old one from a new one (TS 24.380 §8.2.3.10). */
  function numbered(message: FloorMessage): FloorMessage {
    if (message.type !== "taken" && message.type !== "idle") return message;
    sequence = (sequence + 1) & 0xffff;
    return { ...message, sequence };
  }

  function tell(leg: Leg, message: FloorMessage): void {
    leg.sendFloor(message.type === "taken" ? { ...message, mayRequest: leg.options.mayTalk } : message);
  }

  function show(party?: string): void {
    changedAt = clock.now();
    if (party === talker) return;
    talker = party;
    post({ type: "floor", talkgroup, ...(party !== undefined && { talker: party }) });
  }

  function perform(effect: ControlEffect): void {
    switch (effect.do) {
      case "arbitrate":
        return rules.send(effect.event);
      case "tell": {
        const leg = legs.get(effect.participant);
        return leg && tell(leg, numbered(effect.message));
      }
      case "tell-all": {
        const message = numbered(effect.message);
        for (const [key, leg] of legs) if (key !== effect.except) tell(leg, message);
        return;
      }
      case "send": {
        if (isOfGateway) return;
        const { to, participant, epoch, priority, message } = effect;
        const packet = encodeFloor(message, { ssrc: options.ssrc });
        return post({ type: "trunk-floor", to, floor: { talkgroup, participant, epoch, priority, message: packet } });
      }
      case "open":
        bridge.open(legs.get(effect.talker) ?? gatewayOf(effect.talker));
        return show(effect.party);
      case "close":
        bridge.close();
        return show();
      case "bridge":
        if (!bridged) post({ type: "bridged", talkgroup });
        bridged = true;
        return;
      case "unbridge":
        if (bridged || isOfGateway) post({ type: "unbridged", talkgroup });
        bridged = false;
        return;
    }
  }

  function live(): void {
    const now = clock.now();
    if (now - renewedAt < renewMs) return;
    renewedAt = now;
    floor.send({ type: "media" });
  }

  /** Who talks without the floor may have missed that it is lost (TS 24.380 §6.3.5.7). */
  function warn(leg: Leg): void {
    const now = clock.now();
    if (now - changedAt < lenientMs || now - (warned.get(leg) ?? Number.NEGATIVE_INFINITY) < warnMs) return;
    warned.set(leg, now);
    if (floor.state().burst?.talker !== keyOf(leg)) leg.sendFloor({ type: "revoke", cause: revokeCause.noPermission });
  }

  if (isOfGateway) floor.send({ type: "opened" });

  return {
    settings,
    join(leg) {
      legs.set(keyOf(leg), leg);
      bridge.join(leg);
      // Late entry: who comes into a burst hears it, and is told whose it is (TS 24.380 §6.3.4.4.2).
      const { burst } = floor.state();
      tell(
        leg,
        numbered(
          burst ? { type: "taken", party: burst.party, mayRequest: true, sequence } : { type: "idle", sequence },
        ),
      );
    },
    leave(leg) {
      if (!legs.delete(keyOf(leg))) return;
      floor.send({ type: "leave", participant: keyOf(leg) });
      bridge.leave(leg);
    },
    role(role) {
      if (isOfGateway) return;
      bridge.trunk(role.peers.length > 0);
      floor.send({ type: "role", role });
    },
    fromLeg(leg, message) {
      const from = keyOf(leg);
      if (!legs.has(from)) return;
      const { user: party, priority, mayTalk, mayPreempt } = leg.options;
      // Every other message of a participant answers one of ours.
      if (message.type === "request")
        floor.send({ type: "request", request: { from, party, priority, mayTalk, mayPreempt } });
      else if (message.type === "release") floor.send({ type: "release", from });
    },
    fromTrunk(from, { participant, epoch, priority, message }) {
      const decoded = isOfGateway ? undefined : decodeFloor(message);
      if (!decoded) return;
      const party = legs.get(participant)?.options.user;
      const trunk = { from, participant, epoch, priority, message: decoded.message };
      floor.send({ type: "trunk", trunk: party === undefined ? trunk : { ...trunk, party } });
    },
    mediaFromLeg(leg, packet, view) {
      if (bridge.fromLeg(leg, packet, view)) live();
      else if (view.payloadLength > 0) warn(leg);
    },
    mediaFromTrunk(from, packet) {
      if (!isOfGateway && bridge.fromTrunk(from, packet)) live();
    },
    close() {
      floor.close();
      rules.close();
      bridge.closeAll();
    },
  };
}
