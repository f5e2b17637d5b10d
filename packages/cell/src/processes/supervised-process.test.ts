import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startProcess } from './supervised-process.ts'

test('what is there when the time is over is read, also when nothing could be read before', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vcap-process-'))
  t.after(() => rm(folder, { recursive: true }))
  const lines: string[] = []
  // Its child leaves the process tree and holds the output open.
  const script =
    'setsid bash -c "until [ -e go ]; do sleep 0.01; done; echo last words; touch said; exec sleep 1000" & echo $!'
  const supervised = await startProcess({
    file: '/bin/bash',
    args: ['-c', script],
    cwd: folder,
    environment: { PATH: '/usr/bin:/bin' },
    user: undefined,
    pipeDirectory: folder,
    write: (_stream, line) => void lines.push(line),
  })
  assert.equal(await supervised.exited, 0)
  const drained = supervised.drain(1)
  writeFileSync(join(folder, 'go'), '')
  // As long as this goes on the event loop stands still, and the time of `drain` is over.
  const nobody = new Int32Array(new SharedArrayBuffer(4))
  while (!existsSync(join(folder, 'said'))) Atomics.wait(nobody, 0, 0, 5)
  await drained
  const [child, ...others] = lines
  process.kill(-Number(child), 'SIGKILL')
  assert.deepEqual(others, ['last words'])
})
