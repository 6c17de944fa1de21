const size = 64;

/**
 * Lets each counter through once, and none that is 64 or more behind the highest: topics may overtake one another
 * a little, and a broker may deliver a QoS 1 message twice. Counters start at 1.
 */
export function replayWindow(): (counter: number) => boolean {
  const seen = new Float64Array(size);
  let highest = 0;

  return (counter) => {
    const slot = counter % size;
    if (counter + size <= highest || counter === 0 || seen[slot] === counter) return false;
    seen[slot] = counter;
    highest = Math.max(highest, counter);
    return true;
  };
}
