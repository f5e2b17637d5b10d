import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { endLeftProcesses, eventually, processesOf, startCloudFoundry } from './index.ts'

test('a system starts, is used and is gone: no process, no folder, no port', async () => {
  const cloud = await startCloudFoundry()
  const { guid } = await cloud.createSpace('acme')
  assert.match(guid, /^[\da-f-]{36}$/)
  await cloud.stop()
  assert(!existsSync(cloud.dataDirectory))
  await assert.rejects(fetch(cloud.apiUrl))
})

test('a process that a system leaves is found by folder, environment or command line, named, and ended', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vcap-test-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const options = { stdio: 'ignore', detached: true } as const
  const left = [
    spawn('sleep', ['1001'], { ...options, cwd: folder }),
    spawn('sleep', ['1002'], { ...options, env: { ...process.env, HOME: `${folder}/app` } }),
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', folder], options),
  ]
  const ends = left.map((child) => once(child, 'exit'))
  await eventually('all to be found', () => processesOf(folder).length === 3)
  assert.throws(
    () => endLeftProcesses(folder),
    ({ message }: Error) =>
      ['processes were left:', 'sleep 1001', 'sleep 1002'].every((words) => message.includes(words)),
  )
  for (const end of ends) assert.deepEqual(await end, [null, 'SIGKILL'])
  endLeftProcesses(folder)
})

test('what is awaited in vain is named, with the last reason', async () => {
  const asked = eventually('pigs to fly', () => Promise.reject(new Error('they walk')), 60)
  await assert.rejects(asked, (error: Error) => {
    assert.match(error.message, /waited 0\.06 s in vain for pigs to fly/)
    assert.match(String(error.cause), /they walk/)
    return true
  })
})
