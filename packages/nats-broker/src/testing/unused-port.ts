import { once } from 'node:events'
import { createServer } from 'node:net'

const first = 11_000
const count = 9_000
const perProcess = 24
let taken = 0

/**
 * A free port below those that the system gives away by itself, so that neither another server nor the end of a connection gets it while
 * nobody listens there. Test processes that run at the same time look at different ones.
 */
export async function unusedPort(): Promise<number> {
  for (;;) {
    const port = first + ((process.pid * perProcess + taken++) % count)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
