import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { until } from '../fixture/spawned-vcap.ts'
import { identify, isAlive } from './process-identity.ts'

const skip =
  process.platform !== 'linux'
    ? 'only Linux shows the threads of a process'
    : spawnSync('python3', ['--version']).status !== 0 && 'python3 not found on this machine'

test('a process whose first thread has ended is alive as long as another is', { skip }, async (t) => {
  const code = `
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(1000,)).start()
ctypes.CDLL(None).pthread_exit(None)`
  const child = spawn('python3', ['-c', code], { stdio: 'ignore' })
  t.after(() => child.kill('SIGKILL'))
  const { pid = 0 } = child
  const identity = identify(pid)
  assert(identity)
  await until(
    () => 'the first thread to be a zombie',
    () => /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')),
  )
  assert.equal(isAlive(identity), true)
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.equal(isAlive(identity), false)
})
