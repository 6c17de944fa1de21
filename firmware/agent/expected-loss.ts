/** What the microphone's encoder is to expect of the network, out of what the other end reports of it. It knows no codec but Opus. */

export interface ExpectedLoss {
  /** Percent. */
  percent(): number;
  /** The other end has lost so much in its last interval, percent. */
  reported(percent: number): void;
}

/** libopus puts nothing of a packet into the next one, at 24 kb/s, below some 8 %: who expects less has every loss made up, none repaired. */
const least = 10;
/** Half a minute of speech: losses come and go. */
const cleanReports = 6;

/** Until the first reports are in, the worst is expected: what that costs on a clean network is not heard. */
export function expectedLoss(): ExpectedLoss {
  let percent = least;
  let clean = 0;

  return {
    percent: () => percent,
    reported(loss) {
      if (loss > 0) {
        clean = 0;
        percent = Math.max(least, loss);
      } else if (++clean >= cleanReports) percent = 0;
    },
  };
}
