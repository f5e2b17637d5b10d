import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { zip } from '../testing/archives.ts'
import { BlobServer } from '../testing/blob-server.ts'
import { BuildpackCache } from './buildpack-cache.ts'

const limits = { maxEntries: 100, maxSizeInMb: 100, maxRatio: 100 }
const mostKept = 40

test('buildpacks that are given back and borrowed again at the same time are whole, and no more are kept than may be', async (t) => {
  const blobs = await BlobServer.open()
  t.after(() => blobs.close())
  const directory = await mkdtemp(join(tmpdir(), 'vcap-buildpacks-'))
  t.after(() => rm(directory, { recursive: true }))
  const cache = new BuildpackCache(directory, limits)
  await cache.open()
  const buildpacks = await Promise.all(
    Array.from({ length: mostKept + 4 }, async (_, index) => ({
      key: `key-${index}`,
      url: blobs.put(`/buildpacks/${index}`, await zip({ name: `buildpack ${index}` })),
    })),
  )
  const { signal } = new AbortController()
  const borrowAll = () => Promise.all(buildpacks.map((buildpack) => cache.borrow(buildpack, signal)))
  let borrowed = await borrowAll()
  for (let round = 0; round < 3; round++) {
    const givenBack = borrowed.map(({ giveBack }) => giveBack())
    borrowed = await borrowAll()
    await Promise.all(givenBack)
    const names = await Promise.all(borrowed.map(({ directory: each }) => readFile(join(each, 'name'), 'utf8')))
    assert.deepEqual(
      names,
      buildpacks.map((_, index) => `buildpack ${index}`),
    )
  }
  for (const { giveBack } of borrowed) await giveBack()
  assert.equal((await readdir(directory)).length, mostKept)
})
