import { destination, type Logger, pino } from 'pino'

/** JSON lines on standard error, where standard output stays for what a person asked to see. */
export function componentLogger(): Logger {
  return pino({ name: 'cloud-controller', level: process.env.LOG_LEVEL ?? 'info' }, destination({ fd: 2, sync: true }))
}
