import { connect } from 'node:net'
import type { WireFault } from './wire-faults.ts'

const deadlineInMilliseconds = 60_000
/** How long a client waits for the first and for the next bytes of an answer until it closes its side. Nothing depends on it. */
const patienceInMilliseconds = { first: 200, next: 20 } as const

/** Has the conversation and gives what was answered until the server closed the connection. Throws if it never does. */
export function converse(url: string, { pieces, ending }: WireFault): Promise<string> {
  const { port, hostname } = new URL(url)
  const socket = connect({ port: Number(port), host: hostname, noDelay: true, allowHalfOpen: true })
  const received: Buffer[] = []
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the connection stayed open after ${Buffer.concat(received).toString('latin1')}`))
    }, deadlineInMilliseconds)
    const end = (): void => void socket.end()
    let impatience: NodeJS.Timeout | undefined
    const wait = (milliseconds: number): void => {
      clearTimeout(impatience)
      impatience = setTimeout(end, milliseconds)
    }
    socket.on('data', (chunk) => {
      received.push(chunk)
      if (impatience) wait(patienceInMilliseconds.next)
    })
    // Not a fault: a server may close when it has seen enough, and what is still on its way then resets the connection.
    socket.on('error', () => socket.destroy())
    socket.on('end', end)
    socket.on('close', () => {
      clearTimeout(timer)
      clearTimeout(impatience)
      resolve(Buffer.concat(received).toString('latin1'))
    })
    const write = (index: number): void => {
      const piece = pieces[index]
      if (piece) socket.write(piece, () => setImmediate(write, index + 1))
      else if (ending === 'patient') wait(patienceInMilliseconds.first)
      else if (ending === 'hasty') end()
      else socket.destroy()
    }
    socket.on('connect', () => write(0))
  })
}

/** The status of each answer in what came back. */
export function statusesIn(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}
