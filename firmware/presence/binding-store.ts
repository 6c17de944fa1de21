/** What the registrar asks of whoever keeps registrations beyond the life of the process. */
import type { Address } from "../../hal/network/port.ts";

export interface StoredBinding {
  readonly user: string;
  readonly contact: string;
  readonly transport: string;
  readonly remote: Address;
  readonly callId: string;
  readonly cseq: number;
  readonly q?: number;
  /** Unix time in ms: the monotonic clock starts anew with the board. */
  readonly expiresAt: number;
}

export interface BindingStore {
  /** Those that have not run out. Called once. */
  load(): readonly StoredBinding[];
  /** Kept from now on, or soon; nobody waits for it. */
  save(binding: StoredBinding): void;
  remove(user: string, contact: string): void;
  /** Calls back when what was saved and removed before is on the disk, or cannot be written now. */
  settled(callback: () => void): void;
}

/** Registrations end with the process. */
export const forgetful: BindingStore = { load: () => [], save() {}, remove() {}, settled: (callback) => callback() };
