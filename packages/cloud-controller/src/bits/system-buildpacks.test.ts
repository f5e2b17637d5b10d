import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { testController } from '../testing/test-controller.ts'
import { installSystemBuildpacks } from './system-buildpacks.ts'
import { modeOf, withZip } from './zip-archive.ts'

async function given(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'vcap-buildpacks-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  const controller = await testController(t, { buildpacksDirectory: directory })
  const { db, services, settings } = controller
  const write = async (path: string, content: string, mode = 0o644) => {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), content)
    await chmod(join(directory, path), mode)
  }
  const manifest = (entries: unknown) => write('manifest.json', JSON.stringify(entries))
  await manifest([
    { name: 'nodejs', directory: 'node', stack: 'cflinuxfs4' },
    { name: 'binary', directory: 'binary' },
  ])
  await write('node/bin/detect', '#!/bin/sh', 0o755)
  await write('node/lib/deep/x.js', 'x')
  await write('binary/bin/detect', '#!/bin/sh', 0o755)
  return {
    controller,
    write,
    manifest,
    install: () => installSystemBuildpacks(db, services.blobstore, settings),
    rows: () =>
      db
        .selectFrom('buildpacks')
        .select(['name', 'stack', 'position', 'enabled', 'filename', 'sha256'])
        .orderBy('position')
        .execute(),
  }
}

test('system buildpacks are installed in their order, as archives with modes', async (t) => {
  const { controller, install, rows } = await given(t)
  await install()
  const installed = await rows()
  assert.deepEqual(
    installed.map(({ sha256: _, ...row }) => row),
    [
      { name: 'nodejs', stack: 'cflinuxfs4', position: 1, enabled: 1, filename: 'nodejs.zip' },
      { name: 'binary', stack: null, position: 2, enabled: 1, filename: 'binary.zip' },
    ],
  )
  const file = await controller.services.blobstore.fileOf('buildpacks', installed[0]?.sha256 ?? '')
  const entries = await withZip(file ?? '', async (_, found) => found.map((entry) => [entry.fileName, modeOf(entry)]))
  assert.deepEqual(entries, [
    ['bin/detect', 0o755],
    ['lib/deep/x.js', 0o644],
  ])
})

test('a second start changes nothing; changed files bring new bits, and leave what the operator set', async (t) => {
  const { controller, install, rows, write } = await given(t)
  await install()
  const before = await rows()
  await install()
  assert.deepEqual(await rows(), before)
  await controller.db.updateTable('buildpacks').set({ enabled: 0, position: 7 }).where('name', '=', 'nodejs').execute()
  await write('node/lib/deep/x.js', 'y')
  await install()
  const [binary, nodejs] = await rows()
  assert.deepEqual([binary?.sha256, nodejs?.enabled, nodejs?.position], [before[1]?.sha256, 0, 7])
  assert.notEqual(nodejs?.sha256, before[0]?.sha256)
  assert.ok(await controller.services.blobstore.fileOf('buildpacks', nodejs?.sha256 ?? ''))
})

test('a locked buildpack keeps its bits', async (t) => {
  const { controller, install, rows, write } = await given(t)
  await install()
  const before = await rows()
  await controller.db.updateTable('buildpacks').set({ locked: 1 }).execute()
  await write('binary/bin/detect', 'changed')
  await install()
  assert.deepEqual(await rows(), before)
})

test('controllers that start at once install each buildpack once', async (t) => {
  const { install, rows } = await given(t)
  await Promise.all([install(), install(), install()])
  assert.deepEqual((await rows()).map(({ name }) => name).sort(), ['binary', 'nodejs'])
})

test('a missing or broken manifest keeps the controller from starting', async (t) => {
  const { install, manifest } = await given(t)
  await manifest([{ name: 'nodejs' }])
  await assert.rejects(install(), /directory/)
})
