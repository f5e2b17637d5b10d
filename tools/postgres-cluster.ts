import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

export interface PostgresCluster {
  /** Of the database `postgres`, as a superuser. */
  readonly url: string
  /** Ends the server and deletes its files. */
  stop(): Promise<void>
}

const superuser = 'vcap'
const readyWithinInMilliseconds = 120_000
/** Everything that makes data safe is off; there are many short sessions and databases. */
const settings = {
  listen_addresses: '',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_connections: '200',
  shared_buffers: '64MB',
  autovacuum: 'off',
  jit: 'off',
  log_min_messages: 'log',
} as const

/** Where the programs of a PostgreSQL server are: on the PATH, else the newest of Debian's. Undefined: there are none. */
export function postgresPrograms(): string | undefined {
  const onPath = (process.env.PATH ?? '').split(delimiter).find((directory) => existsSync(join(directory, 'initdb')))
  if (onPath) return onPath
  const debians = globSync('/usr/lib/postgresql/*/bin').filter((directory) => existsSync(join(directory, 'initdb')))
  return debians.sort((a, b) => versionIn(b) - versionIn(a))[0]
}

const versionIn = (directory: string): number => Number(/\d+/.exec(directory)?.[0] ?? 0)

/**
 * Starts a PostgreSQL server of its own that is to be thrown away: files in a temporary directory, reached by a Unix socket in
 * it alone. PostgreSQL refuses to run as root, so root runs it as `postgres` or `nobody`. Throws what initdb or the server said.
 */
export async function startPostgresCluster(programs: string): Promise<PostgresCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'vcap-postgres-'))
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined
  if (user) await chown(directory, user.uid, user.gid)
  const data = join(directory, 'data')
  try {
    // A default collation that is not the one our columns ask for, so that a column that forgets to ask is found.
    const initdb = spawnSync(
      join(programs, 'initdb'),
      `-D ${data} -U ${superuser} -A trust -E UTF8 --locale-provider=icu --icu-locale=en-US --no-sync --no-instructions`.split(
        ' ',
      ),
      { ...user, cwd: directory, encoding: 'utf8' },
    )
    if (initdb.status !== 0) throw new Error(`initdb failed: ${initdb.error ?? initdb.stderr}`)
    const options = Object.entries({ ...settings, unix_socket_directories: directory }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ])
    const server = spawn(join(programs, 'postgres'), ['-D', data, ...options], {
      ...user,
      cwd: directory,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    await ready(server)
    return {
      url: `postgres://${superuser}@localhost/postgres?host=${encodeURIComponent(directory)}`,
      async stop() {
        const ended = new Promise((resolve) => server.once('exit', resolve))
        // Immediate shutdown: nothing is to be kept.
        if (server.exitCode === null && server.kill('SIGQUIT')) await ended
        await rm(directory, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(directory, { recursive: true, force: true })
    throw error
  }
}

function unprivilegedUser(): { uid: number; gid: number } {
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  for (const wanted of ['postgres', 'nobody']) {
    const account = accounts.find(([name]) => name === wanted)
    if (account) return { uid: Number(account[2]), gid: Number(account[3]) }
  }
  throw new Error('there is no user `postgres` or `nobody` to run PostgreSQL as')
}

/** PostgreSQL says so in its log. */
function ready(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = ''
    const fail = (why: string): void => {
      server.kill('SIGQUIT')
      reject(new Error(`PostgreSQL ${why}:\n${log}`))
    }
    const timer = setTimeout(() => fail('was not ready in time'), readyWithinInMilliseconds)
    const onExit = (): void => fail('ended while starting')
    server.once('exit', onExit)
    server.once('error', onExit)
    server.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text
      if (!log.includes('ready to accept connections')) return
      clearTimeout(timer)
      server.off('exit', onExit)
      server.stderr?.removeAllListeners('data').resume()
      resolve()
    })
  })
}
