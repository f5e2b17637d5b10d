import { serve } from '@hono/node-server'
import { appsServer } from './apps-server.ts'

/** The server to compare with: the same handlers on one thread, as most Node.js servers run. */
serve({ fetch: appsServer(process.argv[2] ?? '').fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
  process.send?.({ port }),
)

/** Ends with the benchmark that started it. */
process.once('disconnect', () => process.exit())
