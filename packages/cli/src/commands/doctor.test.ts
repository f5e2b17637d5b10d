import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
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

test('vcap doctor ends with 1 without bash, and only remarks on a missing language', async (t) => {
  const place = await workplace(t)
  const vcap = new SpawnedVcap(t, ['doctor', ...place.up().slice(1)], { env: { PATH: place.folder } })
  assert.equal(await vcap.hasEnded(), 1)
  assert.match(vcap.output, /✖ buildpacks +bash is not installed; needed for every buildpack/)
  assert.match(vcap.output, /! python +python3 is not installed; needed for apps in Python/)
})
