import type { Bus } from '../bus/bus.ts'

/** Puts a line into the app's log, as source "API". Only after the commit of what it tells. */
export function emitAppLog(bus: Bus, appGuid: string, text: string): void {
  bus.schedule('logs.emit', [
    {
      timestamp: String(BigInt(Date.now()) * 1_000_000n),
      source_id: appGuid,
      instance_id: '0',
      tags: { source_type: 'API', origin: 'cloud_controller' },
      log: { payload: Buffer.from(text).toString('base64'), type: 'OUT' },
    },
  ])
}
