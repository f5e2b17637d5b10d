import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { zipFiles, zipFolder } from './zip.ts'

/** Python's zip module is another's reading of what we wrote. */
const unpack =
  'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); z.testzip(); z.extractall(sys.argv[2]); print([(i.filename, oct(i.external_attr >> 16 & 0o777)) for i in z.infolist()])'

function unzipped(folder: string): string {
  return execFileSync('python3', ['-c', unpack, join(folder, 'app.zip'), join(folder, 'out')], { encoding: 'utf8' })
}

test('a zip holds every file of the folder with its path, mode and bytes', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vcap-zip-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const app = join(folder, 'app')
  mkdirSync(join(app, 'public'), { recursive: true })
  writeFileSync(join(app, 'start.sh'), '#!/bin/sh\n')
  chmodSync(join(app, 'start.sh'), 0o755)
  writeFileSync(join(app, 'public', 'grüße.txt'), 'Grüße\n')
  const { bits, files } = await zipFolder(app)
  assert.equal(files, 2)
  writeFileSync(join(folder, 'app.zip'), bits)
  const listing = unzipped(folder)
  assert.match(listing, /'start\.sh', '0o755'/)
  assert.equal(readFileSync(join(folder, 'out', 'public', 'grüße.txt'), 'utf8'), 'Grüße\n')
  assert(statSync(join(folder, 'out', 'start.sh')).isFile())
})

test('a zip of files that exist nowhere holds scripts that can be run', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vcap-zip-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { bits, files } = await zipFiles({
    'bin/run.sh': { script: '#!/bin/sh\n' },
    Procfile: 'web: bin/run.sh\n',
    data: Buffer.of(0, 255),
  })
  assert.equal(files, 3)
  writeFileSync(join(folder, 'app.zip'), bits)
  const listing = unzipped(folder)
  assert.match(listing, /'bin\/run\.sh', '0o755'/)
  assert.match(listing, /'Procfile', '0o644'/)
  assert.deepEqual(readFileSync(join(folder, 'out', 'data')), Buffer.of(0, 255))
})
