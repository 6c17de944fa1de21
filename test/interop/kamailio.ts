/** kamailio as a PBX: a registrar and proxy that asks for proofs, whose extensions call numbers and one another. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsIdentity } from "../../hal/network/port.ts";
import { ownAddress } from "../support/own-network.ts";
import { type Program, program } from "../support/program.ts";

export const pbxDomain = "pbx.example";
export const pbxPort = { udp: 5080, tcp: 5080, tls: 5081 };
/** What it needs for TLS; a package of its own. */
export const tlsModule = "/usr/lib/x86_64-linux-gnu/kamailio/modules/tls.so";

/** Who has which password. */
export type Extensions = Readonly<Record<string, string>>;

/**
 * Starts it. What begins with 80 it passes to the contact of `roger` as that is, the number in To alone, and what begins with 81 with
 * the number in the Request-URI. It prints "saved 1001" for each registration. `identity`: it speaks TLS too, and shows this to whom
 * it calls.
 */
export async function kamailio(folder: string, extensions: Extensions, identity?: TlsIdentity): Promise<Program> {
  const state = mkdtempSync(join(folder, "kamailio-"));
  const config = join(state, "kamailio.cfg");
  if (identity) {
    writeFileSync(join(state, "own.pem"), identity.certificate);
    writeFileSync(join(state, "own.key"), identity.key, { mode: 0o600 });
  }
  writeFileSync(config, script(extensions, identity && state));
  const args = ["-DD", "-E", "-f", config, "-m", "32", "-M", "4", "-w", state, "-Y", state, "-P", join(state, "pid")];
  const pbx = program("kamailio", args);
  await pbx.printed(/the exchange stands/);
  return pbx;
}

/** `identity`: the folder of the certificate and the key. */
function script(extensions: Extensions, identity: string | undefined): string {
  const passwords = Object.entries(extensions)
    .map(([user, password]) => `if ($fU == "${user}") { $var(password) = "${password}"; }`)
    .join("\n\t");
  return `#!KAMAILIO
debug=0
log_stderror=yes
children=1
tcp_children=1
auto_aliases=no
dns=no
rev_dns=no
alias="${pbxDomain}"
listen=udp:${ownAddress}:${pbxPort.udp}
listen=tcp:${ownAddress}:${pbxPort.tcp}
${["tm", "sl", "rr", "pv", "maxfwd", "usrloc", "registrar", "textops", "siputils", "xlog", "auth"]
  .map((name) => `loadmodule "${name}.so"`)
  .join("\n")}
${identity === undefined ? "" : secured(identity)}
modparam("registrar", "max_expires", 10)
modparam("registrar", "min_expires", 5)
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "use_domain", 0)

event_route[core:worker-one-init] {
	xlog("L_ERR", "the exchange stands\\n");
}

request_route {
	if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
	force_rport();
	if (is_method("CANCEL")) {
		if (t_check_trans()) { t_relay(); }
		exit;
	}
	if (has_totag()) {
		if (loose_route()) { t_relay(); exit; }
		if (is_method("ACK") && t_check_trans()) { t_relay(); exit; }
		if (!is_method("ACK")) { sl_send_reply("404", "Not Here"); }
		exit;
	}
	t_check_trans();
	if (is_method("OPTIONS") && $rU == $null) { sl_send_reply("200", "OK"); exit; }
	$var(password) = "";
	${passwords}
	if ($var(password) == "") { sl_send_reply("403", "Nobody"); exit; }
	if (is_method("REGISTER")) {
		if (!pv_www_authenticate("${pbxDomain}", "$var(password)", "0")) {
			www_challenge("${pbxDomain}", "1");
			exit;
		}
		if (save("location")) { xlog("L_ERR", "saved $tU\\n"); }
		exit;
	}
	if (!pv_proxy_authenticate("${pbxDomain}", "$var(password)", "0")) {
		proxy_challenge("${pbxDomain}", "1");
		exit;
	}
	consume_credentials();
	remove_hf("Route");
	record_route();
	$var(number) = $rU;
	if ($rU =~ "^8[01]") { $rU = "roger"; }
	if (!lookup("location")) { sl_send_reply("404", "No Such Extension"); exit; }
	if ($var(number) =~ "^81") { $rU = $var(number); }
	t_relay();
}
`;
}

function secured(folder: string): string {
  return `enable_tls=yes
listen=tls:${ownAddress}:${pbxPort.tls}
loadmodule "tls.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "${folder}/own.pem")
modparam("tls", "private_key", "${folder}/own.key")`;
}
