/**
 * From a topic and its payload to what was said. It decides who may say what where, which boot of a gateway counts, and
 * what is a replay; all else is dropped and counted. It keeps no picture of the realm.
 */

import type { Drops } from "../drops.ts";
import { decodeOutdated, decodePresence, decodeStatus, type RemotePresence } from "./body.ts";
import { decodeEnvelope, type Envelope, type Kind } from "./envelope.ts";
import type { Heard, Incarnations } from "./incarnations.ts";
import type { Place } from "./topic.ts";
import { decodeTrunkFloor, type TrunkFloor } from "./trunk-floor.ts";

export interface Ears {
  status(from: string, counter: number, site: string): void;
  gone(from: string): void;
  presence(from: string, user: string, counter: number, state: RemotePresence | undefined): void;
  floor(from: string, floor: TrunkFloor): void;
  media(from: string, talkgroup: string, packet: Uint8Array): void;
  /** The first word of a boot. */
  restarted(from: string): void;
  /** `from` gave its status, and was heard to be further than that: in an older life, or by somebody else's word. */
  outdated(from: string, known: Heard): void;
  /** Another gateway has heard this one to be so far. */
  ownLatest(known: Heard): void;
  /** What came from this gateway's own retained topics; undefined: something that this gateway never wrote. */
  own(place: Place, envelope: Envelope | undefined): void;
  /** Nothing is retained any more on a topic of this gateway's own. */
  cleared(place: Place): void;
}

const kindsOf: Readonly<Record<Place["of"], readonly Kind[]>> = {
  status: ["status", "gone"],
  presence: ["presence"],
  inbox: ["floor", "outdated"],
  floor: ["floor"],
  media: ["media"],
};

const rtpHeaderBytes = 12;

export function reader(self: string, known: Incarnations, drops: Drops, ears: Ears) {
  function isOwn(place: Place): boolean {
    return (place.of === "status" || place.of === "presence") && place.gateway === self;
  }

  function refuse(kind: string, place: Place): void {
    drops.count(kind, place);
    if (isOwn(place)) ears.own(place, undefined);
  }

  /** True when the sender may write to this place. */
  function isPlaced({ kind, sender }: Envelope, place: Place): boolean {
    if (!kindsOf[place.of].includes(kind)) return false;
    switch (place.of) {
      case "status":
      case "presence":
        return place.gateway === sender;
      case "inbox":
        return place.gateway === self;
      case "floor":
      case "media":
        return true;
    }
  }

  function admit(envelope: Envelope, lane: "floor" | "media" | undefined): boolean {
    const { kind, sender, boot, counter } = envelope;
    const verdict = known.admit(sender, boot, lane, counter);
    switch (verdict) {
      case "new-boot":
        ears.restarted(sender);
        return true;
      case "current":
        if (kind === "status") tellLatest(sender, counter);
        return true;
      case "old-boot":
        drops.count(verdict, { from: sender });
        if (kind === "status") tellLatest(sender, -1);
        return false;
      case "replayed":
      case "too-many-gateways":
        drops.count(verdict, { from: sender });
        return false;
    }
  }

  function isHeard(envelope: Envelope): boolean {
    switch (envelope.kind) {
      case "status":
      case "gone":
      case "presence":
        return admit(envelope, undefined);
      case "floor":
      case "media":
        return admit(envelope, envelope.kind);
      case "outdated":
        // Two gateways may each take the other for outdated, and would never learn it from one they do not listen to.
        return true;
    }
  }

  function tellLatest(sender: string, counter: number): void {
    const latest = known.latestOf(sender);
    if (latest && latest.counter > counter) ears.outdated(sender, latest);
  }

  function hear({ kind, sender, counter, body }: Envelope, place: Place): boolean {
    switch (kind) {
      case "status": {
        const status = decodeStatus(body);
        if (status) ears.status(sender, counter, status.site);
        return status !== undefined;
      }
      case "gone":
        ears.gone(sender);
        return true;
      case "presence": {
        const state = body.length > 0 ? decodePresence(body) : undefined;
        if (place.of !== "presence" || (body.length > 0 && !state)) return false;
        ears.presence(sender, place.user, counter, state);
        return true;
      }
      case "floor": {
        const floor = decodeTrunkFloor(body);
        if (!floor || (place.of === "floor" && place.talkgroup !== floor.talkgroup)) return false;
        ears.floor(sender, floor);
        return true;
      }
      case "outdated": {
        const latest = decodeOutdated(body);
        if (latest) ears.ownLatest(latest);
        return latest !== undefined;
      }
      case "media":
        if (place.of !== "media" || body.length < rtpHeaderBytes) return false;
        ears.media(sender, place.talkgroup, body);
        return true;
    }
  }

  return (place: Place, payload: Uint8Array): void => {
    if (payload.length === 0 && (place.of === "status" || place.of === "presence")) {
      // A retained topic was cleared. Its owner says what that means in an envelope.
      if (isOwn(place)) ears.cleared(place);
      return;
    }
    const envelope = decodeEnvelope(payload);
    if (typeof envelope === "string") return refuse(envelope, place);
    if (!isPlaced(envelope, place)) return refuse("misplaced", place);
    if (envelope.sender === self) {
      if (isOwn(place)) ears.own(place, envelope);
      return;
    }
    if (isHeard(envelope) && !hear(envelope, place)) drops.count("malformed", place);
  };
}
