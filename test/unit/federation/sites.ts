import {
  type Federation,
  type FloorRole,
  federation,
  type TrunkFloor,
} from "../../../firmware/federation/federation.ts";
import { silent } from "../../../firmware/log.ts";
import type { Broker } from "../../../hal/broker/port.ts";
import { type SimulatedBroker, simulatedBroker } from "../../../hal/broker/simulated.ts";
import { type VirtualClock, virtualClock } from "../../../hal/clock/virtual.ts";
import { seededRandom } from "../../../hal/random/seeded.ts";

export interface Site {
  readonly realm: Federation;
  /** The last role told, by talkgroup: "controls", "controls with south west" or "follows south". */
  readonly roles: Map<string, string>;
  /** Users of other gateways that are shown: "south/alice" and their status. */
  readonly users: Map<string, string>;
  /** What it is subscribed to. */
  readonly filters: Set<string>;
  /** Everything told, in order. */
  readonly told: string[];
}

/** Someone on the broker who is no gateway of ours: hears all that crosses it and can say anything. */
export interface Outsider {
  readonly heard: { readonly topic: string; readonly payload: Uint8Array }[];
  publish(topic: string, payload: Uint8Array, retain?: boolean): void;
}

export interface SiteOptions {
  readonly wallMs?: number;
  /** Of its first user. */
  readonly talkgroups?: readonly string[];
}

export interface Realm {
  readonly clock: VirtualClock;
  readonly wire: SimulatedBroker;
  outsider(): Outsider;
  site(id: string, options?: SiteOptions): Site;
}

const latencyMs = 5;
const startWall = Date.UTC(2025, 0, 1);

/** A broker and the gateways that meet there. Each starts with one user: at south it is "south-user". */
export function openRealm(): Realm {
  const clock = virtualClock();
  const wire = simulatedBroker({ clock, latencyMs });
  let seed = 0;

  function site(id: string, { wallMs = startWall, talkgroups = ["alpha"] }: SiteOptions = {}): Site {
    seed += 1;
    const roles = new Map<string, string>();
    const users = new Map<string, string>();
    const told: string[] = [];
    const filters = new Set<string>();
    const broker: Broker = {
      open(options) {
        const link = wire.broker(id).open(options);
        return {
          ...link,
          subscribe(filter) {
            filters.add(filter);
            link.subscribe(filter);
          },
          unsubscribe(filter) {
            filters.delete(filter);
            link.unsubscribe(filter);
          },
        };
      },
    };
    const realm = federation(
      { clock: { ...clock, wall: () => wallMs }, random: seededRandom(seed), broker, log: silent },
      { realm: "test", gateway: id, site: `site ${id}` },
      {
        onRole(talkgroup, role) {
          roles.set(talkgroup, inWords(role));
          told.push(`role ${talkgroup} ${inWords(role)}`);
        },
        onFloor: (from, { talkgroup, message }) => told.push(`floor ${talkgroup} ${from} ${Buffer.from(message)}`),
        onMedia: (from, talkgroup, packet) => told.push(`media ${talkgroup} ${from} ${Buffer.from(packet)}`),
        onPresence(gateway, user, state) {
          const name = `${gateway}/${user}`;
          if (state) users.set(name, [state.status, ...state.talkgroups].join(" "));
          else users.delete(name);
          told.push(["presence", name, state?.status ?? "gone", ...(state?.detail ? [state.detail] : [])].join(" "));
        },
        onLink: (state) => told.push(state),
        onGateway: (gateway, up) => told.push(`gateway ${gateway} ${up ? "up" : "down"}`),
      },
    );
    realm.setPresence(`${id}-user`, { status: "available", talkgroups });
    return { realm, roles, users, told, filters };
  }

  function outsider(): Outsider {
    const heard: { topic: string; payload: Uint8Array }[] = [];
    const link = wire.broker("outsider").open({
      clientId: "outsider",
      will: { topic: "outsider", payload: new Uint8Array() },
      onLink() {},
      onMessage: (topic, payload) => heard.push({ topic, payload }),
    });
    link.subscribe("roger/1/test/#");
    return { heard, publish: (topic, payload, retain = false) => link.publish(topic, payload, { qos: 1, retain }) };
  }

  return { clock, wire, site, outsider };
}

function inWords(role: FloorRole): string {
  if (role.in === "participating") return `follows ${role.controller}`;
  return role.peers.length > 0 ? `controls with ${role.peers.join(" ")}` : "controls";
}

/** A floor message that can be told apart by its text. */
export function floorOf(text: string, talkgroup = "alpha"): TrunkFloor {
  return { talkgroup, participant: "north/leg-1", epoch: 7, priority: 3, message: Buffer.from(text) };
}

/** As long as an RTP header, with a text to tell it by. */
export function packetOf(text: string): Uint8Array {
  return Buffer.from(text.padEnd(12, "."));
}
