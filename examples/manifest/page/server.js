import { createServer } from 'node:http'

const settings = {
  quotesUrl: process.env.QUOTES_URL ?? 'http://localhost:3001',
  refreshInSeconds: Number(process.env.REFRESH_IN_SECONDS ?? 10),
}

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Quotes</title>
<style>
  :root { color-scheme: light dark }
  body { margin: 0; min-height: 100vh; display: grid; place-content: center; font: 20px/1.5 Georgia, serif;
    background: linear-gradient(200deg, #fdf0d5, #e8dff5); color: #2b2140 }
  figure { max-width: 34rem; margin: 2rem; transition: opacity .4s }
  blockquote { margin: 0; font-size: 2rem; line-height: 1.25 }
  figcaption { margin-top: 1rem; opacity: .7 } small { display: block; margin-top: 2rem; font: 13px system-ui, sans-serif; opacity: .6 }
  @media (prefers-color-scheme: dark) { body { background: linear-gradient(200deg, #2b2140, #15202b); color: #f3ead7 } }
</style>
<figure aria-live="polite"><blockquote>…</blockquote><figcaption></figcaption><small></small></figure>
<script>
  const settings = ${JSON.stringify(settings).replaceAll('<', '\\u003c')}
  const show = (selector, text) => { document.querySelector(selector).textContent = text }
  async function next() {
    try {
      const { text, by, instance } = await (await fetch(settings.quotesUrl)).json()
      show('blockquote', text)
      show('figcaption', by)
      show('small', 'from instance ' + instance + ' of ' + settings.quotesUrl)
    } catch (error) {
      show('small', settings.quotesUrl + ' does not answer: ' + error.message)
    }
  }
  next()
  setInterval(next, settings.refreshInSeconds * 1000)
</script>
</html>
`

const server = createServer((_request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(page)
})

const port = Number(process.env.PORT ?? 3000)
server.listen(port, process.env.CF_INSTANCE_INTERNAL_IP ?? (process.env.PORT ? '0.0.0.0' : '127.0.0.1'), () => {
  console.log(`The page is on port ${server.address().port}`)
})
process.on('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
