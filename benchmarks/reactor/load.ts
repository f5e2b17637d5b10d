import { connect, type Socket } from 'node:net'

export interface LoadResult {
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly failed: number
}

/**
 * Clients that each keep one connection and send the next request when the answer is there. Raw sockets: the generator must cost little, as it
 * shares the cores with what it measures.
 */
export async function load(
  port: number,
  path: string,
  clients: number,
  seconds: number,
  token: (client: number) => string = (client) => `client-${client}`,
): Promise<LoadResult> {
  const latencies: number[] = []
  let failed = 0
  const end = performance.now() + seconds * 1000
  const request = `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: bearer `
  await Promise.all(
    Array.from({ length: clients }, async (_, i) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      await new Promise((resolve) => socket.once('connect', resolve))
      while (performance.now() < end) {
        const begin = performance.now()
        const status = await exchange(socket, `${request}${token(i)}\r\n\r\n`)
        latencies.push(performance.now() - begin)
        if (status !== 200) failed++
      }
      socket.destroy()
    }),
  )
  latencies.sort((a, b) => a - b)
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
  return { perSecond: latencies.length / seconds, p50: at(0.5), p99: at(0.99), max: at(1), failed }
}

function exchange(socket: Socket, request: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let received = 0
    let expected = -1
    let status = 0
    const onData = (chunk: Buffer): void => {
      if (expected < 0) {
        // Heads are short and come in one piece on loopback.
        const head = chunk.toString('latin1', 0, Math.min(chunk.length, 2048))
        status = Number(head.slice(9, 12))
        expected = head.indexOf('\r\n\r\n') + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      }
      received += chunk.length
      if (received < expected) return
      socket.off('data', onData)
      socket.off('error', reject)
      resolve(status)
    }
    socket.on('data', onData)
    socket.on('error', reject)
    socket.write(request)
  })
}
