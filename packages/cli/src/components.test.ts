import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { SystemPlan } from './component-definition.ts'
import { components } from './components.ts'
import { loadConfig } from './config/load.ts'
import { openDataDirectory } from './data-directory/data-directory.ts'
import { loadSecrets } from './data-directory/secrets.ts'
import { componentConfig } from './supervisor/supervisor.ts'

async function plan(context: TestContext, environment: NodeJS.ProcessEnv = {}): Promise<SystemPlan> {
  const folder = mkdtempSync(join(tmpdir(), 'vcap-plan-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const directory = await openDataDirectory(folder)
  return {
    config: await loadConfig({ dataDirectory: folder }, environment),
    directory,
    secrets: await loadSecrets(directory),
  }
}

const externals = {
  VCAP_NATS_URL: 'nats://10.0.0.1:4222',
  VCAP_NATS_USER: 'someone',
  VCAP_UAA_URL: 'https://uaa.example.test',
  VCAP_UAA_CLIENT_ID: 'cc',
  VCAP_UAA_CLIENT_SECRET: 's',
}

for (const component of components) {
  test(`${component.name} accepts what vcap up configures it with, for parts of our own and for external ones`, async (t) => {
    const program = await component.load()
    for (const environment of [{}, externals]) {
      const planned = componentConfig(component, await plan(t, environment))
      if (!planned) continue
      const { logLevel, ...config } = planned
      assert.equal(program.validate(config), undefined)
      assert.equal(logLevel, 'info')
    }
  })

  test(`${component.name} does not accept a setting that it does not have`, async (t) => {
    const program = await component.load()
    const { logLevel: _, ...config } = componentConfig(component, await plan(t)) ?? {}
    assert.match(program.validate({ ...config, noSuchSetting: 1 }) ?? '', /^ {2}noSuchSetting: there is no such key$/)
  })
}

test('clients of UAA that the user adds come beside the one of the Cloud Controller', async (t) => {
  const uaa = components.find(({ name }) => name === 'uaa')
  assert(uaa)
  const planned = await plan(t)
  const [own] = (componentConfig(uaa, planned)?.clients ?? []) as object[]
  const added = { id: 'broker', secret: 's', authorizedGrantTypes: ['client_credentials'] }
  planned.config.components.uaa = { clients: [added] }
  assert.deepEqual(componentConfig(uaa, planned)?.clients, [own, added])
})

test('an external NATS and UAA take the place of ours, and the others are told of them', async (t) => {
  const external = await plan(t, externals)
  const configured = new Map(components.map((component) => [component.name, component.configFor(external)]))
  assert.equal(configured.get('nats'), undefined)
  assert.equal(configured.get('uaa'), undefined)
  for (const name of ['router', 'log-cache', 'controller', 'cell'])
    assert.deepEqual(configured.get(name)?.nats, { url: 'nats://10.0.0.1:4222', user: 'someone' }, name)
  assert.deepEqual(configured.get('controller')?.uaa, {
    url: 'https://uaa.example.test',
    internalUrl: 'https://uaa.example.test',
    clientId: 'cc',
    clientSecret: 's',
  })
})

test("the user's settings for a component go over ours, key by key", async (t) => {
  const { config, ...rest } = await plan(t)
  const cell = components.find(({ name }) => name === 'cell')
  assert(cell)
  const settings = { memoryInMb: 512, nats: { user: 'other' } }
  const merged = componentConfig(cell, {
    ...rest,
    config: { ...config, components: { ...config.components, cell: settings } },
  })
  assert.equal(merged?.memoryInMb, 512)
  assert.deepEqual(merged?.nats, { url: 'nats://127.0.0.1:4222', user: 'other', password: rest.secrets.natsPassword })
})
