import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFile, zipOf } from '../testing/uploads.ts'
import { extractEntry, InvalidZip, withZip } from './zip-archive.ts'

const content = 'a line that deflates well\n'.repeat(40_000)

test('a file of an archive is extracted with its SHA-1', async (t) => {
  const { path, sha1 } = await extractFirst(t, await zipOf({ 'a.txt': content }))
  assert.equal(await readFile(path, 'utf8'), content)
  assert.equal(sha1, createHash('sha1').update(content).digest('hex'))
})

test('a file that is longer or shorter than its archive says, or broken, is refused', async (t) => {
  const archive = await zipOf({ 'a.txt': content })
  for (const size of [content.length - 1, content.length + 1]) {
    const changed = Buffer.from(archive)
    changed.writeUInt32LE(size, changed.indexOf('PK\x01\x02') + 24)
    await assert.rejects(extractFirst(t, changed), InvalidZip, `size ${size}`)
  }
  const broken = Buffer.from(archive)
  broken.fill(0xff, 100, 200)
  await assert.rejects(extractFirst(t, broken), InvalidZip)
})

test('bytes behind the end of the compressed data hold nothing up', async (t) => {
  const archive = await zipOf({ 'a.txt': content })
  const directory = archive.indexOf('PK\x01\x02')
  const more = Buffer.alloc(300_000, 'x')
  const longer = Buffer.concat([archive.subarray(0, directory), more, archive.subarray(directory)])
  const at = directory + more.length
  longer.writeUInt32LE(longer.readUInt32LE(at + 20) + more.length, at + 20)
  const end = longer.lastIndexOf('PK\x05\x06')
  longer.writeUInt32LE(at, end + 16)
  const { path } = await extractFirst(t, longer)
  assert.equal((await readFile(path)).length, content.length)
})

async function extractFirst(t: TestContext, archive: Buffer): Promise<{ path: string; sha1: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'vcap-zip-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return withZip(await temporaryFile(t, archive), async (zip, [entry]) => {
    assert.ok(entry)
    return extractEntry(zip, entry, directory)
  })
}
