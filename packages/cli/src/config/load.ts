import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { usageError } from '../user-error.ts'
import { describeIssues } from './issues.ts'
import { isMapping } from './mapping.ts'
import { type PortName, VcapConfig } from './schema.ts'
import { environmentSettings, settingValue } from './settings.ts'

/** What the command line may say over the file and the environment. */
export interface ConfigFlags {
  configFile?: string | undefined
  dataDirectory?: string | undefined
  host?: string | undefined
  /** `api=9181`, one for each port. */
  ports?: readonly string[] | undefined
}

/** A configuration with its data directory as an absolute path. */
export type LoadedConfig = VcapConfig & { dataDirectory: string }

/** The checkout's own `.vcap`, whatever the current directory is: an app's folder must not get a Cloud Foundry of its own. */
export const defaultDataDirectory = resolve(import.meta.dirname, '../../../../.vcap')

/** Reads file, environment and flags. Throws UserError (exit code 2) that names each wrong key and where it came from. */
export async function loadConfig(flags: ConfigFlags, environment: NodeJS.ProcessEnv): Promise<LoadedConfig> {
  const file = flags.configFile ?? environment.VCAP_CONFIG
  const raw = file === undefined ? {} : await readConfigFile(file)
  const sources = file === undefined ? [] : [file]
  for (const { variable, key, kind } of environmentSettings) {
    const text = environment[variable]
    if (text === undefined || text === '') continue
    setPath(raw, key, settingValue(text, kind))
    sources.push(variable)
  }
  if (flags.dataDirectory !== undefined) raw.dataDirectory = flags.dataDirectory
  if (flags.host !== undefined) raw.host = flags.host
  for (const flag of flags.ports ?? []) setPath(raw, ...portFlag(flag))

  const parsed = VcapConfig.safeParse(raw)
  if (!parsed.success) {
    const from = sources.length === 0 ? '' : ` (from ${sources.join(', ')})`
    throw usageError(`The configuration is not valid${from}:\n${describeIssues(parsed.error)}`)
  }
  return { ...parsed.data, dataDirectory: absolute(parsed.data.dataDirectory ?? defaultDataDirectory) }
}

/** Reads a YAML or JSON file that holds a mapping; an empty file is an empty mapping. */
export async function readConfigFile(file: string): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw usageError(`Can't read the configuration ${file}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
  let value: unknown
  try {
    // YAML takes 30 ms to load, and the files that `vcap up` writes for its components are JSON.
    value = file.endsWith('.json') ? JSON.parse(text) : (await import('yaml')).parse(text)
  } catch (error) {
    throw usageError(`${file} can't be parsed: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
  if (value === null || value === undefined) return {}
  if (!isMapping(value)) throw usageError(`${file} must hold a mapping of keys to values`)
  return value
}

const portNames: Record<string, PortName> = {
  api: 'api',
  router: 'router',
  uaa: 'uaa',
  'log-cache': 'logCache',
  nats: 'nats',
}

function portFlag(flag: string): [key: string, value: unknown] {
  const [name = '', number = ''] = flag.split('=')
  const key = portNames[name]
  if (!key || !/^\d+$/.test(number))
    throw usageError(`--port ${flag}: write NAME=NUMBER, where NAME is one of ${Object.keys(portNames).join(', ')}`)
  return [`ports.${key}`, Number(number)]
}

/** Sets `a.b` in a mapping. A scalar where a mapping should be is left as it is: the schema then names it. */
function setPath(target: Record<string, unknown>, path: string, value: unknown): void {
  const [key = '', ...rest] = path.split('.')
  if (rest.length === 0) {
    target[key] = value
    return
  }
  const inner = target[key] ?? {}
  if (!isMapping(inner)) return
  target[key] = inner
  setPath(inner, rest.join('.'), value)
}

function absolute(directory: string): string {
  if (directory === '~' || directory.startsWith('~/')) return join(homedir(), directory.slice(1))
  return resolve(directory)
}
