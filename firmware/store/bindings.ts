/** Registrations as rows. */
import type { DatabaseSync } from "node:sqlite";
import { inTransaction } from "./schema.ts";
import { statement } from "./statement.ts";

export interface StoredBinding {
  readonly user: string;
  /** The contact's URI. */
  readonly contact: string;
  /** How the terminal reached the registrar, and from where. */
  readonly transport: string;
  readonly remote: { readonly host: string; readonly port: number };
  readonly callId: string;
  readonly cseq: number;
  /** Preference among the contacts of a user, 0 to 1. */
  readonly q?: number;
  /** Unix time in ms. */
  readonly expiresAt: number;
}

/** A binding as it is now, or the name of one that is no more. */
export type BindingChange = StoredBinding | { readonly user: string; readonly contact: string; readonly gone: true };

/** Those that have not run out by `wall`, Unix time in ms. */
export function bindingsIn(database: DatabaseSync, wall: number): readonly StoredBinding[] {
  const rows = statement(database, "SELECT * FROM bindings WHERE expires_at > ?").all(wall);
  return rows.map(({ user, contact, transport, host, port, call_id, cseq, q, expires_at }) => ({
    user: String(user),
    contact: String(contact),
    transport: String(transport),
    remote: { host: String(host), port: Number(port) },
    callId: String(call_id),
    cseq: Number(cseq),
    ...(q !== null && { q: Number(q) }),
    expiresAt: Number(expires_at),
  }));
}

/**
 * Commits all of it at once. What belongs to a user who is no more, or whose account changed after `revision`, is passed over:
 * who registered by a password that was just taken away is not to come back with the next start.
 */
export function writeBindings(database: DatabaseSync, changes: readonly BindingChange[], revision: number): void {
  const put = statement(
    database,
    `INSERT INTO bindings
    SELECT ?, ?, ?, ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM accounts WHERE user = ?1)
      AND NOT EXISTS (SELECT 1 FROM changes WHERE kind = 'account' AND name = ?1 AND revision > ?10)
    ON CONFLICT DO UPDATE SET transport = excluded.transport, host = excluded.host, port = excluded.port,
      call_id = excluded.call_id, cseq = excluded.cseq, q = excluded.q, expires_at = excluded.expires_at`,
  );
  const remove = statement(database, "DELETE FROM bindings WHERE user = ? AND contact = ?");
  inTransaction(database, () => {
    for (const change of changes) {
      const { user, contact } = change;
      if ("gone" in change) {
        remove.run(user, contact);
        continue;
      }
      const { transport, remote, callId, cseq, q = null, expiresAt } = change;
      put.run(user, contact, transport, remote.host, remote.port, callId, cseq, q, Math.round(expiresAt), revision);
    }
  });
}

/** Those that have run out by `wall` leave nothing behind. */
export function forgetBindings(database: DatabaseSync, wall: number): void {
  statement(database, "DELETE FROM bindings WHERE expires_at <= ?").run(wall);
}
