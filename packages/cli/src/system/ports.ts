import { createServer } from 'node:net'

export interface PortToProbe {
  host: string
  port: number
}

/** Why nothing can listen there, or undefined if something can. */
export function whyNotBindable({ host, port }: PortToProbe): Promise<NodeJS.ErrnoException | undefined> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', (error) => resolve(error))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)))
  })
}

/**
 * A port that is free now. Chosen below the range from which systems take the ports of outgoing connections (32768 on Linux, 49152
 * elsewhere): such a connection could otherwise take it before our component listens.
 */
export async function freePort(host: string, taken: ReadonlySet<number> = new Set()): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = 20000 + Math.floor(Math.random() * 12000)
    if (taken.has(port)) continue
    const fault = await whyNotBindable({ host, port })
    if (!fault) return port
    if (fault.code !== 'EADDRINUSE' && fault.code !== 'EACCES') throw fault
  }
  throw new Error(`no free port between 20000 and 32000 on ${host}`)
}
