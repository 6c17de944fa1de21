/** What can be said of a store's path without opening it: a gateway may be running on it, and whoever asks may be somebody else. */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { DeviceError } from "../../hal/error.ts";
import { firstSight, headOf } from "./file.ts";
import { applicationId, currentVersion } from "./schema.ts";

/** What is wrong with it; undefined for nothing, or nothing that shows. */
export function inspect(file: string): string | undefined {
  const folder = dirname(file);
  try {
    if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
      return `the folder ${folder} is not there; create it`;
    const looks = firstSight(file);
    if (typeof looks === "object") return `${file}: ${looks.wrong}; ${damaged}`;
    return looks === "something" ? wrongIn(file, headOf(file)) : undefined;
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    return error.code === "EACCES" ? undefined : error.message;
  }
}

const damaged = "a gateway would move it aside, and build a new one from this file";
const magic = "SQLite format 3\0";

/** https://sqlite.org/fileformat.html#the_database_header. What is new may be in the log still, and the head say 0. */
function wrongIn(file: string, head: Uint8Array): string | undefined {
  if (new TextDecoder("latin1").decode(head.subarray(0, magic.length)) !== magic)
    return `${file}: this is no database; ${damaged}`;
  const view = new DataView(head.buffer);
  const [version, application] = [view.getUint32(60), view.getUint32(68)];
  if (application !== 0 && application !== applicationId)
    return `${file}: this is the database of another program; correct the path`;
  return version > currentVersion ? `${file}: a later Roger wrote it (version ${version})` : undefined;
}
