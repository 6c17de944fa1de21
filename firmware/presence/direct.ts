/** The service of direct calls: who subscribes to it has a session at hand that private and ad hoc calls are brought by. No talkgroup has its name. */
export const direct = "direct";
