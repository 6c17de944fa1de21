/**
 * The keys of a telephone in its voice: two tones at once, one of four low and one of four high ones (ITU-T Q.23), told from speech by
 * what a receiver has to take and to refuse (Q.24): 1.5 % off and no more than 3.5 %, 40 ms and no less than 23 ms, a gap of 10 ms that
 * is none. It works at whatever rate the speech has; it says which key was pressed, once, and knows nothing of what keys are for.
 */

export interface DtmfDetector {
  /** The next `length` samples. The key, if it has been pressed for long enough just now. */
  hear(samples: Int16Array, length: number): string | undefined;
  /** Whether the last of what was heard is a key, or all but certain to be one: nobody is to hear it as speech. */
  sounding(): boolean;
}

const low = [697, 770, 852, 941];
const high = [1209, 1336, 1477, 1633];
const keys = ["123A", "456B", "789C", "*0#D"];

/** A window of 20 ms every 10 ms: of a tone of 23 ms no three in a row are filled, of one of 40 ms always three. */
const windowS = 0.02;
const hopsInWindow = 2;
const enough = 3;
/** An interruption of 10 ms spoils two windows, a pause of 40 ms four. */
const over = 3;
/** From the second on there is hardly any speech that is like it. */
const likely = 2;
/** The quietest tone, as an amplitude: -30 dBm0, where -25 are to be taken; 0 dBm0 are 3.14 dB below the loudest sine of G.711. */
const quietest = 700;
/** What the two tones are of all that is heard. Half a bin off (1.5 % of 1633 Hz) a tone shows 0.73 of its power. */
const leastShare = 0.7;
/** By which power ratio the high tone may be above the low one (4 dB, and the loss by half a bin), and the low one above the high one (8 dB). */
const mostAbove = 10 ** 0.6;
const mostBelow = 10 ** 1;
/** Share of the frequency, between 1.5 % that are to be taken and 3.5 % that are not. */
const mostOff = 0.025;
/** A key keeps its level, which a voice does not, as a ratio of powers from window to window: 3 dB. */
const steady = 2;

/** A window at one rate: shared by all who listen at that rate. */
interface Scale {
  readonly window: Float64Array;
  /** Power of a sine over the energy in the window, as far as the sum of the window tells. */
  readonly sine: number;
  readonly amplitude: number;
}

const scales = new Map<number, Scale>();

function scaleOf(rate: number): Scale {
  const known = scales.get(rate);
  if (known) return known;
  const length = rate * windowS;
  const window = Float64Array.from(
    { length },
    (_, index) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (index + 0.5)) / length),
  );
  const sum = window.reduce((total, weight) => total + weight, 0);
  const squares = window.reduce((total, weight) => total + weight * weight, 0);
  const scale = { window, sine: (2 * squares) / sum ** 2, amplitude: 2 / sum };
  scales.set(rate, scale);
  return scale;
}

/** One tone's filter (Goertzel), and what it has found in the last two windows. */
interface Filter {
  readonly hertz: number;
  readonly coefficient: number;
  readonly cosine: number;
  readonly sine: number;
  /** By how much its phase turns from one window to the next, radians. */
  readonly turn: number;
  power: number;
  phase: number;
  powerBefore: number;
  phaseBefore: number;
}

function filterOf(hertz: number, rate: number): Filter {
  const step = (2 * Math.PI * hertz) / rate;
  return {
    hertz,
    coefficient: 2 * Math.cos(step),
    cosine: Math.cos(step),
    sine: Math.sin(step),
    turn: (2 * Math.PI * hertz * windowS) / hopsInWindow,
    ...{ power: 0, phase: 0, powerBefore: 0, phaseBefore: 0 },
  };
}

function measure(filter: Filter, samples: Float64Array): void {
  const { coefficient } = filter;
  let last = 0;
  let before = 0;
  for (let index = 0; index < samples.length; index++) {
    const next = (samples[index] ?? 0) + coefficient * last - before;
    before = last;
    last = next;
  }
  const real = last * filter.cosine - before;
  const imaginary = last * filter.sine;
  filter.powerBefore = filter.power;
  filter.phaseBefore = filter.phase;
  filter.power = real * real + imaginary * imaginary;
  // Where the window ends, as always: what differs from window to window is the turn.
  filter.phase = Math.atan2(imaginary, real);
}

function loudest(filters: readonly Filter[]): number {
  let best = 0;
  for (let index = 1; index < filters.length; index++)
    if ((filters[index]?.power ?? 0) > (filters[best]?.power ?? 0)) best = index;
  return best;
}

/** Whether it is the same tone as one window before, as steady as a key's and near enough to its frequency. */
function goesOn({ hertz, turn, power, powerBefore, phase, phaseBefore }: Filter): boolean {
  if (power > steady * powerBefore || powerBefore > steady * power) return false;
  const turned = phase - phaseBefore - turn;
  const rest = turned - 2 * Math.PI * Math.round(turned / (2 * Math.PI));
  const off = (rest * hopsInWindow) / (2 * Math.PI * windowS);
  return Math.abs(off) <= mostOff * hertz;
}

/** `rate`: samples a second. */
export function dtmfDetector(rate: number): DtmfDetector {
  const { window, sine, amplitude } = scaleOf(rate);
  const hop = window.length / hopsInWindow;
  const rows = low.map((hertz) => filterOf(hertz, rate));
  const columns = high.map((hertz) => filterOf(hertz, rate));
  const recent = new Float64Array(window.length);
  const weighted = new Float64Array(window.length);
  let filled = 0;
  /** What the windows look like, and how many in a row do. */
  let candidate = "";
  let count = 0;
  /** What is pressed, and how many windows in a row are not it. */
  let pressed = "";
  let misses = 0;

  /** The key that the window looks like; "" for none. */
  function look(): string {
    let energy = 0;
    for (let index = 0; index < window.length; index++) {
      const sample = (recent[index] ?? 0) * (window[index] ?? 0);
      weighted[index] = sample;
      energy += sample * sample;
    }
    for (const filter of rows) measure(filter, weighted);
    for (const filter of columns) measure(filter, weighted);
    const row = loudest(rows);
    const column = loudest(columns);
    const [lower, higher] = [rows[row]?.power ?? 0, columns[column]?.power ?? 0];
    if (Math.sqrt(Math.min(lower, higher)) * amplitude < quietest) return "";
    if (higher > mostAbove * lower || lower > mostBelow * higher) return "";
    if ((lower + higher) * sine < leastShare * energy) return "";
    return keys[row]?.[column] ?? "";
  }

  function isSame(key: string): boolean {
    if (key !== candidate) return false;
    const row = rows[loudest(rows)];
    const column = columns[loudest(columns)];
    return row !== undefined && column !== undefined && goesOn(row) && goesOn(column);
  }

  function next(): string | undefined {
    const key = look();
    count = key === "" ? 0 : isSame(key) ? count + 1 : 1;
    candidate = key;
    if (key === pressed && key !== "") {
      misses = 0;
      return undefined;
    }
    misses += 1;
    if (misses >= over) pressed = "";
    if (count < enough) return undefined;
    pressed = key;
    misses = 0;
    return key;
  }

  return {
    hear(samples, length) {
      let found: string | undefined;
      for (let index = 0; index < length; index++) {
        recent[window.length - hop + filled] = samples[index] ?? 0;
        filled += 1;
        if (filled < hop) continue;
        found = next() ?? found;
        recent.copyWithin(0, hop);
        filled = 0;
      }
      return found;
    },
    sounding: () => pressed !== "" || count >= likely,
  };
}
