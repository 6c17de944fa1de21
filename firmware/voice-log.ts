/** The voice log of one gateway, as gateway.ts joins it with the rest: what is recorded, and what a console may ask of it. */
import type { TalkgroupSettings } from "./conference/protocol.ts";
import type { Config } from "./config.ts";
import type { Log } from "./log.ts";
import {
  type Answer,
  type DiskLauncher,
  type Entry,
  openRecorder,
  type Recorder,
  type Selection,
} from "./recorder/recorder.ts";
import type { Replays } from "./recorder/replays.ts";

/** What was said, for a console. */
export interface VoiceLog {
  list(selection: Selection, most: number): Promise<Answer>;
  find(id: number): Promise<Answer>;
  /** To one user, the board's own where none is named, who must be in its talkgroup: what is recorded is for who may listen there. */
  play(entry: Entry, to: string | undefined): { readonly to: string } | { readonly trouble: string };
}

/** Undefined where the configuration has none. */
export function openVoiceLog(
  { voiceLog }: Config,
  ports: { readonly disk?: DiskLauncher; readonly log: Log; readonly onCrash: (error: Error) => void },
): Recorder | undefined {
  if (!voiceLog) return undefined;
  const { disk, log, onCrash } = ports;
  if (!disk) throw new Error("the configuration has a voice log: there is a disk for it");
  return openRecorder({ log, disk, onCrash }, voiceLog);
}

/** A talkgroup as the conference server takes it: recorded only where there is a log. */
export function recordedIn({ voiceLog }: Config, settings: TalkgroupSettings, log: Log): TalkgroupSettings {
  const { record, ...rest } = settings;
  if (!record) return rest;
  if (voiceLog) return { ...settings, ...(voiceLog.announce && { announce: true }) };
  log.warn(
    { event: "unrecorded", talkgroup: settings.name },
    "this talkgroup is to be recorded, and there is no log: give the configuration a voiceLog",
  );
  return rest;
}

/** `legIn`: the session of a user with a talkgroup. */
export function voiceLogFor(
  recorder: Pick<Recorder, "ask">,
  again: Pick<Replays, "play">,
  { panel }: Pick<Config, "panel">,
  legIn: (user: string, talkgroup: string) => string | undefined,
): VoiceLog {
  return {
    list: (selection, most) => recorder.ask({ ask: "list", selection, most }),
    find: (id) => recorder.ask({ ask: "find", id }),
    play(entry, to = panel?.account ?? "") {
      const leg = legIn(to, entry.talkgroup);
      if (leg === undefined) return { trouble: `${to || "this board"} is not in talkgroup ${entry.talkgroup} now` };
      again.play(leg, entry);
      return { to };
    },
  };
}
