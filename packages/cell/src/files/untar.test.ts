import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { link, mkdir, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { Header } from 'tar'
import { eventually } from '../testing/eventually.ts'
import { packFolder, sha1OfFile } from './tarball.ts'
import { untar } from './untar.ts'

interface Entry {
  readonly path: string
  readonly type?: 'File' | 'SymbolicLink' | 'Link' | 'Directory' | 'CharacterDevice'
  readonly linkpath?: string
  readonly content?: string
}

/** A .tgz with just these entries, however unwise they are. */
function tgz(...entries: Entry[]): Buffer {
  const blocks = entries.flatMap(({ path, type = 'File', linkpath, content = '' }) => {
    const header = new Header({
      path,
      type,
      size: content.length,
      mode: 0o644,
      ...(linkpath !== undefined && { linkpath }),
    })
    const block = Buffer.alloc(512)
    header.encode(block)
    const padded = Buffer.alloc(Math.ceil(content.length / 512) * 512)
    padded.write(content)
    return [block, padded]
  })
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]))
}

describe('unpacking a droplet', () => {
  let directory: string
  let sequence = 0

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vcap-untar-'))
  })
  after(() => rm(directory, { recursive: true }))

  const unpack = async (bytes: Buffer, limits = {}) => {
    const file = join(directory, `${sequence++}.tgz`)
    const root = `${file}.d`
    await writeFile(file, bytes)
    await mkdir(root)
    await untar(file, root, { maxEntries: 100, maxSizeInBytes: 1024 ** 2, ...limits })
    return root
  }

  it('gives back what was packed: files, modes, links of both kinds, empty folders', async () => {
    const from = join(directory, 'from')
    await mkdir(join(from, 'app/empty'), { recursive: true })
    await writeFile(join(from, 'app/run.sh'), 'x', { mode: 0o755 })
    await writeFile(join(from, 'big'), Buffer.alloc(600_000, 'b'))
    await symlink('app/run.sh', join(from, 'relative'))
    await symlink('/usr/bin/python3', join(from, 'absolute'))
    await link(join(from, 'big'), join(from, 'hard'))
    const { sha1, sizeInBytes } = await packFolder(from, join(directory, 'packed.tgz'))
    assert.equal(sha1, await sha1OfFile(join(directory, 'packed.tgz')))
    const root = await unpack(await readFile(join(directory, 'packed.tgz')), { maxSizeInBytes: 10 * 1024 ** 2 })
    assert.ok(sizeInBytes > 0)
    assert.equal((await stat(join(root, 'app/run.sh'))).mode & 0o700, 0o700)
    assert.ok((await stat(join(root, 'app/empty'))).isDirectory())
    assert.equal(await readlink(join(root, 'relative')), 'app/run.sh')
    assert.equal(await readlink(join(root, 'absolute')), '/usr/bin/python3')
    assert.equal((await readFile(join(root, 'hard'))).length, 600_000)
  })

  it('takes the last of two entries of one name, and leaves out devices', async () => {
    const root = await unpack(
      tgz({ path: 'a', content: 'first' }, { path: 'null', type: 'CharacterDevice' }, { path: 'a', content: 'second' }),
    )
    assert.equal(await readFile(join(root, 'a'), 'utf8'), 'second')
    await assert.rejects(stat(join(root, 'null')), { code: 'ENOENT' })
  })

  for (const { title, entries, said } of [
    { title: 'an absolute path', entries: [{ path: '/etc/x' }], said: /absolute path/ },
    { title: 'a path that leaves the folder', entries: [{ path: 'a/../../x' }], said: /leaves its folder/ },
    {
      title: 'a link that leaves the folder',
      entries: [{ path: 'a', type: 'SymbolicLink', linkpath: '../x' }],
      said: /leads out of its folder/,
    },
    {
      title: 'a hard link to what it does not contain',
      entries: [{ path: 'a', type: 'Link', linkpath: 'etc/passwd' }],
      said: /does not contain/,
    },
    {
      title: 'a hard link that leaves the folder',
      entries: [{ path: 'a', type: 'Link', linkpath: '../../etc/passwd' }],
      said: /leaves its folder/,
    },
    {
      title: 'a file where it has a folder',
      entries: [
        { path: 'a/b', content: 'x' },
        { path: 'a', content: 'x' },
      ],
      said: /both as a file and as a folder/,
    },
    {
      title: 'a file behind a link of its own',
      entries: [
        { path: 'out', type: 'SymbolicLink', linkpath: '/tmp' },
        { path: 'out/x', content: 'x' },
      ],
      said: /both as a file and as a folder/,
    },
  ] as const) {
    it(`refuses ${title}`, async () => {
      await assert.rejects(unpack(tgz(...entries)), { name: 'ArchiveError', message: said })
    })
  }

  it('refuses too many entries, too many bytes, and what is no archive or only a part of one', async () => {
    const two = tgz({ path: 'a', content: 'x'.repeat(2000) }, { path: 'b', content: 'x'.repeat(2000) })
    await assert.rejects(unpack(two, { maxEntries: 1 }), { name: 'ArchiveError', message: /more than 1 entries/ })
    await assert.rejects(unpack(two, { maxSizeInBytes: 3000 }), { name: 'ArchiveError', message: /more than/ })
    await assert.rejects(unpack(Buffer.from('junk'.repeat(1000))), { name: 'ArchiveError' })
    await assert.rejects(unpack(two.subarray(0, two.length - 20)), { name: 'ArchiveError' })
  })

  for (const [title, sizeInBytes] of [
    ['large', 4 * 1024 ** 2],
    ['small', 250_000],
  ] as const)
    it(`leaves no file open when it is told to stop in the middle of a ${title} one`, async (t) => {
      const root = await mkdtemp(join(directory, 'stopped-'))
      const from = await mkdtemp(join(directory, 'from-'))
      // What does not compress comes in many chunks.
      await writeFile(join(from, 'file'), randomBytes(sizeInBytes))
      const file = join(directory, `${title}.tgz`)
      await packFolder(from, file)
      let isOpen = 0
      for (const [name, change] of [
        ['open', 1],
        ['close', -1],
      ] as const) {
        const original = fs[name] as (...args: unknown[]) => void
        t.mock.method(fs, name, (...args: unknown[]) => {
          isOpen += change
          original(...args)
        })
      }
      let chunks = 0
      const signal = {
        throwIfAborted() {
          if (++chunks > 1) throw new Error('told to stop')
        },
      } as AbortSignal
      await assert.rejects(untar(file, root, { maxEntries: 100, maxSizeInBytes: 1024 ** 3 }, signal), /told to stop/)
      await eventually('all files to be closed', () => isOpen === 0 || undefined)
    })
})
