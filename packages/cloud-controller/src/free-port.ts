import { createServer } from 'node:net'

const attempts = 5

/**
 * Starts something that must know its port before it listens, on one that the system says is free. Whoever else asks for a free port in
 * between may get the same one: then it is tried with another. Throws what `start` throws.
 */
export async function onFreePort<T>(host: string, start: (port: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort(host))
    } catch (error) {
      if (!isAddressInUse(error) || attempt === attempts) throw error
    }
  }
}

const isAddressInUse = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, host, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
