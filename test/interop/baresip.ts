/** baresip as a phone on the desk: registers with digest, picks up by itself, and keeps what it hears as WAV. */
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Transport } from "../../firmware/sip/endpoint.ts";
import { readWav } from "../../hal/audio/wav.ts";
import { ownAddress } from "../support/own-network.ts";
import { type Program, program } from "../support/program.ts";

export interface Phone extends Program {
  /** Ends the phone; resolves with what each of its calls let it hear. */
  hangUp(): Promise<Int16Array[]>;
}

/** What baresip answers to a command at its control port; both are netstrings. */
export async function command(port: number, name: string, params?: string): Promise<string> {
  const text = JSON.stringify({ command: name, ...(params !== undefined && { params }) });
  const socket = connect(port, ownAddress);
  await once(socket, "connect");
  socket.write(`${text.length}:${text},`);
  const [answer] = await once(socket, "data");
  socket.destroy();
  return String(answer);
}

const modules = "/usr/lib/baresip/modules";

/** Over TLS it believes any certificate. `microphone`: a WAV file that it speaks without end, as a phone does that knows no floor. */
export function baresip(options: {
  readonly folder: string;
  readonly user: string;
  readonly password: string;
  readonly realm: string;
  readonly transport: Transport;
  readonly registrar: string;
  /** "opus/48000/1", "G722" or "PCMU": all that it speaks. */
  readonly codec: string;
  readonly port: number;
  readonly microphone: string;
  /** Takes commands at this port. */
  readonly control?: number;
  /** It speaks SRTP by keys in session descriptions, and nothing else; absent: it knows none. */
  readonly srtp?: true;
  /** Users whose presence it watches. Then it also publishes its own. */
  readonly watches?: readonly string[];
}): Phone {
  const { user, password, realm, transport, registrar, codec, port, microphone, control, watches, srtp } = options;
  const folder = join(options.folder, user);
  mkdirSync(folder);
  writeFileSync(
    join(folder, "config"),
    [
      `sip_listen ${ownAddress}:${port}`,
      `audio_source aufile,${microphone}`,
      "audio_player aubridge,nowhere",
      "audio_alert aubridge,nowhere",
      "ausrc_srate 48000\nauplay_srate 48000\nausrc_channels 1\nauplay_channels 1",
      "rtp_ports 30000-30999",
      `snd_path ${folder}`,
      "opus_stereo no\nopus_sprop_stereo no",
      `module_path ${modules}`,
      ...["opus", "g711", "g722", "aufile", "aubridge", "sndfile", ...(srtp ? ["srtp"] : [])].map(
        (name) => `module ${name}.so`,
      ),
      "module_tmp account.so",
      "module_app menu.so",
      ...(watches ? ["module_app contact.so", "module_app presence.so"] : []),
      ...(control ? ["module_app ctrl_tcp.so", `ctrl_tcp_listen ${ownAddress}:${control}`] : []),
      "",
    ].join("\n"),
  );
  const account = `<sip:${user}@${realm}>;auth_pass=${password};outbound="sip:${registrar};transport=${transport}"`;
  const further = `${watches ? ";pubint=60" : ""}${srtp ? ";mediaenc=srtp-mand" : ""}`;
  writeFileSync(join(folder, "accounts"), `${account};regint=60;answermode=auto;audio_codecs=${codec}${further}\n`);
  const contacts = (watches ?? []).map((other) => `<sip:${other}@${realm}>;presence=p2p\n`);
  writeFileSync(join(folder, "contacts"), contacts.join(""));
  const phone = program("baresip", ["-f", folder, "-v"], { cwd: folder });
  return {
    ...phone,
    async hangUp() {
      await phone.stop();
      const recordings = readdirSync(folder).filter((name) => name.endsWith("-dec.wav"));
      return Promise.all(recordings.sort().map((name) => readWav(join(folder, name))));
    },
  };
}
