import { lookup } from 'node:dns/promises'
import { access, constants, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ComponentDefinition } from '../component-definition.ts'
import type { LoadedConfig } from '../config/load.ts'
import { isLoopback } from '../config/schema.ts'
import { findRunningSystem } from '../system/running-system.ts'
import { portConflicts } from '../system/settle-ports.ts'
import { toolCheck } from './tools.ts'

export interface CheckResult {
  /** `bad` keeps vcap up from working; `note` takes something away that not everybody needs. */
  verdict: 'good' | 'note' | 'bad'
  text: string
}

export interface CheckContext {
  config: LoadedConfig
  components: readonly ComponentDefinition[]
}

interface Check {
  name: string
  check(context: CheckContext): CheckResult[] | Promise<CheckResult[]>
}

const good = (text: string): CheckResult => ({ verdict: 'good', text })
const note = (text: string): CheckResult => ({ verdict: 'note', text })
const bad = (text: string): CheckResult => ({ verdict: 'bad', text })

/** A droplet with its dependencies, staged twice, and the logs. */
const enoughDiskInMb = 2048
const littleDiskInMb = 200

/** What `vcap doctor` looks at, in order. None changes anything. */
export const checks: readonly Check[] = [
  {
    name: 'Node.js',
    check() {
      const [major = 0] = process.versions.node.split('.').map(Number)
      return [
        major >= 24
          ? good(`${process.version} at ${process.execPath}`)
          : bad(`${process.version}, where 24 is needed: start it with npm start or npx vcap, which bring their own`),
      ]
    },
  },
  {
    name: 'ports',
    async check({ config, components }) {
      const conflicts = await portConflicts(config, components)
      const running = findRunningSystem(config.dataDirectory)
      const strangers = conflicts.filter(({ port }) => !running?.ports.has(port))
      if (strangers.length > 0) return strangers.map(({ message }) => bad(message))
      const taken = conflicts.map(({ port }) => port)
      const free = Object.values(config.ports).filter((port) => !taken.includes(port))
      return [
        ...(running && taken.length > 0
          ? [good(`${taken.join(', ')} are those of the Cloud Foundry that runs here (process ${running.pid})`)]
          : []),
        ...(free.length > 0 ? [good(`${free.join(', ')} are free on ${config.host}`)] : []),
      ]
    },
  },
  {
    name: 'data directory',
    async check({ config: { dataDirectory } }) {
      const existing = await nearestExisting(dataDirectory)
      try {
        await access(existing, constants.W_OK | constants.X_OK)
        return [good(`${dataDirectory} can be written`)]
      } catch {
        return [bad(`${dataDirectory} can't be written: no right to write in ${existing}`)]
      }
    },
  },
  {
    name: 'free disk',
    async check({ config }) {
      const { bavail, bsize } = await statfs(await nearestExisting(config.dataDirectory))
      const freeInMb = Math.floor((bavail * bsize) / 1024 ** 2)
      const text = `${freeInMb} MB where the data directory is`
      if (freeInMb < littleDiskInMb) return [bad(`${text}; not even a small app can be staged`)]
      return [freeInMb < enoughDiskInMb ? note(`${text}; apps with many dependencies may not fit`) : good(text)]
    },
  },
  {
    name: 'names of apps',
    async check({ config }) {
      return await Promise.all(
        config.appsDomains.map(async (domain) => {
          const name = `hello.${domain}`
          try {
            const { address } = await lookup(name)
            return good(`${name} is ${address}`)
          } catch {
            const remedy = isLoopback(config.host)
              ? `browsers and curl know names below localhost by themselves; for other programs put "127.0.0.1 ${name}" in /etc/hosts, or send it as Host header to port ${config.ports.router}`
              : `let *.${domain} point at this machine`
            return note(`${name} does not resolve here; ${remedy}`)
          }
        }),
      )
    },
  },
  toolCheck('buildpacks', 'bash', { required: true, for: 'every buildpack' }),
  toolCheck('nodejs', 'node', { for: 'apps in Node.js, and static sites' }),
  toolCheck('nodejs', 'npm', { for: 'apps in Node.js with dependencies' }),
  toolCheck('python', 'python3', { for: 'apps in Python' }),
  toolCheck('custom buildpacks', 'git', { for: 'buildpacks that are given as a git URL' }),
  toolCheck('optional', 'cf', {
    arguments: ['version'],
    for: 'the cf command line, https://github.com/cloudfoundry/cli',
  }),
  toolCheck('optional', 'nats-server', { for: 'the key nats.url; without one the broker that comes with us does' }),
  toolCheck('optional', 'psql', { for: 'the key databaseUrl; without one SQLite does' }),
]

/** A directory that is not there yet is judged by the one it would be made in. */
async function nearestExisting(path: string): Promise<string> {
  try {
    await access(path)
    return path
  } catch {
    return dirname(path) === path ? path : await nearestExisting(dirname(path))
  }
}
