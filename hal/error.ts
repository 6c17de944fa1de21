/** A device's or the environment's fault: names the device and says what to do about it. */
export class DeviceError extends Error {
  readonly device: string;
  readonly code: string;

  constructor(device: string, code: string, advice: string, cause?: unknown) {
    super(`${device}: ${advice} (${code})`, { cause });
    this.name = "DeviceError";
    this.device = device;
    this.code = code;
  }
}
