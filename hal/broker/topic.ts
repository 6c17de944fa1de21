/** True when the topic filter matches the topic (MQTT 3.1.1 §4.7). */
export function matches(filter: string, topic: string): boolean {
  // [MQTT-4.7.2-1]
  if (topic.startsWith("$") && !filter.startsWith("$")) return false;
  const wanted = filter.split("/");
  const levels = topic.split("/");
  for (const [index, level] of wanted.entries()) {
    if (level === "#") return true;
    if (index >= levels.length || (level !== "+" && level !== levels[index])) return false;
  }
  return wanted.length === levels.length;
}

/** Throws where a publication's topic breaks MQTT 3.1.1 §4.7.3 or holds a wildcard: a broker would close the link for it. */
export function checkTopic(topic: string): void {
  const bytes = Buffer.byteLength(topic);
  if (bytes === 0 || bytes > 65_535 || /[#+\0]/.test(topic)) throw new RangeError(`not an MQTT topic: "${topic}"`);
}

/** Throws where a filter breaks MQTT 3.1.1 §4.7.1: wildcards stand for whole levels, and # comes last. */
export function checkFilter(filter: string): void {
  const bytes = Buffer.byteLength(filter);
  const levels = filter.split("/");
  const sound = levels.every(
    (level, index) => level === "+" || (level === "#" && index === levels.length - 1) || !/[#+\0]/.test(level),
  );
  if (bytes === 0 || bytes > 65_535 || !sound) throw new RangeError(`not an MQTT topic filter: "${filter}"`);
}
