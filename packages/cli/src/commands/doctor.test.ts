import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { SpawnedVcap, workplace } from '../fixture/spawned-vcap.ts'

test('vcap doctor ends with 0 where everything that is required is there, and makes nothing', async (t) => {
  const place = await workplace(t)
  const vcap = new SpawnedVcap(t, ['doctor', ...place.up().slice(1)])
  assert.equal(await vcap.hasEnded(), 0, vcap.output)
  assert.match(vcap.output, /✔ Node\.js +v\d+/)
  assert.match(vcap.output, /✔ ports /)
  assert.match(vcap.output, /✔ data directory +\S+ can be written/)
  assert.match(vcap.output, /✔ buildpacks +bash: /)
  assert.throws(() => mkdirSync(join(place.dataDirectory, 'run')), { code: 'ENOENT' })
})

test('vcap doctor ends with 1 and names a port in use', async (t) => {
  const place = await workplace(t)
  const stranger = createServer().listen(place.ports.api, '127.0.0.1')
  t.after(() => stranger.close())
  await once(stranger, 'listening')
  const vcap = new SpawnedVcap(t, ['doctor', ...place.up().slice(1)])
  assert.equal(await vcap.hasEnded(), 1)
  assert.match(vcap.output, new RegExp(`✖ ports +Port ${place.ports.api} is in use .*Cloud Controller`))
})

test('vcap doctor says that the system runs whose ports and data directory it is asked about, and still names strangers', async (t) => {
  const place = await workplace(t)
  const system = new SpawnedVcap(t, place.up())
  await system.hasPrinted(/Cloud Foundry is up/)
  const beside = new SpawnedVcap(t, ['doctor', ...place.up().slice(1)])
  assert.equal(await beside.hasEnded(), 0, beside.output)
  assert.doesNotMatch(beside.output, /✖/)
  const { api, router, nats } = place.ports
  for (const port of [api, router, nats])
    assert.match(
      beside.output,
      new RegExp(
        `✔ ports +[\\d, ]*${port}[\\d, ]* are those of the Cloud Foundry that runs here \\(process ${system.child.pid}\\)`,
      ),
    )
  assert.match(beside.output, new RegExp(`It runs already: http://localhost:${api}\n`))

  const stranger = createServer().listen(0, '127.0.0.1')
  t.after(() => stranger.close())
  await once(stranger, 'listening')
  const { port } = stranger.address() as AddressInfo
  const elsewhere = new SpawnedVcap(t, ['doctor', ...place.up().slice(1), '--port', `api=${port}`])
  assert.equal(await elsewhere.hasEnded(), 1)
  assert.match(elsewhere.output, new RegExp(`✖ ports +Port ${port} is in use`))

  system.child.kill('SIGTERM')
  assert.equal(await system.hasEnded(), 0)
  const afterwards = new SpawnedVcap(t, ['doctor', ...place.up().slice(1)])
  assert.equal(await afterwards.hasEnded(), 0, afterwards.output)
  assert.match(afterwards.output, /Ready: npm start/)
})

test('vcap doctor ends with 1 without bash, and only remarks on a missing language', async (t) => {
  const place = await workplace(t)
  const vcap = new SpawnedVcap(t, ['doctor', ...place.up().slice(1)], { env: { PATH: place.folder } })
  assert.equal(await vcap.hasEnded(), 1)
  assert.match(vcap.output, /✖ buildpacks +bash is not installed; needed for every buildpack/)
  assert.match(vcap.output, /! python +python3 is not installed; needed for apps in Python/)
})
