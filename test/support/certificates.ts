/** Certificates that openssl makes for one run of a test: no key is ever kept. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsIdentity } from "../../hal/network/port.ts";

export interface Authority {
  /** Its own certificate, PEM. */
  readonly certificate: string;
  /** A certificate signed by it, for these domains and numeric hosts. */
  issue(...names: readonly string[]): TlsIdentity;
  /** Throws its key away. */
  close(): void;
}

/** Signs for two days. Throws where openssl is not installed. */
export function openAuthority(name = "Test Authority"): Authority {
  const folder = mkdtempSync(join(tmpdir(), "roger-authority-"));
  const at = (file: string): string => join(folder, file);
  const pem = (file: string): string => readFileSync(at(file), "utf8");

  function make(file: string, subject: string, ...more: readonly string[]): void {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", at(`${file}.key`)];
    const certificate = ["-days", "2", "-subj", `/CN=${subject}`, "-out", at(`${file}.pem`), ...more];
    execFileSync("openssl", ["req", "-x509", ...key, ...certificate], { stdio: "ignore" });
  }

  make("authority", name);
  return {
    certificate: pem("authority.pem"),
    issue(...names) {
      const [subject = ""] = names;
      const alternatives = names.map((each) => `${isIP(each) === 0 ? "DNS" : "IP"}:${each}`).join();
      const extensions = ["-addext", `subjectAltName=${alternatives}`, "-addext", "basicConstraints=critical,CA:FALSE"];
      make("issued", subject, "-CA", at("authority.pem"), "-CAkey", at("authority.key"), ...extensions);
      return { certificate: pem("issued.pem"), key: pem("issued.key") };
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
