import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { LogFile } from './log-file.ts'

function logPath(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'vcap-log-'))
  context.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'cell.log')
}

test('only lines written after the opening are read, each once and whole, whatever bytes a read ends with', async (t) => {
  const path = logPath(t)
  writeFileSync(path, 'of an earlier run\n')
  const log = await LogFile.open(path)
  assert.deepEqual(await log.newLines(), [])
  const bytes = Buffer.from('größer\nzwei\n')
  const read: string[] = []
  for (const byte of bytes) {
    appendFileSync(path, Buffer.from([byte]))
    read.push(...(await log.newLines()))
  }
  assert.deepEqual(read, ['größer', 'zwei'])
  await log.close()
})

test('a long log moves to a second file, and what writes to it goes on', async (t) => {
  const path = logPath(t)
  const log = await LogFile.open(path)
  appendFileSync(log.descriptor, Buffer.alloc(21 * 1024 * 1024, 'x\n'))
  let lines = 0
  while (statSync(path).size > 0) lines += (await log.newLines()).length
  assert.equal(lines, (21 * 1024 * 1024) / 2)
  assert.equal(statSync(`${path}.1`).size, 21 * 1024 * 1024)
  appendFileSync(log.descriptor, 'after\n')
  assert.equal(readFileSync(path, 'utf8'), 'after\n')
  assert.deepEqual(await log.newLines(), ['after'])
  await log.close()
})

test('a log that is long already is moved at the first look', async (t) => {
  const path = logPath(t)
  writeFileSync(path, Buffer.alloc(20 * 1024 * 1024, 'x\n'))
  const log = await LogFile.open(path)
  assert.deepEqual(await log.newLines(), [])
  assert.equal(statSync(path).size, 0)
  assert.equal(statSync(`${path}.1`).size, 20 * 1024 * 1024)
  await log.close()
})

test('a log that can not be moved says so, is read on, and is moved when it has grown as much again', async (t) => {
  const path = logPath(t)
  writeFileSync(path, Buffer.alloc(20 * 1024 * 1024, 'x\n'))
  mkdirSync(`${path}.1`)
  const log = await LogFile.open(path)
  await assert.rejects(log.newLines())
  appendFileSync(path, 'after\n')
  assert.deepEqual(await log.newLines(), ['after'])
  assert.deepEqual(await log.newLines(), [])
  rmSync(`${path}.1`, { recursive: true })
  appendFileSync(path, Buffer.alloc(20 * 1024 * 1024, 'x\n'))
  while (statSync(path).size > 0) await log.newLines()
  assert.equal(statSync(`${path}.1`).size, 40 * 1024 * 1024 + 'after\n'.length)
  await log.close()
})
