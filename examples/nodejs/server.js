import { createServer } from 'node:http'
import { page } from './page.js'

const application = JSON.parse(process.env.VCAP_APPLICATION ?? '{}')
const startedAt = Date.now()
let requests = 0
let isStopping = false

/** What the page shows. Chosen one by one: the environment as a whole may hold credentials. */
function facts() {
  return {
    app: application.application_name ?? 'hello',
    greeting: process.env.GREETING ?? 'Hello',
    instanceIndex: Number(process.env.CF_INSTANCE_INDEX ?? 0),
    instanceGuid: process.env.CF_INSTANCE_GUID ?? 'local',
    urls: application.application_uris ?? [],
    space: application.space_name ?? null,
    organization: application.organization_name ?? null,
    memoryLimit: process.env.MEMORY_LIMIT ?? null,
    memoryInMb: Math.round(process.memoryUsage.rss() / 1024 / 1024),
    uptimeInSeconds: Math.round((Date.now() - startedAt) / 1000),
    requests,
    nodeVersion: process.version,
  }
}

const routes = {
  '/': (response) => send(response, 200, 'text/html', page(facts())),
  '/env': (response) => send(response, 200, 'application/json', `${JSON.stringify(facts(), null, 2)}\n`),
  '/health': (response) => send(response, isStopping ? 503 : 200, 'text/plain', isStopping ? 'stopping\n' : 'ok\n'),
  '/log': (response, url) => {
    // One request, one line: control characters could fake others.
    const line = (url.searchParams.get('line') ?? 'Hello, log').replace(/\p{Cc}/gu, ' ').slice(0, 1000)
    console.log(line)
    send(response, 200, 'text/plain', `logged: ${line}\n`)
  },
  '/crash': (response) => {
    console.error('Someone asked for /crash, so this instance ends')
    response.on('finish', () => process.exit(1))
    send(response, 200, 'text/plain', 'Goodbye.\n')
  },
}

function send(response, status, type, body) {
  response.writeHead(status, { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store' }).end(body)
}

const server = createServer((request, response) => {
  requests += 1
  const url = new URL(request.url, 'http://localhost')
  const route = Object.hasOwn(routes, url.pathname) ? routes[url.pathname] : undefined
  if (route) route(response, url)
  else send(response, 404, 'text/plain', 'There is nothing here.\n')
})

// The platform says where it reaches the instance; without one, `node server.js` answers on this machine alone.
const port = Number(process.env.PORT ?? 3000)
server.listen(port, process.env.CF_INSTANCE_INTERNAL_IP ?? (process.env.PORT ? '0.0.0.0' : '127.0.0.1'), () => {
  console.log(`Listening on port ${server.address().port}`)
})

process.on('SIGTERM', () => {
  isStopping = true
  console.log('Told to stop: finishing what is in flight')
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
