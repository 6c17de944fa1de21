/** MQTT 3.1.1 control packets as bytes, for a client that sends what no library would. */
import { type Dice, spoiledBy } from "./dice.ts";
import type { Publication } from "./recorder.ts";
import { byteSpoils } from "./spoil-bytes.ts";

/** §2.2: seven bits a byte, the low ones first. */
function length(count: number): number[] {
  return count < 128 ? [count] : [(count % 128) | 128, ...length(Math.floor(count / 128))];
}

const packet = (first: number, body: Uint8Array): Uint8Array =>
  Buffer.concat([Uint8Array.of(first, ...length(body.length)), body]);

function text(value: string): Uint8Array {
  const bytes = Buffer.from(value);
  return Buffer.concat([Uint8Array.of(bytes.length >> 8, bytes.length), bytes]);
}

const connect = (client: string): Uint8Array =>
  packet(0x10, Buffer.concat([text("MQTT"), Uint8Array.of(4, 2, 0, 30), text(client)]));

const publish = ({ topic, payload }: Publication, retain: boolean): Uint8Array =>
  packet(retain ? 0x31 : 0x30, Buffer.concat([text(topic), payload]));

const subscribe = (filter: string): Uint8Array =>
  packet(0x82, Buffer.concat([Uint8Array.of(0, 1), text(filter), Uint8Array.of(1)]));

/** What a client may send from its CONNECT on, spoiled somewhere. */
export function spoiledSession(dice: Dice, publication: Publication): Uint8Array {
  const filters = ["#", "roger/1/+/gateway/#", "+/+", "", "a/#/b"];
  const packets = [
    ...Array(1 + dice.below(3)).fill(publish(publication, dice.chance(0.2))),
    subscribe(dice.oneOf(filters)),
    packet(dice.below(256), dice.bytes(dice.below(20))),
  ];
  const session = Buffer.concat([connect(`client-${dice.below(50)}`), ...packets]);
  return spoiledBy(dice, byteSpoils, session, connect("other"));
}
