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
import { ProtocolError } from "../sip/message.ts";
import { openBridge } from "./bridge.ts";
import { type Call, openCall } from "./call.ts";
import { type Leg, openLeg } from "./leg.ts";
import type { ConferenceOptions } from "./link.ts";
import type { ConferenceCommand, ConferenceEvent, LegId, LegOptions, TalkgroupSettings } from "./protocol.ts";

/** Legs of one conference server; beyond, a terminal is refused (503) rather than everybody served badly. */
const mostLegs = 2_000;

export interface Conference {
  receive(command: ConferenceCommand): void;
  close(): void;
}

export function openConference(
  ports: { readonly clock: Clock; readonly network: Network; readonly random: Random; readonly opus: Opus },
  options: ConferenceOptions,
  post: (event: ConferenceEvent) => void,
): Conference {
  const calls = new Map<string, Call>();
  const legs = new Map<LegId, Leg>();
  /** Legs whose sockets are being opened; one that is released meanwhile is closed on arrival. */
  const opening = new Set<LegId>();

  function openTalkgroup(settings: TalkgroupSettings): void {
    if (calls.has(settings.name)) return;
    const ssrc = new DataView(ports.random.bytes(4).buffer).getUint32(0);
    const bridge = openBridge(ports, {
      onTrunk: (packet) => post({ type: "trunk-media", talkgroup: settings.name, packet }),
    });
    calls.set(settings.name, openCall({ ...ports, post, bridge }, { gateway: options.gateway, settings, ssrc }));
  }

  function closeTalkgroup(name: string): void {
    for (const [id, leg] of [...legs]) {
      if (leg.options.talkgroup !== name) continue;
      drop(id);
      post({ type: "lost", leg: id });
    }
    calls.get(name)?.close();
    calls.delete(name);
  }

  async function provision(legOptions: LegOptions, offer: string | undefined): Promise<void> {
    const { leg: id, talkgroup } = legOptions;
    const call = calls.get(talkgroup);
    if (!call) return refuse(id, 404, `no talkgroup ${talkgroup}`);
    if (legs.has(id) || opening.has(id)) return refuse(id, 482, `the leg ${id} exists already`);
    if (legs.size + opening.size >= mostLegs) return refuse(id, 503, `${mostLegs} legs are in use`);
    opening.add(id);
    try {
      const leg = await openLeg(ports, legOptions, options.range, {
        onFloor: (message) => call.fromLeg(leg, message),
        onMedia: (packet, view) => call.mediaFromLeg(leg, packet, view),
        onLost() {
          drop(id);
          post({ type: "lost", leg: id });
        },
      });
      if (!opening.delete(id)) return leg.close();
      if (calls.get(talkgroup) !== call) {
        leg.close();
        return refuse(id, 404, `talkgroup ${talkgroup} is no more`);
      }
      legs.set(id, leg);
      if (offer === undefined) return post({ type: "offer", leg: id, sdp: leg.offer() });
      const sdp = leg.answer(offer);
      post({ type: "answer", leg: id, sdp });
      stand(leg, call);
    } catch (error) {
      const wanted = opening.delete(id) || legs.has(id);
      drop(id);
      if (!(error instanceof ProtocolError || error instanceof DeviceError)) throw error;
      if (wanted) refuse(id, error instanceof ProtocolError ? error.status : 503, error.message);
    }
  }

  function stand(leg: Leg, call: Call): void {
    // It may have been given back the moment that its answer was heard of.
    if (legs.get(leg.id) !== leg) return;
    call.join(leg);
    post({ type: "ready", leg: leg.id });
  }

  function accept(id: LegId, answer: string): void {
    const leg = legs.get(id);
    const call = leg && calls.get(leg.options.talkgroup);
    try {
      if (!call || leg.codec()) throw new ProtocolError(481, `no leg ${id} waits for an answer`);
      leg.accept(answer);
      stand(leg, call);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      drop(id);
      refuse(id, error.status, error.message);
    }
  }

  function refuse(leg: LegId, status: number, reason: string): void {
    post({ type: "refused", leg, status, reason });
  }

  function drop(id: LegId): void {
    opening.delete(id);
    const leg = legs.get(id);
    if (!leg) return;
    legs.delete(id);
    calls.get(leg.options.talkgroup)?.leave(leg);
    leg.close();
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
        case "role":
          return calls.get(command.talkgroup)?.role(command.role);
        case "trunk-floor":
          return calls.get(command.floor.talkgroup)?.fromTrunk(command.from, command.floor);
        case "trunk-media":
          return calls.get(command.talkgroup)?.mediaFromTrunk(command.from, command.packet);
      }
    },
    close() {
      opening.clear();
      for (const id of [...legs.keys()]) drop(id);
      for (const call of calls.values()) call.close();
      calls.clear();
    },
  };
}
