/** Spoils what gateways say to each other over MQTT: the envelope by its fields, and the bodies inside by what they are. */
import { type Dice, edges, hostileNames, type Spoil, spoiledBy } from "./dice.ts";
import { byteSpoils } from "./spoil-bytes.ts";
import { floorMessageSpoils, mediaSpoils } from "./spoil-media.ts";

/** Bytes before the sender's id. */
const fixedBytes = 22;
const kinds = { status: 1, presence: 3, floor: 4, media: 5 } as const;
/** Made-up gateways are more than a realm holds, so that its tables are full before long and stay so. */
const madeUpGateways = 300;

interface Envelope {
  readonly head: Uint8Array;
  readonly sender: Uint8Array;
  readonly body: Uint8Array;
}

function taken(data: Uint8Array): Envelope {
  const bodyAt = fixedBytes + (data[3] ?? 0);
  return {
    head: Uint8Array.from(data.subarray(0, fixedBytes)),
    sender: data.subarray(fixedBytes, bodyAt),
    body: data.subarray(bodyAt),
  };
}

function wrapped({ head, sender, body }: Envelope): Uint8Array {
  const copy = Uint8Array.from(head);
  if (copy.length > 3) copy[3] = sender.length;
  return Buffer.concat([copy, sender, body]);
}

export const madeUpGateway = (dice: Dice): string => `ghost-${dice.below(madeUpGateways)}`;

const header: Spoil = (dice, data) => {
  const { head, ...rest } = taken(data);
  head[dice.oneOf([0, 1, 1, 1, 2])] = dice.below(8);
  return wrapped({ head, ...rest });
};

/** Boot or counter: a little on or back, or anything. */
const number: Spoil = (dice, data) => {
  const { head, ...rest } = taken(data);
  if (head.length < fixedBytes) return data;
  const at = dice.oneOf([4, 10, 16]);
  const view = new DataView(head.buffer);
  if (dice.chance(0.5)) view.setUint32(at + 2, view.getUint32(at + 2) + dice.below(400) - 100);
  else view.setUint32(at + dice.oneOf([0, 2]), dice.oneOf(edges));
  return wrapped({ head, ...rest });
};

const sender: Spoil = (dice, data) => {
  const odd = ["", "north", "south", "NORTH", "a".repeat(64), "a".repeat(255), "é", "+", "#", "../north", "north\0"];
  const name = dice.chance(0.7) ? madeUpGateway(dice) : dice.oneOf([...odd, ...hostileNames]);
  return wrapped({ ...taken(data), sender: Buffer.from(name.slice(0, 255), "latin1") });
};

const oddValues = ["null", "0", "-1e999", '""', "[]", "{}", "true", '"é\\ud800"', '"ops"', `"${"x".repeat(2_000)}"`];

/** JSON that is what was expected, but for one thing. */
function oddJson(dice: Dice): string {
  const value = dice.oneOf(oddValues);
  switch (dice.below(8)) {
    case 0:
      return `${"[".repeat(2_000)}${"]".repeat(2_000)}`;
    case 1:
      return `{"${dice.oneOf(hostileNames)}":${value},"status":"available","talkgroups":["ops"],"site":"x"}`;
    case 2:
      return `{"status":${value},"talkgroups":["ops"]}`;
    case 3:
      return `{"status":"available","talkgroups":${value}}`;
    case 4:
      return `{"status":"available","talkgroups":[${Array(dice.oneOf([1, 64, 65, 500])).fill(value)}]}`;
    case 5:
      return `{"status":"busy","talkgroups":["ops","${dice.oneOf(hostileNames)}","group-${dice.below(30)}"]}`;
    case 6:
      return `{"site":${value}}`;
    default:
      return value;
  }
}

/** The body of a floor message: epoch, priority, two lengths, talkgroup, participant, an RTCP packet. */
function spoiledFloor(dice: Dice, body: Uint8Array, other: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(body);
  const messageAt = 8 + (copy[6] ?? 0) + (copy[7] ?? 0);
  switch (dice.below(4)) {
    case 0:
      new DataView(copy.buffer).setUint32(0, dice.oneOf(edges));
      return copy;
    case 1:
      copy[dice.oneOf([4, 5, 6, 7])] = dice.below(256);
      return copy;
    case 2:
      return Buffer.concat([copy.subarray(0, 8), dice.bytes(messageAt - 8), copy.subarray(messageAt)]);
    default: {
      const message = spoiledBy(dice, floorMessageSpoils, copy.subarray(messageAt), other.subarray(messageAt));
      return Buffer.concat([copy.subarray(0, messageAt), message]);
    }
  }
}

const body: Spoil = (dice, data, other) => {
  const envelope = taken(data);
  const kind = envelope.head[1];
  const rest = taken(other).body;
  if (kind === kinds.floor && envelope.body.length >= 8)
    return wrapped({ ...envelope, body: spoiledFloor(dice, envelope.body, rest) });
  if (kind === kinds.media)
    return wrapped({ ...envelope, body: spoiledBy(dice, mediaSpoils(envelope.body), envelope.body, rest) });
  if (kind === kinds.status || kind === kinds.presence)
    return wrapped({ ...envelope, body: Buffer.from(oddJson(dice)) });
  return wrapped({ ...envelope, body: dice.bytes(dice.oneOf([0, 11, 12, 13, 4_096, 4_097])) });
};

export const envelopeSpoils: readonly Spoil[] = [header, number, number, sender, body, body, body, ...byteSpoils];

/** A topic that is nobody's, or not this payload's, that a broker would carry all the same. */
export function oddTopic(dice: Dice, known: readonly string[]): string {
  const root = "roger/1/crew.example";
  const gateway = dice.oneOf([madeUpGateway(dice), "north", "south", "NORTH", "", "a".repeat(65)]);
  const name = dice.oneOf([`user-${dice.below(30)}`, "%61", "%", "%ff", "é", "a".repeat(1_000), ...hostileNames]);
  return dice.oneOf([
    ...[dice.oneOf(known), `${root}/gateway/${gateway}/status`, `${root}/gateway/${gateway}/in`],
    ...[`${root}/presence/${gateway}/${name}`, `${root}/talkgroup/${name}/floor`, `${root}/talkgroup/${name}/media`],
    ...[`${root}/${name}`, `${root}/presence/${gateway}/${name}/more`, `roger/2/${name}`],
  ]);
}
