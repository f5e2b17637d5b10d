import { destination, type Logger, pino } from 'pino'
import { requestFields } from '../logs/request-context.ts'

/**
 * JSON lines on standard error, where standard output stays for what a person asked to see. Lines of a request, and of the jobs
 * that it left, have its `requestId`.
 */
export function componentLogger(): Logger {
  return pino(
    { name: 'cloud-controller', level: process.env.LOG_LEVEL ?? 'info', mixin: requestFields },
    destination({ fd: 2, sync: true }),
  )
}
