/**
 * Who talks does not hear the end of the burst before: the open microphone would send it again. Over one frame, so that
 * nothing clicks.
 */
export function halfDuplex(): (frame: Int16Array, talking: boolean) => void {
  let gain = 1;

  return (frame, talking) => {
    const wanted = talking ? 0 : 1;
    if (gain === 1 && wanted === 1) return;
    const step = (wanted - gain) / frame.length;
    for (let index = 0; index < frame.length; index++) {
      gain += step;
      frame[index] = (frame[index] ?? 0) * gain;
    }
    gain = wanted;
  };
}
