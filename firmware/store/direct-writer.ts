import type { DatabaseSync } from "node:sqlite";
import { DeviceError } from "../../hal/error.ts";
import { writeBindings } from "./bindings.ts";
import { blaming, connect, Damage } from "./connection.ts";
import type { WriterLauncher } from "./writing.ts";

/** Writes in the caller's turn; the outcome is told before `write` returns. */
export const directWriter: WriterLauncher = (file, { onOutcome }) => {
  let database: DatabaseSync | undefined;

  return {
    write(changes, revision) {
      try {
        database ??= connect(file);
        const open = database;
        blaming(file, "program", () => writeBindings(open, changes, revision));
      } catch (error) {
        if (!(error instanceof DeviceError || error instanceof Damage)) throw error;
        return onOutcome({ trouble: error.message });
      }
      onOutcome({});
    },
    async close() {
      database?.close();
    },
  };
};
