import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ask, impatient, SpawnedVcap, workplace } from './fixture/spawned-vcap.ts'

test('vcap <component> runs it in the foreground, says when it is ready, and ends with 0 on SIGTERM and on Ctrl-C', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const place = await workplace(t)
    const file = join(place.folder, 'router.yml')
    writeFileSync(file, `port: ${place.ports.router} # where apps answer\n`)
    const vcap = new SpawnedVcap(t, ['router', '--config', file])
    await vcap.hasPrinted(new RegExp(`router is ready http://127.0.0.1:${place.ports.router}\n`))
    assert.equal((await ask(place.ports.router)).pid, vcap.child.pid)
    vcap.child.kill(signal)
    assert.equal(await vcap.hasEnded(), 0)
  }
})

test('vcap <component> that does not stop is ended after its limit with exit code 1', async (t) => {
  const place = await workplace(t)
  const file = join(place.folder, 'router.json')
  writeFileSync(file, JSON.stringify({ port: place.ports.router, atStop: 'hangs' }))
  const vcap = new SpawnedVcap(t, ['router', '--config', file], { env: impatient })
  await vcap.hasPrinted(/router is ready/)
  vcap.child.kill('SIGTERM')
  assert.equal(await vcap.hasEnded(), 1)
  assert.match(vcap.output, /did not stop in time/)
})

test('vcap <component> names the wrong key of its configuration and ends with 2', async (t) => {
  const place = await workplace(t)
  const file = join(place.folder, 'router.yml')
  writeFileSync(file, 'port: eighty\n')
  const vcap = new SpawnedVcap(t, ['router', '--config', file])
  assert.equal(await vcap.hasEnded(), 2)
  assert.match(vcap.output, /configuration of router is not valid .*\n {2}port: expected number, received string/)
})

test('vcap <component> names a level of logs that there is not, and ends with 2', async (t) => {
  for (const level of ['loud', 5]) {
    const place = await workplace(t)
    const file = join(place.folder, 'router.json')
    writeFileSync(file, JSON.stringify({ port: place.ports.router, logLevel: level }))
    const vcap = new SpawnedVcap(t, ['router', '--config', file])
    assert.equal(await vcap.hasEnded(), 2)
    assert.match(vcap.output, /configuration of router is not valid .*\n {2}logLevel: /)
  }
})
