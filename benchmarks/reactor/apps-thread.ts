import { renameSync } from 'node:fs'
import { serveRequests, type ThreadRequest, workerData } from '@vcap/reactor/thread'
import { appsServer } from './apps-server.ts'

const app = appsServer(String(workerData))
app.post('/keep', (c) => {
  const { request } = c.env as { request: ThreadRequest }
  if (request.body === null || !('file' in request.body)) return c.text('no file', 400)
  const kept = request.body.file.replace('reactor-body-', 'kept-')
  renameSync(request.body.file, kept)
  return c.text(kept)
})
serveRequests(app.fetch)
