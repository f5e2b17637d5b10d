import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { startTestReactor, type TestReactor, until } from './fixtures/start.ts'

/** Sends raw bytes on a connection of its own and gives everything that came back when the server closed it or `isDone` says so. */
async function raw(port: number, text: string, isDone: (received: string) => boolean = () => false): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no end of the answer, only: ${received}`)), 60_000)
    const finish = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(received)
    }
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1')
      if (isDone(received)) finish()
    })
    socket.on('end', finish)
    socket.on('error', reject)
    socket.write(text)
  })
}

function statuses(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1]))
}

describe('a request', () => {
  let started: TestReactor
  before(async () => {
    started = await startTestReactor({
      http: {
        bodyInMemoryLimitInBytes: 1000,
        bodyLimitInBytes: 100_000,
        headerLimitInBytes: 8192,
        staticAnswer: ({ path }) => (path === '/static' ? { status: 200, headers: {}, body: 'static' } : undefined),
        requestId: (headers) => String(headers['x-request-id'] ?? 'none'),
      },
      requestThreads: { workerData: { answer: 42 } },
    })
  })
  after(() => started[Symbol.asyncDispose]())

  it('is served by a thread, with its id and the application data of the pool', async () => {
    const response = await fetch(`${started.url}/id`, { headers: { 'x-request-id': 'abc' } })
    const body = (await response.json()) as Record<string, unknown>
    assert.deepEqual(
      { ...body, threadId: 0 },
      { threadId: 0, requestId: 'abc', task: { requestId: 'abc', what: 'GET /id' }, workerData: { answer: 42 } },
    )
    assert.notEqual(body.threadId, 0)
  })

  it('is answered without a thread when staticAnswer knows the answer', async () => {
    assert.equal(await (await fetch(`${started.url}/static`)).text(), 'static')
  })

  for (const [size, kind] of [
    [0, 'none'],
    [1000, 'memory'],
    [1001, 'file'],
  ] as const) {
    it(`of ${size} bytes reaches the thread whole (${kind})`, async () => {
      const text = 'ü'.repeat(size / 2) + (size % 2 ? 'x' : '')
      const response = await fetch(`${started.url}/echo?a=1`, {
        method: 'POST',
        body: size === 0 ? null : text,
        headers: { 'content-type': 'text/x' },
      })
      assert.deepEqual(await response.json(), {
        method: 'POST',
        url: `${started.url}/echo?a=1`,
        text,
        contentType: 'text/x',
        bodyKind: kind,
      })
      await until(async () => (await started.temporaryFiles()).length === 0, 'the temporary file is deleted')
    })
  }

  it('in chunks of unknown length goes to a file once it is long', async () => {
    const chunks = async function* () {
      for (let i = 0; i < 20; i++) yield Buffer.alloc(100, 97)
    }
    const init = { method: 'POST', body: ReadableStream.from(chunks()), duplex: 'half' as const }
    const body = (await (await fetch(`${started.url}/echo`, init)).json()) as Record<string, unknown>
    assert.equal(body.text, 'a'.repeat(2000))
    assert.equal(body.bodyKind, 'file')
  })

  it('with a multipart body is a file however short, and its form can be read in the thread', async () => {
    const form = new FormData()
    form.set('name', 'ada')
    form.set('file', new Blob(['content']), 'a.txt')
    const response = await fetch(`${started.url}/form`, { method: 'POST', body: form })
    assert.deepEqual(await response.json(), { name: 'ada', file: 'content' })
    await until(async () => (await started.temporaryFiles()).length === 0, 'the temporary file is deleted')
  })

  it('with a body over the limit is refused by its declared length', async () => {
    const response = await fetch(`${started.url}/echo`, { method: 'POST', body: 'x'.repeat(100_001) })
    assert.equal(response.status, 413)
    assert.equal(((await response.json()) as { fault: string }).fault, 'body-too-large')
  })

  it('in chunks over the limit is refused when it gets there, and leaves no file', async () => {
    const chunk = `2710\r\n${'x'.repeat(10_000)}\r\n`
    const head = 'POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n'
    const received = await raw(started.reactor.port, head + chunk.repeat(11))
    assert.deepEqual(statuses(received), [413])
    assert.deepEqual(await started.temporaryFiles(), [])
  })

  it('with too long headers is answered 431', async () => {
    const received = await raw(started.reactor.port, `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(9000)}\r\n\r\n`)
    assert.deepEqual(statuses(received), [431])
    assert.match(received, /"fault":"headers-too-large"/)
  })

  it('that is no HTTP is answered 400', async () => {
    assert.deepEqual(statuses(await raw(started.reactor.port, 'SOMETHING else\r\n\r\n')), [400])
  })

  it('with a Host that can not be one is answered 400', async () => {
    const received = await raw(started.reactor.port, 'GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n', (r) => r.includes('}'))
    assert.deepEqual(statuses(received), [400])
  })

  it('to a path of an absolute form keeps its URL', async () => {
    const received = await raw(started.reactor.port, 'GET http://example.com/echo HTTP/1.1\r\nHost: x\r\n\r\n', (r) =>
      r.includes('}'),
    )
    assert.match(received, /"url":"http:\/\/example\.com\/echo"/)
  })

  it('that expects 100-continue is told to go on, or refused before it sends', async () => {
    const head = (length: number): string =>
      `POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`
    const socket = connect(started.reactor.port, '127.0.0.1')
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.write(head(5))
    await until(() => statuses(received).includes(100), '100 Continue')
    socket.write('hello')
    await until(() => received.includes('"text":"hello"'), 'the answer')
    socket.destroy()
    const refused = await raw(started.reactor.port, head(1_000_000))
    assert.deepEqual(statuses(refused), [413])
  })

  it('that expects anything else is answered 417', async () => {
    const text = 'GET /hello HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n'
    assert.deepEqual(statuses(await raw(started.reactor.port, text, (r) => r.includes('}'))), [417])
  })

  it('pipelined after others is answered in order, and begun only when they are done', async () => {
    const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
    const text = get('/sleep?ms=80') + get('/hello') + get('/nope') + get('/static')
    const received = await raw(started.reactor.port, text, (r) => r.includes('static'))
    assert.deepEqual(statuses(received), [200, 200, 404, 200])
    assert.ok(received.indexOf('threadId') < received.indexOf('hello'))
  })

  it('on a connection that is kept alive is served as the first was', async () => {
    const get = 'GET /hello HTTP/1.1\r\nHost: x\r\n\r\n'
    const socket = connect(started.reactor.port, '127.0.0.1')
    let received = ''
    socket.on('data', (chunk) => {
      received += chunk
    })
    for (let i = 1; i <= 3; i++) {
      socket.write(get)
      await until(() => statuses(received).length === i && received.endsWith('hello'), `answer ${i}`)
    }
    socket.destroy()
  })

  it('by HEAD gets the headers of GET and no body', async () => {
    const received = await raw(started.reactor.port, 'HEAD /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
    assert.match(received, /content-length: 5\r\n/i)
    assert.ok(received.endsWith('\r\n\r\n'))
  })

  it('may be answered with a status without body, and with a header that comes twice', async () => {
    const response = await fetch(`${started.url}/status?s=204`)
    assert.equal(response.status, 204)
    assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2'])
  })

  for (const [path, length] of [
    ['/stream?kib=3', 3 * 1024],
    ['/stream?kib=2000', 2000 * 1024],
    ['/bytes?n=100000', 100_000],
    ['/large?n=30000', 60_000],
  ] as const) {
    it(`may be answered with ${path}, ${length} bytes`, async () => {
      const response = await fetch(started.url + path)
      assert.equal(response.headers.get('content-length'), String(length))
      assert.equal((await response.arrayBuffer()).byteLength, length)
      await until(async () => (await started.temporaryFiles()).length === 0, 'the temporary file is deleted')
    })
  }

  it('whose client goes away in the middle of an upload leaves no file and no busy thread', async () => {
    const socket = connect(started.reactor.port, '127.0.0.1')
    socket.write(`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\n${'x'.repeat(50_000)}`)
    await until(async () => (await started.temporaryFiles()).length === 1, 'the temporary file is there')
    socket.destroy()
    await until(async () => (await started.temporaryFiles()).length === 0, 'the temporary file is deleted')
    assert.equal(started.reactor.threads().request.busy, 0)
  })

  it('whose client goes away while it waits for a thread is never begun', async () => {
    await using one = await startTestReactor({ requestThreads: { minimum: 1, maximum: 1 } })
    const slow = fetch(`${one.url}/gate`)
    await until(() => one.reactor.threads().request.blocked === 1, 'the thread is busy')
    const leaving = httpRequest(`${one.url}/schedule`)
    leaving.on('error', () => undefined)
    leaving.end()
    await until(() => one.reactor.threads().request.queued === 1, 'the request is queued')
    leaving.destroy()
    await until(() => one.reactor.threads().request.queued === 0, 'the request is taken back')
    one.gate.resolve()
    assert.equal((await slow).status, 200)
    assert.equal((await fetch(`${one.url}/hello`)).status, 200)
    assert.deepEqual(one.notes, ['waiting'])
  })
})

describe('slow clients', () => {
  it('hold no thread while they send', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 1 },
      http: { bodyIdleTimeoutInSeconds: 0.3 },
    })
    const slow: Socket[] = []
    for (let i = 0; i < 20; i++) {
      const socket = connect(started.reactor.port, '127.0.0.1')
      socket.write('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhal')
      slow.push(socket)
    }
    assert.equal((await fetch(`${started.url}/hello`)).status, 200)
    await until(() => started.reactor.threads().request.busy === 0, 'no thread is busy')
    let received = ''
    slow[0]?.on('data', (chunk) => {
      received += chunk
    })
    await until(() => statuses(received).includes(408), 'the slow sender is given up')
    for (const socket of slow) socket.destroy()
  })

  it('hold no thread while they read, and lose their connection when they stop', async () => {
    await using started = await startTestReactor({
      requestThreads: { minimum: 1, maximum: 1 },
      http: { answerIdleTimeoutInSeconds: 0.3 },
    })
    const socket = connect(started.reactor.port, '127.0.0.1')
    socket.pause()
    socket.write('GET /bytes?n=50000000 HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => started.notes.includes('bytes'), 'a thread has the request')
    await until(() => started.reactor.threads().request.idle === 1, 'the thread is free again')
    assert.equal((await fetch(`${started.url}/hello`)).status, 200)
    let isClosed = false
    socket.on('error', () => undefined).on('close', () => (isClosed = true))
    // Who reads nothing learns of the end by writing. Between two requests a line end means nothing, and it comes later than the limit.
    await until(async () => {
      await new Promise((resolve) => setTimeout(resolve, 600))
      if (!isClosed) socket.write('\r\n')
      return isClosed
    }, 'the connection is closed')
  })
})
