import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { BlobServer } from '../testing/blob-server.ts'
import { DropletCache } from './droplet-cache.ts'

test('a cache with room for one droplet lends many at the same time, each whole, and keeps no more than it may', async (t) => {
  const blobs = await BlobServer.open()
  t.after(() => blobs.close())
  const directory = await mkdtemp(join(tmpdir(), 'vcap-droplets-'))
  t.after(() => rm(directory, { recursive: true }))
  const cache = new DropletCache(directory, 1_500)
  await cache.open()
  const droplets = Array.from({ length: 16 }, (_, index) => {
    const content = Buffer.alloc(1_000, String(index))
    return {
      content,
      sha1: createHash('sha1').update(content).digest('hex'),
      url: blobs.put(`/droplets/${index}`, content),
    }
  })
  const { signal } = new AbortController()
  for (let round = 0; round < 4; round++)
    await Promise.all(
      [...droplets, ...droplets].map(({ sha1, url, content }) =>
        cache.lend(sha1, url, signal, async (file) => assert.deepEqual(await readFile(file), content)),
      ),
    )
  await cache.lend(droplets[0]?.sha1, droplets[0]?.url, signal, async () => undefined)
  await cache.lend(droplets[1]?.sha1, droplets[1]?.url, signal, async () => undefined)
  assert.deepEqual(await readdir(directory), [`${droplets[1]?.sha1}.tgz`])
})
