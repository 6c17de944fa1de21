/** Linphone as a phone: registers with digest, looks at the gateway's certificate, picks up by itself, keeps what it hears as WAV. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Transport } from "../../firmware/sip/endpoint.ts";
import { type Program, program } from "../support/program.ts";

export interface Linphone extends Program {
  /** What its call lets it hear; whole once the phone has ended. */
  readonly recording: string;
  /** What it logs, line by line. */
  readonly log: string;
}

/** `authorities`: PEM, whom it believes over TLS. */
export function linphone(options: {
  readonly folder: string;
  readonly user: string;
  readonly password: string;
  readonly realm: string;
  readonly transport: Transport;
  readonly registrar: string;
  readonly authorities: string;
  readonly port: number;
  /** It speaks SRTP and nothing else. */
  readonly srtp?: boolean;
  /** Users whose presence it watches. */
  readonly watches?: readonly string[];
}): Linphone {
  const { user, password, realm, transport, registrar, port, srtp = false, watches = [] } = options;
  const folder = join(options.folder, user);
  mkdirSync(join(folder, ".local/share/linphone"), { recursive: true });
  const at = (name: string): string => join(folder, name);
  const [authorities, config, log, recording] = [at("authorities.pem"), at("linphonerc"), at("log"), at("heard.wav")];
  writeFileSync(authorities, options.authorities);
  const portOf = (each: Transport): number => (each === transport ? port : 0);
  writeFileSync(
    config,
    [
      "[sip]",
      "verify_server_certs=1",
      // Its TLS library finds no numeric hosts in a certificate.
      "verify_server_cn=0",
      `root_ca=${authorities}`,
      `sip_port=${portOf("udp")}\nsip_tcp_port=${portOf("tcp")}\nsip_tls_port=${portOf("tls")}`,
      `default_proxy=0\nmedia_encryption=${srtp ? "srtp\nmedia_encryption_mandatory=1" : "none"}`,
      "[rtp]",
      "audio_rtp_port=30000",
      "[auth_info_0]",
      `username=${user}\nuserid=${user}\npasswd=${password}\nrealm=${realm}`,
      "[proxy_0]",
      // Calls and subscriptions go there too, for nobody resolves the realm.
      `reg_proxy=<sip:${registrar};transport=${transport}>\nreg_route=<sip:${registrar};transport=${transport};lr>`,
      `reg_identity=sip:${user}@${realm}`,
      `reg_expires=60\nreg_sendregister=1\npublish=${watches.length > 0 ? 1 : 0}`,
      ...watches.map((friend, index) => `[friend_${index}]\nurl=<sip:${friend}@${realm}>\npol=accept\nsubscribe=1`),
      "",
    ].join("\n"),
  );
  const phone = program("linphonec", ["-c", config, "-a", "-d", "6", "-l", log], {
    cwd: folder,
    env: { HOME: folder },
    spokenTo: true,
  });
  phone.say("soundcard use files");
  phone.say(`record ${recording}`);
  return { ...phone, recording, log };
}
