import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readCertificates } from "../../firmware/config/certificates.ts";
import { openAuthority } from "../support/certificates.ts";
import { testWith } from "../support/skip.ts";

const openssl = testWith("openssl");
const day = 86_400_000;

/** A folder with a certificate and its key, and what is made of it. */
async function inFolder(body: (folder: Folder) => Promise<void> | void): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), "roger-certificates-"));
  const authority = openAuthority();
  try {
    const write = (name: string, text: string, mode = 0o600): void => {
      writeFileSync(join(path, name), text);
      chmodSync(join(path, name), mode);
    };
    const { certificate, key } = authority.issue("10.0.0.1");
    write("own.pem", certificate, 0o644);
    write("own.key", key);
    await body({
      path,
      certificate,
      key,
      authority: authority.certificate,
      other: authority.issue("10.0.0.2"),
      write,
      read: (settings = {}, now = Date.now()) =>
        readCertificates(
          { port: 5061, certificate: "own.pem", key: "own.key", ...settings },
          join(path, "north.yaml"),
          now,
        ),
    });
  } finally {
    authority.close();
    rmSync(path, { recursive: true });
  }
}

interface Folder {
  readonly path: string;
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
  readonly other: { readonly certificate: string; readonly key: string };
  write(name: string, text: string, mode?: number): void;
  read(settings?: object, now?: number): ReturnType<typeof readCertificates>;
}

/** The faults, with the folder's name left out. */
function faults({ path, read }: Folder, settings = {}): string[] {
  const found = read(settings);
  return "faults" in found
    ? found.faults.map(({ path: where, message }) => `${where}: ${message}`.replaceAll(`${path}/`, ""))
    : [];
}

openssl(
  "a certificate and its key are read from the configuration's folder, or from where an absolute path leads",
  () =>
    inFolder((folder) => {
      const { path, certificate, key, authority, read, write } = folder;
      assert.equal(read(), { certificates: { certificate, key }, warnings: [] });
      write("ca.pem", `# who signs\n${authority}${authority}`);
      const absolute = { certificate: join(path, "own.pem"), key: "./own.key", ca: join(path, "ca.pem") };
      const found = read(absolute);
      assert.ok("certificates" in found);
      assert.is(found.certificates.authorities, `# who signs\n${authority}${authority}`);
      write("chain.pem", certificate + authority);
      assert.equal(faults(folder, { certificate: "chain.pem" }), []);
    }),
);

openssl("every fault of the files is listed at once, with its place", () =>
  inFolder((folder) => {
    folder.write("junk.pem", "no certificate\n");
    folder.write("broken.pem", folder.certificate.replace(/\n.{30}/, "\n"));
    folder.write("latin.key", "");
    writeFileSync(join(folder.path, "latin.key"), Buffer.from("\xff\xfe", "latin1"));
    assert.equal(faults(folder, { certificate: "none.pem", key: "none.key", ca: "junk.pem" }), [
      "north.yaml: sip.tls.certificate: none.pem cannot be read: no such file or directory; correct its path or its permissions",
      "north.yaml: sip.tls.key: none.key cannot be read: no such file or directory; correct its path or its permissions",
      "north.yaml: sip.tls.ca: junk.pem holds no certificates in PEM",
    ]);
    const noPem = "holds no certificate in PEM; give it with those between it and its authority";
    const noKey = "holds no private key in PEM without a passphrase; nobody is there to type one";
    for (const certificate of ["junk.pem", "broken.pem", "own.key"])
      assert.equal(faults(folder, { certificate }), [`north.yaml: sip.tls.certificate: ${certificate} ${noPem}`]);
    folder.write("junk.key", "no key\n");
    folder.write("public.key", folder.certificate);
    for (const key of ["junk.key", "public.key"])
      assert.equal(faults(folder, { key }), [`north.yaml: sip.tls.key: ${key} ${noKey}`]);
    assert.equal(faults(folder, { key: "latin.key" }), [
      "north.yaml: sip.tls.key: latin.key is not UTF-8 text; save it as UTF-8",
    ]);
  }),
);

openssl("a key that others can read is refused; its group may", () =>
  inFolder((folder) => {
    for (const mode of [0o644, 0o604, 0o602, 0o620, 0o660]) {
      folder.write("own.key", folder.key, mode);
      assert.equal(faults(folder), [
        `north.yaml: sip.tls.key: own.key holds a private key, but others can read or write it (mode ${mode.toString(8)}); chmod 600 own.key`,
      ]);
    }
    for (const mode of [0o600, 0o640, 0o400]) {
      folder.write("own.key", folder.key, mode);
      assert.equal(faults(folder), []);
    }
  }),
);

openssl("a key that is another certificate's is refused", () =>
  inFolder((folder) => {
    folder.write("other.key", folder.other.key);
    assert.equal(faults(folder, { key: "other.key" }), [
      "north.yaml: sip.tls.key: other.key is not the key of the certificate in own.pem",
    ]);
  }),
);

openssl("a certificate whose time is over, or has not come, is taken with a warning", () =>
  inFolder(({ read }) => {
    const warnings = (now: number): string => {
      const found = read({}, now);
      return "warnings" in found ? found.warnings.map(({ message }) => message).join() : "a fault";
    };
    assert.is(warnings(Date.now() + day), "");
    assert.match(warnings(Date.now() + 3 * day), /^own\.pem expired on \d{4}-\d\d-\d\d: .*; renew it$/);
    assert.match(warnings(Date.now() - day), /^own\.pem is not valid before \d{4}-\d\d-\d\d: set this machine's clock/);
  }),
);

test.run();
