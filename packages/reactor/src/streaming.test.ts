import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { truncate, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { describe, it } from 'node:test'
import { startTestReactor, until } from './fixtures/start.ts'

const mebibyte = 1024 * 1024
const sizeInMib = 256

/** The most memory that the process had while `work` ran, beyond what it had before. */
async function growthInMib(work: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage().rss
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss)
  }, 5)
  await work()
  clearInterval(timer)
  return (peak - before) / mebibyte
}

describe('streaming', () => {
  it(`takes an upload of ${sizeInMib} MiB and sends it back with flat memory`, async () => {
    await using started = await startTestReactor()
    const chunk = Buffer.alloc(mebibyte, 'x')
    const upload = async (mib: number): Promise<void> => {
      const outgoing = request(`${started.url}/size`, { method: 'POST', headers: { 'content-length': mib * mebibyte } })
      const answered = new Promise<string>((resolve, reject) => {
        outgoing.on('error', reject)
        outgoing.on('response', (incoming) => {
          let text = ''
          incoming.on('data', (data) => {
            text += data
          })
          incoming.on('end', () => resolve(text))
        })
      })
      await pipeline(Readable.from(Array(mib).fill(chunk)), outgoing)
      assert.equal(JSON.parse(await answered).size, mib * mebibyte)
    }
    const path = join(started.temporaryDirectory, 'download')
    await writeFile(path, '')
    const download = async (mib: number): Promise<void> => {
      await truncate(path, mib * mebibyte)
      const response = await fetch(`${started.url}/file?path=${path}`)
      let size = 0
      const hash = createHash('sha1')
      for await (const part of response.body ?? []) {
        size += part.length
        hash.update(part.subarray(0, 1))
      }
      assert.equal(size, mib * mebibyte)
    }
    await upload(8)
    await download(8)
    const growth = await growthInMib(async () => {
      await upload(sizeInMib)
      await download(sizeInMib)
    })
    // Client and reactor share this process, and V8 lets 64 MiB of read buffers gather for each.
    assert.ok(growth < 160, `memory grew by ${growth.toFixed(0)} MiB`)
    await until(async () => (await started.temporaryFiles()).length === 0, 'the temporary file is deleted')
  })
})

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
