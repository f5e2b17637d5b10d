import { createServer } from 'node:http'
import { FixedQueue, Piscina } from 'piscina'

/** Piscina as it would be used for a request per thread: one task a thread, ended by an AbortSignal at the deadline. */
const [, , file = '', minimum = '4'] = process.argv
const pool = new Piscina({
  filename: new URL('./piscina-thread.ts', import.meta.url).href,
  workerData: file,
  minThreads: Number(minimum),
  maxThreads: 20,
  concurrentTasksPerWorker: 1,
  idleTimeout: 2000,
  taskQueue: new FixedQueue(),
})

const server = createServer((request, response) => {
  const { method = 'GET', url: path = '/', rawHeaders } = request
  const deadline = AbortSignal.timeout(path === '/never' ? 1000 : 60_000)
  pool.run({ method, path, headers: rawHeaders.join('\n') }, { signal: deadline }).then(
    ({ status, headers, body }: { status: number; headers: Record<string, string>; body: string }) =>
      response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) }).end(body),
    () => response.writeHead(504).end(),
  )
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' && address ? address.port : 0 })
})

/** Ends with the benchmark that started it. */
process.once('disconnect', () => process.exit())
