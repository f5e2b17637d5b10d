import type { HealthCheck } from '@vcap/protocol'

/** Where probes go. Instances run on this machine, whatever address the cell advertises. */
const probedHost = '127.0.0.1'

/** A health check with all that a start message may leave out filled in. Times in milliseconds. */
export interface Probe {
  readonly type: 'port' | 'http' | 'process'
  readonly endpoint: string
  readonly startTimeoutInMs: number
  readonly invocationTimeoutInMs: number
  readonly intervalInMs: number
}

export function probeOf(
  check: { [Key in keyof HealthCheck]?: HealthCheck[Key] | undefined } | undefined,
  defaults: { type: Probe['type']; timeoutInSeconds: number; intervalInSeconds: number },
): Probe {
  return {
    type: check?.type ?? defaults.type,
    endpoint: check?.endpoint || '/',
    startTimeoutInMs: (check?.timeout || defaults.timeoutInSeconds) * 1000,
    invocationTimeoutInMs: (check?.invocation_timeout || 1) * 1000,
    intervalInMs: (check?.interval || defaults.intervalInSeconds) * 1000,
  }
}

/**
 * Probes an instance once. Answers undefined if it is healthy, else why not, in the words of Cloud Foundry
 * (cloudfoundry/healthcheck). A `process` check is always passed: a process that has ended is noticed by itself.
 */
export async function runProbe(probe: Probe, port: number): Promise<string | undefined> {
  switch (probe.type) {
    case 'process':
      return undefined
    case 'port':
      return probeTcp(port, probe.invocationTimeoutInMs)
    case 'http':
      return probeHttp(port, probe.endpoint, probe.invocationTimeoutInMs)
    default:
      return unreachable(probe.type)
  }
}

async function probeTcp(port: number, timeoutInMs: number): Promise<string | undefined> {
  const { connect } = await import('node:net')
  const failed = (reason: string) => `Failed to make TCP connection to port ${port}: ${reason}`
  return new Promise((resolve) => {
    const socket = connect({ port, host: probedHost })
    const end = (answer: string | undefined) => {
      stopWaiting()
      socket.destroy()
      resolve(answer)
    }
    const stopWaiting = whenOver(timeoutInMs, () => end(failed(timedOut(timeoutInMs))))
    socket.once('connect', () => end(undefined))
    socket.once('error', (error) => end(failed(reasonOf(error))))
  })
}

async function probeHttp(port: number, endpoint: string, timeoutInMs: number): Promise<string | undefined> {
  const { request } = await import('node:http')
  const failed = (reason: string) => `Failed to make HTTP request to '${endpoint}' on port ${port}: ${reason}`
  const begun = performance.now()
  const probe = request({
    host: probedHost,
    port,
    path: escapedPath(endpoint),
    agent: false,
    headers: { 'user-agent': 'vcap-healthcheck' },
  })
  return new Promise((resolve) => {
    const end = (answer: string | undefined) => {
      stopWaiting()
      probe.destroy()
      resolve(answer)
    }
    const stopWaiting = whenOver(timeoutInMs, () => end(failed(timedOut(timeoutInMs))))
    probe.once('response', ({ statusCode }) => {
      const tookInMs = Math.round(performance.now() - begun)
      end(statusCode === 200 ? undefined : failed(`received status code ${statusCode} in ${tookInMs}ms`))
    })
    probe.on('error', (error) => end(failed(reasonOf(error))))
    probe.end()
  })
}

const lateInMs = 100

/**
 * Calls back when the time is over; not for a time in which the cell itself stood still or was busy, for then it could neither ask nor
 * hear the answer, and the instance gets as much again. Answers how to stop waiting.
 */
function whenOver(timeoutInMs: number, act: () => void): () => void {
  const due = performance.now() + timeoutInMs
  let stop = () => clearTimeout(timer)
  const timer = setTimeout(() => {
    if (performance.now() - due < lateInMs) act()
    else stop = whenOver(timeoutInMs, act)
  }, timeoutInMs)
  return () => stop()
}

/** A user's path may hold what a request line can't, such as blanks and umlauts. Escapes that are there already stay. */
function escapedPath(endpoint: string): string {
  return endpoint.toWellFormed().replace(/[^\x21-\x7e]+/g, encodeURIComponent)
}

function timedOut(timeoutInMs: number): string {
  return `timed out after ${(timeoutInMs / 1000).toFixed(2)} seconds`
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNREFUSED') return 'connection refused'
  if (error.code === 'ECONNRESET') return 'connection reset by peer'
  return error.message
}

/** As Go writes durations, for Cloud Foundry's messages are Go's: 60,000 is `1m0s`. */
export function goDuration(durationInMs: number): string {
  if (durationInMs < 1000) return `${Math.round(durationInMs)}ms`
  const seconds = durationInMs / 1000
  const rest = Number((seconds % 60).toFixed(3))
  if (seconds < 60) return `${rest}s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes}m${rest}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m${rest}s`
}

function unreachable(type: never): never {
  throw new Error(`unknown health check type ${type}`)
}
