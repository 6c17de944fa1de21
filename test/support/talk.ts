/** One who talks and those who listen, on machines of their own around a conference server, on a simulated network under a virtual clock. */
import { openTalker } from "../../firmware/agent/talker.ts";
import { openVoice } from "../../firmware/agent/voice.ts";
import { openConference } from "../../firmware/conference/conference.ts";
import type { ConferenceEvent } from "../../firmware/conference/protocol.ts";
import { decodeFloor, encodeFloor, type FloorMessage } from "../../firmware/floor/message.ts";
import type { CodecName } from "../../firmware/media/codec.ts";
import { answerOffer } from "../../firmware/sip/negotiation.ts";
import { describe, parseSdp } from "../../firmware/sip/sdp.ts";
import { collectSamples } from "../../hal/audio/recording.ts";
import { simulatedAudio } from "../../hal/audio/simulated.ts";
import type { Cancel } from "../../hal/clock/port.ts";
import { virtualClock } from "../../hal/clock/virtual.ts";
import { type PathConditions, simulatedNetwork } from "../../hal/network/simulated.ts";
import type { Opus } from "../../hal/opus/port.ts";
import { seededRandom } from "../../hal/random/seeded.ts";
import { nodeSrtp } from "../../hal/srtp/node.ts";

export interface TalkOptions {
  readonly opus: Opus;
  readonly seed?: number;
  /** From the talker to the server, and from there to each listener. */
  readonly up?: Partial<PathConditions>;
  readonly down?: Partial<PathConditions>;
  /** What the server takes to grant the floor, ms. */
  readonly grantMs?: number;
  /** bit/s */
  readonly bitrate?: number;
  /** What the talker's encoder expects, percent, whatever is reported. */
  readonly expectedLoss?: number;
  readonly listeners?: readonly ListenerOptions[];
}

export interface ListenerOptions {
  readonly codec?: CodecName;
  /** How fast its loudspeaker runs, in parts per million over the talker's microphone. */
  readonly driftPpm?: number;
  /** In place of what holds for all. */
  readonly down?: Partial<PathConditions>;
}

const server = "10.0.0.1";
const talkerHost = "10.0.0.2";

export type Talk = Awaited<ReturnType<typeof openTalk>>;

export async function openTalk(options: TalkOptions) {
  const { opus, seed = 1, up = {}, down = {}, grantMs = 0, bitrate = 24_000, expectedLoss, listeners = [{}] } = options;
  const clock = virtualClock();
  const network = simulatedNetwork({ clock, random: seededRandom(seed) });
  const events: ConferenceEvent[] = [];
  const srtp = nodeSrtp();
  const range = { host: server, first: 20_000, last: 20_999 };
  const conference = openConference(
    { clock, network: network.host(server), random: seededRandom(seed + 1), opus, srtp },
    { gateway: "north", range },
    (event) => events.push(event),
  );
  const settings = { name: "ops", endOfMediaMs: 4000, talkMs: 900_000, graceMs: 3000, hangMs: 10_000 };
  conference.receive({ type: "talkgroup", settings });

  /** An agent's media on a machine of its own, and its session with the server. */
  async function member(
    name: string,
    host: string,
    codec: CodecName,
    onFloor: (message: FloorMessage) => void,
    onLoss: (percent: number) => void,
  ) {
    const voice = await openVoice(
      { clock, random: seededRandom(seed + host.length), network: network.host(host), opus, srtp },
      { range: { host, first: 30_000, last: 30_009 }, cname: name },
      {
        onFloor(packet) {
          const decoded = decodeFloor(packet);
          if (decoded) onFloor(decoded.message);
        },
        onCallControl() {},
        onSpeech() {},
        onLoss,
        onLost() {},
      },
    );
    const rights = { mayTalk: true, priority: 0, mayPreempt: true };
    const leg = { leg: name, talkgroup: "ops", user: `sip:${name}@example.org`, ...rights };
    conference.receive({ type: "provision", options: leg });
    await clock.advance(0);
    const offered = events.findLast((event) => "leg" in event && event.leg === name);
    if (offered?.type !== "offer") throw new Error(`no offer for ${name}: ${JSON.stringify(offered)}`);
    const { agreement, answer } = answerOffer(only(codec, offered.sdp), voice.local, "7");
    voice.connect(agreement);
    conference.receive({ type: "accept", leg: name, answer });
    return voice;
  }

  const expected: number[] = [];
  let stopAsking: Cancel = () => {};
  const voice = await member(
    "talker",
    talkerHost,
    "opus",
    (message) => {
      // What was asked for is told.
      stopAsking();
      if (message.type === "granted" && !talker.talking()) clock.after(grantMs, talker.talk);
    },
    (percent) => {
      expected.push(percent);
      talker.expectLoss(percent);
    },
  );
  const talker = await openTalker(
    { clock, opus: expectedLoss === undefined ? opus : expecting(opus, expectedLoss) },
    { bitrate, firstTimestamp: 0 },
    {
      send: voice.send,
      onDead() {},
    },
  );
  const mouth = simulatedAudio({ clock });
  mouth.microphone.start(talker.capture);

  async function listener({ codec = "opus", driftPpm = 0, down: own }: ListenerOptions, index: number) {
    const host = `10.0.1.${index + 1}`;
    network.setPath(server, host, { ...down, ...own });
    const ear = await member(
      `listener-${index}`,
      host,
      codec,
      () => {},
      () => {},
    );
    const { loudspeaker, outside } = simulatedAudio({ clock, driftPpm: { microphone: 0, loudspeaker: driftPpm } });
    loudspeaker.start((frame) => ear.fill(frame));
    return {
      host,
      listen: () => collectSamples(outside.loudspeaker),
      close(): void {
        loudspeaker.close();
        ear.close();
      },
    };
  }

  const ears: Awaited<ReturnType<typeof listener>>[] = [];
  for (const [index, one] of listeners.entries()) ears.push(await listener(one, index));
  network.setPath(talkerHost, server, up);
  await clock.advance(100);
  /** Says it again until it is answered (TS 24.380, T100 and T101). */
  function ask(message: FloorMessage): void {
    const say = (): void => voice.sendFloor(encodeFloor(message, { ssrc: voice.ssrc }));
    stopAsking();
    stopAsking = clock.every(200, say);
    say();
  }

  const talk = {
    clock,
    network,
    conference,
    talker,
    /** What the talker's encoder was told to expect, percent. */
    expected,
    ears,
    server,
    talkerHost,
    press(): void {
      talker.press(clock.now());
      talker.keep();
      ask({ type: "request" });
    },
    release: (): void =>
      talker.release(clock.now(), () => {
        talker.mute();
        ask({ type: "release" });
      }),
    say: (samples: Int16Array): number => mouth.outside.microphone.hear(samples),
    /** Says all of it in one burst; what each listener heard from the press on, until a second after the release. */
    async burst(samples: Int16Array, onTheWay: (atMs: number) => void = () => {}): Promise<Int16Array[]> {
      const recordings = ears.map(({ listen }) => listen());
      talk.press();
      talk.say(samples);
      const endMs = Math.ceil(samples.length / 48);
      for (let atMs = 0; atMs < endMs; atMs += 20) {
        onTheWay(atMs);
        await clock.advance(Math.min(20, endMs - atMs));
      }
      talk.release();
      await clock.advance(1_000);
      return recordings.map((recording) => recording.take());
    },
    close(): void {
      stopAsking();
      mouth.microphone.close();
      talker.close();
      voice.close();
      for (const ear of ears) ear.close();
      conference.close();
    },
  };
  return talk;
}

function expecting(opus: Opus, percent: number): Opus {
  return {
    ...opus,
    async encoder(options) {
      const encoder = await opus.encoder(options);
      encoder.setLoss(percent);
      return { ...encoder, setLoss() {} };
    },
  };
}

/** Leaves of an offer's codecs the one. */
function only(codec: CodecName, sdp: string): string {
  const all = parseSdp(sdp);
  if (!all.audio) throw new Error("an offer without audio");
  return describe({ ...all, audio: { ...all.audio, codecs: all.audio.codecs.filter(({ name }) => name === codec) } });
}
