import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { dataDirectoryAt } from '../data-directory/data-directory.ts'
import { readOwner } from '../data-directory/lock.ts'
import { parseJson } from '../parse-json.ts'
import { isAlive } from './process-identity.ts'

/** A `vcap up` that works on a data directory now. */
export interface RunningSystem {
  pid: number
  apiUrl: string
  /** Those that its components were told to listen on. */
  ports: ReadonlySet<number>
}

const ComponentConfig = z.object({ port: z.number() })

/** The system that runs on a data directory, or undefined. Changes nothing there. */
export function findRunningSystem(dataDirectory: string): RunningSystem | undefined {
  const directory = dataDirectoryAt(dataDirectory)
  const owner = readOwner(directory)
  if (!owner || !isAlive(owner)) return undefined
  const files = readdirSync(directory.run).filter((name) => name.endsWith('.json'))
  const ports = files.flatMap((name) => {
    const config = ComponentConfig.safeParse(parseJson(readFileSync(join(directory.run, name), 'utf8')))
    return config.success ? [config.data.port] : []
  })
  return { pid: owner.pid, apiUrl: owner.apiUrl, ports: new Set(ports) }
}
