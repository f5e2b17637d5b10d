import assert from 'node:assert/strict'
import { accessSync, constants, statSync } from 'node:fs'
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFile } from '../testing/uploads.ts'
import { diskBlobstore } from './blobstore.ts'

/** A disk in memory, which nearly every Linux machine has. */
const otherDisk = '/dev/shm'
/** A move between two disks can be tried only where there are two: containers and other systems may lack this one. */
function whyNoOtherDisk(): string | false {
  try {
    accessSync(otherDisk, constants.W_OK)
    return statSync(otherDisk).dev === statSync(tmpdir()).dev && `${otherDisk} is on the disk of ${tmpdir()}`
  } catch {
    return `there is no ${otherDisk} to write to`
  }
}

async function given(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'vcap-blobs-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const store = diskBlobstore(directory)
  const read = async (key: string) => {
    const file = await store.fileOf('droplets', key)
    return file === undefined ? undefined : readFile(file, 'utf8')
  }
  return { directory, store, read, file: (content: string) => temporaryFile(t, content) }
}

test('a blob takes over its file, and is replaced and deleted', async (t) => {
  const { store, read, file } = await given(t)
  const source = await file('first')
  await store.put('droplets', 'a-guid', source)
  await assert.rejects(access(source))
  assert.equal(await read('a-guid'), 'first')
  await store.put('droplets', 'a-guid', await file('second'))
  assert.equal(await read('a-guid'), 'second')
  assert.equal(await store.fileOf('packages', 'a-guid'), undefined)
  await store.delete('droplets', 'a-guid')
  await store.delete('droplets', 'a-guid')
  assert.equal(await read('a-guid'), undefined)
})

test('a file of another disk is copied whole', { skip: whyNoOtherDisk() }, async (t) => {
  const { store, read } = await given(t)
  const shared = await mkdtemp(join(otherDisk, 'vcap-blob-'))
  t.after(() => rm(shared, { recursive: true, force: true }))
  await writeFile(join(shared, 'x'), 'from afar')
  await store.put('droplets', 'a-guid', join(shared, 'x'))
  assert.equal(await read('a-guid'), 'from afar')
  await assert.rejects(access(join(shared, 'x')))
})

test('a copy is a blob of its own, also when several make it at once', async (t) => {
  const { store, read, file } = await given(t)
  await store.put('droplets', 'source', await file('x'.repeat(200_000)))
  await Promise.all([1, 2, 3].map(() => store.copy('droplets', 'source', 'target')))
  await store.delete('droplets', 'source')
  assert.equal((await read('target'))?.length, 200_000)
  await assert.rejects(store.copy('droplets', 'nobody', 'other'))
  const keys: string[] = []
  for await (const { key } of store.list('droplets')) keys.push(key)
  assert.deepEqual(keys, ['target'])
})

test('a key that would lie elsewhere names no blob, and nothing can be kept under it', async (t) => {
  const { store, file, directory } = await given(t)
  await mkdir(join(directory, 'droplets'), { recursive: true })
  await writeFile(join(directory, 'outside'), 'x')
  for (const key of ['../outside', '..', '', '.hidden', 'a/b', 'a\0b']) {
    assert.equal(await store.fileOf('droplets', key), undefined, key)
    await assert.rejects(store.put('droplets', key, await file('x')), /not a blob key/, key)
  }
})

test('a kind without blobs has an empty list', async (t) => {
  const { store, file } = await given(t)
  const list = async () => {
    const keys: string[] = []
    for await (const { key, modifiedAt } of store.list('resources')) {
      assert.ok(Math.abs(Date.now() - modifiedAt) < 60_000)
      keys.push(key)
    }
    return keys.sort()
  }
  assert.deepEqual(await list(), [])
  for (const key of ['abcdef', 'abxxxx', 'ffffff']) await store.put('resources', key, await file(key))
  assert.deepEqual(await list(), ['abcdef', 'abxxxx', 'ffffff'])
})
