import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const LogLine = z.looseObject({ level: z.number(), msg: z.string().optional() })

/** pino's number for `error`. */
const errorLevel = 50

/** Every line that the components of a system logged as an error, led by the component's name. */
export function loggedErrors(dataDirectory: string): string[] {
  const logs = join(dataDirectory, 'logs')
  return readdirSync(logs).flatMap((file) =>
    readFileSync(join(logs, file), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{') && (LogLine.safeParse(JSON.parse(line)).data?.level ?? 0) >= errorLevel)
      .map((line) => `${file.replace(/\.log$/, '')}: ${line}`),
  )
}
