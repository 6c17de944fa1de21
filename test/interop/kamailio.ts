/** kamailio as a PBX: a registrar and proxy that asks for proofs, whose extensions call numbers and one another. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Transport } from "../../firmware/sip/endpoint.ts";
import { ownAddress } from "../support/own-network.ts";
import { type Program, program } from "../support/program.ts";

export const pbxDomain = "pbx.example";
export const pbxPort = 5080;

/** Who has which password. */
export type Extensions = Readonly<Record<string, string>>;

/**
 * Starts it. What begins with 80 it passes to the contact of `roger` as that is, the number in To alone, and what begins with 81 with
 * the number in the Request-URI. It prints "saved 1001" for each registration.
 */
export async function kamailio(folder: string, extensions: Extensions, transport: Transport = "udp"): Promise<Program> {
  const state = mkdtempSync(join(folder, "kamailio-"));
  const config = join(state, "kamailio.cfg");
  writeFileSync(config, script(extensions, transport));
  const args = ["-DD", "-E", "-f", config, "-m", "32", "-M", "4", "-w", state, "-Y", state, "-P", join(state, "pid")];
  const pbx = program("kamailio", args);
  await pbx.printed(/the exchange stands/);
  return pbx;
}

function script(extensions: Extensions, transport: Transport): string {
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
listen=${transport}:${ownAddress}:${pbxPort}
${["tm", "sl", "rr", "pv", "maxfwd", "usrloc", "registrar", "textops", "siputils", "xlog", "auth"]
  .map((name) => `loadmodule "${name}.so"`)
  .join("\n")}
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
