// main.mjs SETTINGS: serves the files of the app folder (HOME) on PORT until it is told to stop.
import { readFileSync, realpathSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { answer, sendError } from './answer.mjs'

const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const app = realpathSync(process.env.HOME)
const site = {
  ...settings,
  app,
  root: realpathSync(join(app, settings.root)),
  forcesHttps: settings.forcesHttps || /^(true|1)$/.test(process.env.FORCE_HTTPS ?? ''),
}

const server = createServer((request, response) => {
  answer(site, request, response).catch((error) => {
    // A visitor who went away in the middle of a file is no news.
    if (error.code === 'ERR_STREAM_PREMATURE_CLOSE' || error.code === 'ECONNRESET') return
    process.stderr.write(`${request.method} ${request.url}: ${error.stack}\n`)
    if (response.headersSent) response.destroy()
    else sendError(site, request, response, 500).catch(() => response.destroy())
  })
})

// Where the platform reaches the instance; every address when it does not say.
const host = process.env.CF_INSTANCE_INTERNAL_IP || '0.0.0.0'
server.listen(Number(process.env.PORT), host, () => {
  process.stdout.write(
    `Serving ${settings.root === '.' ? 'the app folder' : settings.root} on port ${server.address().port}\n`,
  )
})

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, () => {
    server.close(() => process.exit(0))
    server.closeIdleConnections()
  })
}
