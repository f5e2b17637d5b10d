import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { get, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { describe, it } from 'node:test'
import { noMemoryFigures, ReactorProcess } from './fixtures/reactor-in-process.ts'
import { startTestReactor, until } from './fixtures/start.ts'

const mebibyte = 1024 * 1024
/** What stays flat for so many stays flat for more; VCAP_TEST_BODY_MIB=1024 takes the largest that is allowed. */
const sizeInMib = Number(process.env.VCAP_TEST_BODY_MIB ?? 256)
/** Of which most is for what a first request loads. */
const flatInMib = 24

describe('streaming', () => {
  it(`takes a body of ${sizeInMib} MiB in and sends it back with flat memory`, { skip: noMemoryFigures }, async () => {
    await using server = await ReactorProcess.start()
    const uploads = {
      'of known length': { 'content-length': String(sizeInMib * mebibyte) },
      'in chunks': { 'content-type': 'multipart/form-data; boundary=x' },
    }
    await upload(server.url, 8, {})
    for (const [kind, headers] of Object.entries(uploads)) {
      const growth = await server.growthInMib(() => upload(server.url, sizeInMib, headers))
      assert.ok(growth < flatInMib, `an upload ${kind} took ${growth.toFixed(0)} MiB`)
    }
    const path = join(server.temporaryDirectory, 'download')
    await writeFile(path, '')
    await truncate(path, sizeInMib * mebibyte)
    const growth = await server.growthInMib(() => download(`${server.url}/file?path=${path}`, sizeInMib))
    assert.ok(growth < flatInMib, `a download took ${growth.toFixed(0)} MiB`)
    await rm(path)
    await until(async () => (await readdir(server.temporaryDirectory)).length === 0, 'the temporary files are deleted')
  })
})

async function upload(url: string, mib: number, headers: Record<string, string>): Promise<void> {
  const outgoing = request(`${url}/size`, { method: 'POST', headers })
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>
  await pipeline(Readable.from(Array(mib).fill(Buffer.alloc(mebibyte, 'x'))), outgoing)
  const [incoming] = await answered
  const { size } = (await json(incoming)) as { size: number }
  assert.equal(size, mib * mebibyte)
}

async function download(url: string, mib: number): Promise<void> {
  const [incoming] = (await once(get(url), 'response')) as [IncomingMessage]
  let size = 0
  for await (const part of incoming) size += part.length
  assert.equal(size, mib * mebibyte)
}

describe('temporary files', () => {
  it('of a process that was killed are deleted by the next', async () => {
    await using started = await startTestReactor()
    const of = (pid: number): string => join(started.temporaryDirectory, `reactor-body-${pid}-x`)
    // Above the highest pid that Linux gives.
    await writeFile(of(4_194_305), 'left over')
    await writeFile(of(process.ppid), 'in use')
    await writeFile(join(started.temporaryDirectory, 'other'), 'not ours')
    await using next = await startTestReactor({ http: { temporaryDirectory: started.temporaryDirectory } })
    await until(async () => (await started.temporaryFiles()).length === 1, 'the left-over is deleted')
    assert.deepEqual(await started.temporaryFiles(), [`reactor-body-${process.ppid}-x`])
    assert.equal((await fetch(`${next.url}/hello`)).status, 200)
  })

  it('are not begun when the disk is too full', async () => {
    await using started = await startTestReactor({ http: { temporarySpaceReserveInBytes: 2 ** 50 } })
    const form = new FormData()
    form.set('file', new Blob(['content']), 'a.txt')
    const response = await fetch(`${started.url}/form`, { method: 'POST', body: form })
    assert.equal(response.status, 507)
    assert.deepEqual(await started.temporaryFiles(), [])
  })
})
