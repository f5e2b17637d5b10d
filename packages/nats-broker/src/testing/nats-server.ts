import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { z } from 'zod'
import { NatsBrokerConfig } from '../config.ts'

export interface RunningNatsServer {
  readonly addresses: { readonly nats: string }
  stop(): Promise<void>
}

/** Debian puts it into a folder that is not in every user's PATH. */
const furtherFolders = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin']

/** Where the real nats-server is installed; undefined when it isn't. */
export function findNatsServer(): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''), ...furtherFolders]
  return folders.map((folder) => join(folder, 'nats-server')).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const START_TIMEOUT_IN_MS = 60_000

/**
 * Starts a real nats-server as a child process on a free port of 127.0.0.1, with the same configuration as the embedded broker's.
 * Throws with what it printed when it does not become ready. It ends with this process at the latest.
 */
export async function startNatsServer(config: z.input<typeof NatsBrokerConfig> = {}): Promise<RunningNatsServer> {
  const executable = findNatsServer()
  if (!executable) throw new Error('nats-server is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'nats-server-'))
  const file = join(folder, 'nats.conf')
  writeFileSync(file, serverConfiguration(NatsBrokerConfig.parse({ port: 0, ...config })))
  const child = spawn(executable, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  const stopped = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const stop = async () => {
    child.kill('SIGTERM')
    await stopped
    process.off('exit', kill)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    return { addresses: { nats: `nats://127.0.0.1:${await readyOn(child)}` }, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** nats-server's configuration language. Port -1 takes any free one. Source: nats-server server/opts.go. */
const serverConfiguration = (config: NatsBrokerConfig) => `
host: ${JSON.stringify(config.host)}
port: ${config.port === 0 ? -1 : config.port}
max_payload: ${config.maxPayloadInBytes}
max_control_line: ${config.maxControlLineInBytes}
max_connections: ${config.maxConnections}
max_pending: ${config.maxPendingInBytes}
write_deadline: "${config.writeDeadlineInSeconds}s"
ping_interval: "${config.pingIntervalInSeconds}s"
ping_max: ${config.maxUnansweredPings}
${
  config.user === undefined
    ? ''
    : `authorization { user: ${JSON.stringify(config.user)}, password: ${JSON.stringify(config.password)}, timeout: ${config.authTimeoutInSeconds} }`
}
`

function readyOn(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let printed = ''
    const fail = (why: string) => reject(new Error(`nats-server ${why}:\n${printed}`))
    const timer = setTimeout(() => fail('did not become ready'), START_TIMEOUT_IN_MS)
    child.once('error', (error) => fail(`could not be started (${error.message})`))
    child.once('close', (code) => fail(`ended with ${code}`))
    child.stderr?.on('data', (chunk: Buffer) => {
      printed += chunk
      const port = /Listening for client connections on \S+:(\d+)/.exec(printed)?.[1]
      if (port === undefined || !printed.includes('Server is ready')) return
      clearTimeout(timer)
      resolve(Number(port))
    })
  })
}
