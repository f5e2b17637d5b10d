import { createServer } from 'node:http'
import { quotes } from './quotes.js'

const index = Number(process.env.CF_INSTANCE_INDEX ?? 0)

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost')
  if (pathname === '/health') response.end('ok\n')
  else if (pathname === '/') {
    const quote = quotes[Math.floor(Math.random() * quotes.length)]
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      // The page comes from another host name than its quotes.
      'Access-Control-Allow-Origin': process.env.ALLOWED_ORIGIN ?? 'null',
    })
    response.end(`${JSON.stringify({ ...quote, instance: index })}\n`)
  } else response.writeHead(404, { 'Content-Type': 'text/plain' }).end('There is nothing here.\n')
})

const port = Number(process.env.PORT ?? 3001)
server.listen(port, process.env.CF_INSTANCE_INTERNAL_IP ?? (process.env.PORT ? '0.0.0.0' : '127.0.0.1'), () => {
  console.log(`Quotes are on port ${server.address().port}`)
})
process.on('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
