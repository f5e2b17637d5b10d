import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startTestReactor, type TestReactor, until } from './fixtures/start.ts'

describe('an answer from a file', () => {
  let started: TestReactor
  let path: string
  let url: string
  const content = 'abcdefghij'
  before(async () => {
    started = await startTestReactor()
    path = join(started.temporaryDirectory, 'answer.txt')
    await writeFile(path, content)
    url = `${started.url}/file?path=${path}`
  })
  after(() => started[Symbol.asyncDispose]())

  it('is the whole file, without the headers for the reactor', async () => {
    const response = await fetch(url)
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-length'), '10')
    assert.equal(response.headers.get('content-type'), 'application/octet-stream')
    assert.deepEqual(
      [...response.headers.keys()].filter((name) => name.startsWith('x-reactor')),
      [],
    )
    assert.equal(await response.text(), content)
    assert.ok(existsSync(path))
  })

  it('has the length and no body for HEAD', async () => {
    const response = await fetch(url, { method: 'HEAD' })
    assert.equal(response.headers.get('content-length'), '10')
    assert.equal(await response.text(), '')
  })

  for (const [range, status, body, contentRange] of [
    ['bytes=2-4', 206, 'cde', 'bytes 2-4/10'],
    ['bytes=7-', 206, 'hij', 'bytes 7-9/10'],
    ['bytes=-3', 206, 'hij', 'bytes 7-9/10'],
    ['bytes=5-100', 206, 'fghij', 'bytes 5-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=4-2', 200, content, null],
    ['bytes=0-1,3-4', 200, content, null],
    ['lines=1-2', 200, content, null],
  ] as const) {
    it(`answers Range ${range} with ${status}`, async () => {
      const response = await fetch(url, { headers: { range } })
      assert.equal(response.status, status)
      assert.equal(response.headers.get('content-range'), contentRange)
      assert.equal(await response.text(), body)
    })
  }

  it('ignores Range when If-Range names another version', async () => {
    const ask = (tag: string) => fetch(url, { headers: { range: 'bytes=0-0', 'if-range': tag } })
    assert.equal(await (await ask('"tag"')).text(), 'a')
    assert.equal(await (await ask('"old"')).text(), content)
  })

  it('of an empty file is empty', async () => {
    const empty = join(started.temporaryDirectory, 'empty')
    await writeFile(empty, '')
    const response = await fetch(`${started.url}/file?path=${empty}`)
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-length'), '0')
  })

  it('that does not exist is a fault', async () => {
    const response = await fetch(`${started.url}/file?path=/does/not/exist`)
    assert.equal(response.status, 500)
    assert.equal(((await response.json()) as { fault: string }).fault, 'failed')
  })

  it('is deleted afterwards when asked for, also for HEAD', async () => {
    for (const method of ['GET', 'HEAD']) {
      const passing = join(started.temporaryDirectory, `passing-${method}`)
      await writeFile(passing, content)
      await (await fetch(`${started.url}/file?delete&path=${passing}`, { method })).text()
      await until(() => !existsSync(passing), 'the file is deleted')
    }
  })

  it('is deleted also when the client goes away in the middle', async () => {
    const passing = join(started.temporaryDirectory, 'big')
    await writeFile(passing, Buffer.alloc(30_000_000))
    const socket = connect(started.reactor.port, '127.0.0.1')
    socket.write(`GET /file?delete&path=${passing} HTTP/1.1\r\nHost: x\r\n\r\n`)
    await new Promise((resolve) => socket.once('data', resolve))
    assert.ok(existsSync(passing))
    socket.destroy()
    await until(() => !existsSync(passing), 'the file is deleted')
    assert.equal(started.reactor.threads().request.busy, 0)
  })
})
