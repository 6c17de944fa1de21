/** Randomness as a port: cryptographic on a board, seeded in tests. */
export interface Random {
  /** A fresh array of `length` random bytes. */
  bytes(length: number): Uint8Array;
  /** A token of `length` random bytes in lower-case hex. */
  token(length: number): string;
  /** Uniform in [0, 1). */
  fraction(): number;
}
