import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { test } from 'node:test'
import { onFreePort } from './free-port.ts'

const host = '127.0.0.1'

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, host)
  await once(server, 'listening')
  return server
}

test('a port that somebody else took meanwhile is left to them, and another is taken', async (t) => {
  const tried: number[] = []
  const server = await onFreePort(host, async (port) => {
    tried.push(port)
    if (tried.length === 1) {
      const other = await listen(port)
      t.after(() => other.close())
    }
    return listen(port)
  })
  t.after(() => server.close())
  const address = server.address()
  assert.equal(typeof address === 'object' && address?.port, tried.at(-1))
  assert.ok(tried.length > 1)
})

test('whoever never gets a port is told so, and any other error at once', async () => {
  let tried = 0
  const fail = (error: Error) => () => {
    tried += 1
    return Promise.reject(error)
  }
  await assert.rejects(onFreePort(host, fail(Object.assign(new Error('taken'), { code: 'EADDRINUSE' }))), /taken/)
  assert.equal(tried, 5)
  await assert.rejects(onFreePort(host, fail(new Error('no database'))), /no database/)
  assert.equal(tried, 6)
})
