/**
 * The realm: gateways that find one another over an MQTT broker. It decides which gateways and users are there, who runs
 * the arbiter of each talkgroup, and when this site is alone; it carries floor messages and media between gateways.
 * It does not know what a floor message says, who may talk, or how a user got here. The broker is not trusted with
 * anything but delivery: what is malformed, misplaced, replayed or from an old boot of its sender is dropped and counted.
 */
import type { Broker } from "../../hal/broker/port.ts";
import type { Clock } from "../../hal/clock/port.ts";
import type { Random } from "../../hal/random/port.ts";
import { countDrops } from "../drops.ts";
import type { Log } from "../log.ts";
import { run } from "../machine.ts";
import { encodeOutdated, encodeStatus, type RemotePresence } from "./body.ts";
import { type Boot, compareBoots, showBoot } from "./boot.ts";
import type { Envelope } from "./envelope.ts";
import { type Heard, incarnations } from "./incarnations.ts";
import { realmLimits } from "./limits.ts";
import { type LinkEffect, type LinkState, linkMachine } from "./link.ts";
import { localUsers } from "./local-users.ts";
import { reader } from "./reader.ts";
import { type GatewayView, realm } from "./realm.ts";
import { type FloorRole, roleOf, sameRole } from "./role.ts";
import { succession } from "./succession.ts";
import { fitsTopic, gatewayId, type Place, realmTopics } from "./topic.ts";
import { encodeTrunkFloor, type TrunkFloor } from "./trunk-floor.ts";
import { uplink } from "./uplink.ts";

export type { RemotePresence } from "./body.ts";
export type { FloorRole } from "./role.ts";
export type { TrunkFloor } from "./trunk-floor.ts";

export interface FederationPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly broker: Broker;
  readonly log: Log;
}

export interface FederationOptions {
  readonly realm: string;
  /** The id of this gateway: [a-z0-9-], at most 64. */
  readonly gateway: string;
  readonly site: string;
}

export interface FederationHandlers {
  /**
   * Who runs the arbiter of a talkgroup that somebody here is in or hears, and at which other live gateways somebody is or does.
   * Told again with the same value when the realm is reached, so that state can be announced again; told once more when the last
   * here has left.
   */
  onRole(talkgroup: string, role: FloorRole): void;
  onFloor(from: string, floor: TrunkFloor): void;
  /** `packet` (RTP) is the callee's. */
  onMedia(from: string, talkgroup: string, packet: Uint8Array): void;
  /** A user of another gateway, or undefined when gone. After the link was lost users stay for a grace of 5 s. */
  onPresence(gateway: string, user: string, state: RemotePresence | undefined): void;
  /** online: the realm is reachable; island: this site is alone, as it is until told otherwise. */
  onLink(state: "online" | "island"): void;
  /** Before its first user is told, and after its last one is told gone. */
  onGateway?(gateway: string, up: boolean): void;
}

export interface RealmView {
  readonly link: LinkState["in"];
  readonly boot: string;
  readonly gateways: readonly GatewayView[];
  /** Those with members here. */
  readonly talkgroups: readonly { readonly talkgroup: string; readonly role: FloorRole }[];
}

export interface Federation {
  /** A user of this gateway: status, the talkgroups they are affiliated with, and what they hear beside; undefined: no more. */
  setPresence(user: string, state: RemotePresence | undefined): void;
  sendFloor(to: string | "all", floor: TrunkFloor): void;
  /** `packet` (RTP) may be reused when this returns. */
  sendMedia(talkgroup: string, packet: Uint8Array): void;
  /** For console and diagnosis. */
  view(): RealmView;
  readonly dropped: Readonly<Record<string, number>>;
  /** Says goodbye: status gone, retained presence cleared. */
  close(): Promise<void>;
}

const longestPacket = 2_048;
/** Presence is announced in portions, so that neither the link nor the packets that wait here are held up. */
const portion = { users: 64, everyMs: 5 };
const once = { qos: 1, retain: false } as const;
const kept = { qos: 1, retain: true } as const;
const fleeting = { qos: 0, retain: false } as const;
const withdrawn = new Uint8Array();
const nobody = { members: [], needing: [] };

/** Joins a realm. No handler is called before this returns. Throws RangeError for a gateway id that is none. */
export function federation(
  ports: FederationPorts,
  options: FederationOptions,
  handlers: FederationHandlers,
): Federation {
  const { clock, log } = ports;
  const self = options.gateway;
  if (!gatewayId.test(self)) throw new RangeError(`gateway id "${self}": expected 1 to 64 of a-z, 0-9 and "-"`);
  const topics = realmTopics(options.realm);
  const drops = countDrops(log, "federation: a message");
  const told = new Map<string, FloorRole>();
  /** By talkgroup that is needed here, and by topic, so that no packet's topic is put together or taken apart. */
  const mediaTopics = new Map<string, string>();
  const mediaPlaces = new Map<string, Place>();
  let statusCounter = 0;
  let closed = false;
  let stopAnnouncing = (): void => {};

  const users = localUsers(realmLimits, { enter, leave, turn: (talkgroup) => tellRole(talkgroup) });
  const peers = realm(clock, realmLimits, {
    presence: handlers.onPresence,
    gateway: (gateway, up) => handlers.onGateway?.(gateway, up),
    recount,
  });
  const up = uplink(ports, {
    clientId: `roger-${options.realm}-${self}`,
    gateway: self,
    statusTopic: topics.status(self),
    onLink: (isUp) => link.send({ type: "link", up: isUp }),
    onMessage,
  });
  const read = reader(self, incarnations(realmLimits.gateways, peers.forget), drops, {
    status: peers.status,
    gone: peers.gone,
    presence(from, user, counter, state) {
      const verdict = peers.presence(from, user, counter, state);
      if (verdict !== "taken") drops.count(verdict, { from });
    },
    floor: handlers.onFloor,
    media: handlers.onMedia,
    restarted: peers.restarted,
    outdated: (from, known) => up.send("outdated", topics.inbox(from), encodeOutdated(known), once),
    ownLatest(known) {
      if (isBeyond(known)) outbid(known.boot);
    },
    own: onOwn,
    cleared(place) {
      if (place.of === "status") link.send({ type: "contradicted" });
      else if (place.of === "presence" && users.bodyOf(place.user)) publish(place.user);
    },
  });
  const successions = succession(clock, (known) => {
    log.warn(
      { boot: showBoot(known) },
      "federation: this gateway is known to be further than it is: clock set back, or id in use twice",
    );
    link.send({ type: "link", up: false });
    up.succeed(known);
  });
  const island: LinkState = { in: "island" };
  const link = run(linkMachine, island, clock, perform);
  [topics.everyStatus, topics.everyPresence, topics.inbox(self)].forEach(up.subscribe);

  function perform(effect: LinkEffect): void {
    switch (effect.do) {
      case "open-session":
        return peers.openSession();
      case "lose-session":
        stopAnnouncing();
        return peers.loseSession();
      case "announce":
        beat();
        stopAnnouncing();
        return announce(users.names());
      case "beat":
        return beat();
      case "no-echo":
        return log.warn({}, "federation: the broker does not deliver this gateway's own status; it is sent again");
      case "tell":
        handlers.onLink(effect.state);
        for (const talkgroup of users.talkgroups())
          tellRole(talkgroup, effect.state === "online" ? "again" : "changes");
        return;
      case "purge":
        return peers.purge();
    }
  }

  function beat(): void {
    statusCounter = up.send("status", topics.status(self), encodeStatus(options.site), kept);
  }

  function announce(rest: Iterator<string>): void {
    for (let count = 0; count < portion.users; count++) {
      const next = rest.next();
      if (next.done) return;
      publish(next.value);
    }
    stopAnnouncing = clock.after(portion.everyMs, () => announce(rest));
  }

  function publish(user: string): void {
    const topic = topics.presence(self, user);
    const body = users.bodyOf(user);
    if (body) return void up.send("presence", topic, body, kept);
    // Those who listen are told by an envelope; those who come later find nothing.
    up.send("presence", topic, withdrawn, once);
    up.clear(topic);
  }

  function enter(talkgroup: string): void {
    const media = topics.media(talkgroup);
    mediaTopics.set(talkgroup, media);
    mediaPlaces.set(media, { of: "media", talkgroup });
    up.subscribe(media);
    up.subscribe(topics.floor(talkgroup));
    tellRole(talkgroup);
  }

  function leave(talkgroup: string): void {
    const media = topics.media(talkgroup);
    mediaTopics.delete(talkgroup);
    mediaPlaces.delete(media);
    up.unsubscribe(media);
    up.unsubscribe(topics.floor(talkgroup));
    tellRole(talkgroup);
    told.delete(talkgroup);
  }

  function recount(talkgroup: string | undefined): void {
    if (talkgroup === undefined) for (const each of users.talkgroups()) tellRole(each);
    else if (users.needs(talkgroup)) tellRole(talkgroup);
  }

  function tellRole(talkgroup: string, mode: "changes" | "again" = "changes"): void {
    const others = link.state().in === "online" ? peers.gatewaysOf(talkgroup) : nobody;
    const role = roleOf(self, talkgroup, users.hasMembers(talkgroup), others);
    if (mode === "changes" && sameRole(told.get(talkgroup), role)) return;
    told.set(talkgroup, role);
    handlers.onRole(talkgroup, role);
  }

  function onMessage(topic: string, payload: Uint8Array): void {
    const place = mediaPlaces.get(topic) ?? topics.placeOf(topic);
    if (!place) return drops.count("misplaced", { topic: topic.slice(0, 256) });
    // Still under way when the last here left who needed it.
    if ((place.of === "media" || place.of === "floor") && !users.needs(place.talkgroup)) return;
    read(place, payload);
  }

  function onOwn(place: Place, envelope: Envelope | undefined): void {
    if (envelope && isBeyond(envelope) && outbid(envelope.boot)) return;
    if (place.of === "presence") {
      // Left over from a boot or a link before this one, or somebody else's word.
      const said = users.bodyOf(place.user) ?? withdrawn;
      if (!envelope || Buffer.compare(envelope.body, said) !== 0) publish(place.user);
    } else if (envelope?.kind === "status" && compareBoots(envelope.boot, up.boot()) === 0) {
      if (envelope.counter === statusCounter) link.send({ type: "echo" });
    } else link.send({ type: "contradicted" });
  }

  /** This gateway has not come so far: those who heard so take what it says for old. */
  function isBeyond({ boot, counter }: Heard): boolean {
    const order = compareBoots(boot, up.boot());
    return order > 0 || (order === 0 && counter > up.counter());
  }

  /** True when this gateway goes on as the successor of a boot that is known of it, at once or soon. */
  function outbid(known: Boot): boolean {
    const isSucceeding = successions.outbid(known);
    if (!isSucceeding) drops.count("last-boot", { boot: showBoot(known) });
    return isSucceeding;
  }

  return {
    setPresence(user, state) {
      if (closed) return;
      const verdict = users.set(user, state);
      if (verdict === "refused") drops.count("own-presence-refused", { user });
      if (verdict === "changed" && link.state().in !== "island") publish(user);
    },
    sendFloor(to, floor) {
      const isReachable = (to === "all" || gatewayId.test(to)) && fitsTopic(floor.talkgroup);
      const body = encodeTrunkFloor(floor);
      if (!isReachable || !body) return drops.count("own-floor-refused", { to });
      if (!closed) up.send("floor", to === "all" ? topics.floor(floor.talkgroup) : topics.inbox(to), body, once);
    },
    sendMedia(talkgroup, packet) {
      const topic = mediaTopics.get(talkgroup);
      if (!topic || packet.length > longestPacket) return drops.count("own-media-refused", { talkgroup });
      if (!closed) up.send("media", topic, packet, fleeting);
    },
    view: () => ({
      link: link.state().in,
      boot: showBoot(up.boot()),
      gateways: peers.gateways(),
      talkgroups: [...told].map(([talkgroup, role]) => ({ talkgroup, role })),
    }),
    dropped: drops.counts,
    close() {
      closed = true;
      stopAnnouncing();
      link.close();
      successions.close();
      peers.close();
      up.sendGone();
      for (const user of users.names()) up.clear(topics.presence(self, user));
      return up.close();
    },
  };
}
