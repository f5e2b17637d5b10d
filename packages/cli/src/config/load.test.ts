import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { UserError } from '../user-error.ts'
import { defaultDataDirectory, loadConfig } from './load.ts'

function file(context: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'vcap-config-'))
  context.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'vcap.yml')
  writeFileSync(path, text)
  return path
}

/** The message of the refusal, which has exit code 2. */
async function refusal(loading: Promise<unknown>): Promise<string> {
  try {
    await loading
  } catch (error) {
    assert(error instanceof UserError)
    assert.equal(error.exitCode, 2)
    return error.message
  }
  assert.fail('the configuration was accepted')
}

test('without a file, variables and flags everything has a default', async () => {
  const config = await loadConfig({}, {})
  assert.deepEqual(config.ports, { api: 8181, router: 8080, uaa: 8182, logCache: 8183, nats: 4222 })
  assert.deepEqual(config.appsDomains, ['apps.localhost'])
  assert.deepEqual(config.admin, { username: 'admin', password: 'admin' })
  assert.equal(config.dataDirectory, defaultDataDirectory)
  assert.equal(config.host, '127.0.0.1')
})

test('a variable goes over the file, and a flag over both', async (t) => {
  const configFile = file(t, 'ports: {api: 1001, router: 1002, uaa: 1003}\nappsDomains: [a.example]\n')
  const config = await loadConfig(
    { configFile, ports: ['router=3002', 'log-cache=3004'] },
    { VCAP_ROUTER_PORT: '2002', VCAP_UAA_PORT: '2003', VCAP_APPS_DOMAINS: 'b.example, c.example' },
  )
  assert.deepEqual(config.ports, { api: 1001, router: 3002, uaa: 2003, logCache: 3004, nats: 4222 })
  assert.deepEqual(config.appsDomains, ['b.example', 'c.example'])
})

test('VCAP_CONFIG names the file, and an empty file is no fault', async (t) => {
  assert.equal((await loadConfig({}, { VCAP_CONFIG: file(t, 'logLevel: debug') })).logLevel, 'debug')
  assert.equal((await loadConfig({}, { VCAP_CONFIG: file(t, '# nothing yet\n') })).logLevel, 'info')
})

test('every wrong key is named, with the sources it may come from', async (t) => {
  const configFile = file(t, 'prots: {}\nports: {api: "x"}\nadmin: {pasword: y}\nnats: {url: "http://x"}\n')
  const message = await refusal(loadConfig({ configFile }, { VCAP_UAA_PORT: 'many' }))
  for (const line of [
    '  prots: there is no such key',
    '  ports.api: expected number, received string',
    '  ports.uaa: expected number, received string',
    '  admin.pasword: there is no such key',
    '  nats.url: must be a URL like nats://127.0.0.1:4222',
  ])
    assert(message.split('\n').includes(line), `${line} in\n${message}`)
  assert.match(message, /vcap\.yml, VCAP_UAA_PORT/)
})

test('a file that is missing, is no YAML or is no mapping is refused by name', async (t) => {
  assert.match(await refusal(loadConfig({ configFile: '/nowhere/vcap.yml' }, {})), /\/nowhere\/vcap\.yml.*ENOENT/)
  assert.match(await refusal(loadConfig({ configFile: file(t, 'a: [1') }, {})), /vcap\.yml can't be parsed/)
  assert.match(await refusal(loadConfig({ configFile: file(t, '- a\n') }, {})), /vcap\.yml must hold a mapping/)
})

test('a --port that is not NAME=NUMBER is refused', async () => {
  for (const flag of ['8080', 'http=1', 'api=x', 'api='])
    assert.match(await refusal(loadConfig({ ports: [flag] }, {})), new RegExp(`--port ${flag}: write NAME=NUMBER`))
})

test('admin/admin is refused where others can reach the system', async () => {
  assert.match(await refusal(loadConfig({ host: '0.0.0.0' }, {})), /admin\.password: must be set/)
  assert.equal((await loadConfig({ host: '0.0.0.0' }, { VCAP_ADMIN_PASSWORD: 's3cret' })).host, '0.0.0.0')
  for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1'])
    assert.equal((await loadConfig({ host }, {})).host, host)
})

test("a component's host and port are set at the top, not among its own settings", async (t) => {
  const message = await refusal(loadConfig({ configFile: file(t, 'components: {router: {port: 1}}') }, {}))
  assert.match(message, /components\.router\.port: is set by the keys "host" and "ports"/)
})
