import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { pino } from 'pino'
import { diskBlobstore } from '../../packages/cloud-controller/src/blobstore/blobstore.ts'
import type { Bus } from '../../packages/cloud-controller/src/bus/bus.ts'
import type { Settings } from '../../packages/cloud-controller/src/config.ts'
import { openDatabase } from '../../packages/cloud-controller/src/db/database.ts'
import { uaaUserDirectory } from '../../packages/cloud-controller/src/uaa/user-directory.ts'
import { benchApp } from './bench-app.ts'

/** The server to compare with: the Cloud Controller's handlers on one thread, as most Node.js servers run. */
const settings = JSON.parse(process.argv[2] ?? '') as Settings
const bus: Bus = {
  scheduleSync: ((name: string) => {
    throw new Error(`${name}: there is no reactor here`)
  }) as Bus['scheduleSync'],
  schedule: () => undefined,
}
const app = benchApp({
  db: await openDatabase(settings.databaseUrl),
  settings,
  bus,
  blobstore: diskBlobstore(join(settings.dataDirectory, 'blobs')),
  userDirectory: uaaUserDirectory({ url: settings.uaa.url, clientId: '', clientSecret: '' }),
  logger: pino({ level: 'silent' }),
})
serve({ fetch: (request) => app.fetch(request), port: 0, hostname: '127.0.0.1' }, ({ port }) =>
  process.send?.({ port }),
)

process.once('disconnect', () => process.exit())
