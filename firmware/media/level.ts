/** The largest magnitude of a frame, 0 to 32768. */
export function peak(frame: Int16Array): number {
  let largest = 0;
  for (let index = 0; index < frame.length; index++) {
    const magnitude = Math.abs(frame[index] ?? 0);
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

/** Root mean square of the first `length` samples, 0 to 32768. */
export function loudness(frame: Int16Array, length = frame.length): number {
  let sum = 0;
  for (let index = 0; index < length; index++) {
    const sample = frame[index] ?? 0;
    sum += sample * sample;
  }
  return length === 0 ? 0 : Math.sqrt(sum / length);
}
