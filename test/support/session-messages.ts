import { type SessionMessage, sessionReason, sessionType } from "../../firmware/floor/session-message.ts";

const session = "sip:ops@north.example";

/** Each message of a pre-established session, the Connect with all of its fields and with as few as it can have. */
export const sessionMessages: readonly SessionMessage[] = [
  {
    type: "connect",
    session,
    sessionType: sessionType.chat,
    group: session,
    audioLine: 1,
    floorLine: 2,
    caller: "sip:ålice@north.example",
  },
  { type: "connect", session, sessionType: sessionType.none, audioLine: 2, floorLine: 0 },
  { type: "disconnect", session, sessionType: sessionType.private },
  { type: "acknowledgement", session, sessionType: sessionType.private, reason: sessionReason.notAccepted },
];
