/** The same text, in memory of its own: a part of another keeps the whole of it, which may be a message that is long over. */
export function copied(text: string): string {
  return Buffer.from(text).toString();
}
