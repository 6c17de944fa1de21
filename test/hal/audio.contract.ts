import { test } from "uvu";
import * as assert from "uvu/assert";
import { type AudioStatus, frameMs, frameSamples, type Loudspeaker, type Microphone } from "../../hal/audio/port.ts";
import { sine } from "../../hal/audio/sine.ts";
import { type Bench, until } from "./bench.ts";

export interface AudioBench extends Bench {
  readonly microphone: Microphone;
  readonly loudspeaker: Loudspeaker;
  /** Sounds before the microphone, from now on. */
  say(samples: Int16Array): void;
  /** What came out of the loudspeaker so far. */
  played(): Int16Array;
  unplug(device: "microphone" | "loudspeaker"): void;
  plug(device: "microphone" | "loudspeaker"): void;
}

interface Frame {
  readonly at: number;
  readonly now: number;
  readonly samples: Int16Array;
}

/** What every sound driver does. */
export function audioContract(driver: string, open: () => AudioBench): void {
  const story = (name: string, body: (bench: AudioBench) => Promise<void>) =>
    test(`${driver} audio: ${name}`, async () => {
      const bench = open();
      try {
        await body(bench);
      } finally {
        bench.microphone.close();
        bench.loudspeaker.close();
      }
    });

  function captured(bench: AudioBench, onStatus?: (status: AudioStatus) => void): Frame[] {
    const frames: Frame[] = [];
    bench.microphone.start((frame, at) => {
      frames.push({ at, now: bench.clock.now(), samples: new Int16Array(frame) });
    }, onStatus);
    return frames;
  }

  /** Frames without a gap: each begins where the one before ended. */
  function assertSteady(frames: readonly Frame[]): void {
    frames.slice(1).forEach((frame, index) => {
      const step = frame.at - (frames[index]?.at ?? 0);
      assert.ok(Math.abs(step - frameMs) < 1, `a step of ${step} ms`);
    });
  }

  story("the microphone delivers a frame each 20 ms, with the time of its first sample", async (bench) => {
    const frames = captured(bench);
    await until(bench, "ten frames", () => frames.length >= 10);
    assertSteady(frames);
    assert.ok(frames.every(({ samples }) => samples.length === frameSamples));
    assert.ok(
      frames.every(({ at, now }) => now >= at + frameMs - 0.5),
      "a frame is complete before it is delivered",
    );
  });

  story("what is said is heard whole, and silence around it", async (bench) => {
    const said = sine(440, 130);
    const frames = captured(bench);
    await until(bench, "silence first", () => frames.length >= 2);
    bench.say(said);
    await until(bench, "the end of it", () => frames.length >= 12);
    const heard = Int16Array.from(frames.flatMap(({ samples }) => [...samples]));
    const start = heard.findIndex((sample) => sample !== 0) - 1;
    assert.equal(heard.slice(start, start + said.length), said);
    assert.ok(heard.slice(0, start).every((sample) => sample === 0));
    assert.ok(heard.slice(start + said.length).every((sample) => sample === 0));
  });

  story("the loudspeaker asks ahead of its need, without a gap, and plays what it is given", async (bench) => {
    const given = sine(1_000, 400);
    const asked: Frame[] = [];
    bench.loudspeaker.start((frame, at) => {
      frame.fill(0);
      frame.set(given.subarray(asked.length * frameSamples, (asked.length + 1) * frameSamples));
      asked.push({ at, now: bench.clock.now(), samples: new Int16Array(frame) });
    });
    await until(bench, "all of it", () => asked.length >= 24);
    assertSteady(asked);
    assert.ok(
      asked.every(({ at, now }) => at >= now - 1 && at <= now + 60),
      "a frame is asked for at most 60 ms ahead",
    );
    const played = bench.played();
    const start = played.findIndex((sample) => sample !== 0) - 1;
    assert.equal(played.slice(start, start + given.length), given);
  });

  story("a closed device asks and tells nothing more", async (bench) => {
    let calls = 0;
    bench.microphone.start(() => calls++);
    bench.loudspeaker.start((frame) => {
      frame.fill(0);
      calls++;
    });
    await until(bench, "both run", () => calls > 6);
    bench.microphone.close();
    bench.loudspeaker.close();
    const last = calls;
    await bench.pass(100);
    assert.is(calls, last);
  });

  story("an unplugged device says so, stands still, and goes on when it is back", async (bench) => {
    const told: string[] = [];
    const frames = captured(bench, (status) => told.push(`microphone ${status}`));
    let asked = 0;
    bench.loudspeaker.start(
      (frame) => {
        frame.fill(0);
        asked++;
      },
      (status) => told.push(`loudspeaker ${status}`),
    );
    await until(bench, "both run", () => frames.length > 2 && asked > 2);
    bench.unplug("microphone");
    bench.unplug("loudspeaker");
    await until(bench, "both are lost", () => told.length === 2);
    const before = [frames.length, asked];
    await bench.pass(100);
    assert.equal([frames.length, asked], before);
    bench.plug("microphone");
    bench.plug("loudspeaker");
    await until(bench, "both are back", () => told.length === 4);
    const again = frames.length;
    await until(bench, "both run again", () => frames.length > again + 2 && asked > (before[1] ?? 0) + 2);
    assertSteady(frames.slice(again));
    assert.equal(told.toSorted(), ["loudspeaker lost", "loudspeaker present", "microphone lost", "microphone present"]);
  });
}
