/** The peer of the comparison: kamailio as a registrar with digest, all in memory, one process that answers. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { host, password, realm } from "./gateway.ts";
import { type Measured, measured } from "./process.ts";

/** As little as does what the gateway does: qop=auth is asked for, and nothing is written anywhere. */
const configOf = (port: number): string => `#!KAMAILIO
debug=0
log_stderror=yes
children=1
auto_aliases=no
disable_tcp=yes
listen=udp:${host}:${port}
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "auth.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_expires", 3600)
request_route {
  if (method != "REGISTER") {
    sl_send_reply("405", "Method Not Allowed");
    exit;
  }
  if (!pv_www_authenticate("${realm}", "${password}", "0")) {
    www_challenge("${realm}", "1");
    exit;
  }
  save("location");
}
event_route[core:worker-one-init] {
  xlog("L_ALERT", "ready\\n");
}
`;

/** Resolves when it answers. */
export async function startKamailio(folder: string, port: number): Promise<Measured> {
  const config = join(folder, "kamailio.cfg");
  writeFileSync(config, configOf(port));
  const kamailio = measured("kamailio", ["-f", config, "-DD", "-E", "-Y", folder], { core: "measured", cwd: folder });
  await kamailio.printed(/ready/);
  return kamailio;
}
