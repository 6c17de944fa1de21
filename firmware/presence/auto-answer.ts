/** Three ways to ask a phone to pick up by itself; each maker reads another one (RFC 5373, and two that came before). */
export const autoAnswer = [
  ["answer-mode", "Auto"],
  ["call-info", "<sip:roger.invalid>;answer-after=0"],
  ["alert-info", "<http://roger.invalid>;info=alert-autoanswer;delay=0"],
] as const;
