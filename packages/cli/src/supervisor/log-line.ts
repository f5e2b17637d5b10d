import { z } from 'zod'
import { parseJson } from '../parse-json.ts'

/** What pino writes. Other keys are what the line is about. */
const PinoLine = z.looseObject({
  level: z.number(),
  time: z.number(),
  msg: z.string().default(''),
  err: z.object({ message: z.string() }).optional(),
})

export const levels = { info: 30, warn: 40, error: 50 } as const

export interface LogLine {
  /** pino's number; a line that is not pino's, such as a crash report of Node.js, counts as an error. */
  level: number
  /** For people: `message key=value`. */
  text: string
}

const notWorthShowing = new Set(['level', 'time', 'msg', 'err', 'name', 'pid', 'hostname'])

/** Reads one line of a component's log; other programs' lines may begin with a brace too. */
export function parseLogLine(line: string): LogLine {
  const parsed = line.startsWith('{') ? PinoLine.safeParse(parseJson(line)) : undefined
  if (!parsed?.success) return { level: levels.error, text: line }
  const { level, msg, err } = parsed.data
  const details = Object.entries(parsed.data)
    .filter(([key]) => !notWorthShowing.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return { level, text: [msg, err && `(${err.message})`, ...details].filter(Boolean).join(' ') }
}
