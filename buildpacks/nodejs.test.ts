import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { BuildpackDriver, linksOutOf, missing, readConfig } from './buildpack-driver.ts'

const driver = await BuildpackDriver.create()
after(() => driver[Symbol.asyncDispose]())

const server = `require('node:http').createServer((_, response) => response.end(process.env.NODE_ENV))
  .listen(process.env.PORT, '127.0.0.1')`
const packageJson = (content: object) => JSON.stringify({ name: 'app', version: '1.0.0', ...content })

describe('the nodejs buildpack', () => {
  it('takes an app with a package.json and no other', async () => {
    assert.deepEqual(await driver.detect('nodejs', driver.example('nodejs')), { exitCode: 0, output: 'nodejs 0.1.0\n' })
    assert.equal((await driver.detect('nodejs', driver.example('python'))).exitCode, 1)
  })

  it('stages and starts the example, which shows its instance and keeps its environment to itself', async () => {
    const staged = await driver.stage('nodejs', driver.example('nodejs'))
    assert.equal(staged.exitCode, 0, staged.log)
    assert.match(staged.log, /^-----> Nodejs Buildpack version 0\.1\.0\n/)
    assert.match(staged.log, /^ {7}node v\d+.*\n {7}engines\.node \(package\.json\): >=18$/m)
    assert.match(staged.log, /^ {7}package\.json names no dependencies$/m)
    assert.deepEqual(staged.processTypes, { web: 'node server.js' })
    assert.equal(await readConfig(staged.droplet), 'name: nodejs\nversion: "0.1.0"\nconfig: {}\n')
    assert.deepEqual(await linksOutOf(staged.droplet), [])

    const instance = await driver.start(staged.droplet, 'node server.js', { env: { GREETING: '<b>Servus</b>' } })
    const page = await (await instance.get('/')).text()
    assert.match(page, /instance 2/)
    assert.match(page, /&#60;b&#62;Servus/)
    const facts = await (await instance.get('/env')).text()
    assert.equal(JSON.parse(facts).instanceIndex, 2)
    assert.doesNotMatch(facts, /not for a page/)
    await instance.get(`/log?line=${encodeURIComponent('one\ntwo')}`)
    await instance.untilTheLogHas('one two')
    assert.equal((await instance.get('/nothing')).status, 404)
    assert.equal(await instance.stop(), 0)
    assert.match(instance.log, /Told to stop/)
  })

  it('lets the example crash on request', async () => {
    const staged = await driver.stage('nodejs', driver.example('nodejs'))
    const instance = await driver.start(staged.droplet, 'node server.js')
    assert.equal(await (await instance.get('/crash')).text(), 'Goodbye.\n')
    assert.equal(await instance.exit(), 1)
  })

  it('starts by `npm start` when there is such a script, in production unless told otherwise', {
    skip: missing('npm'),
  }, async () => {
    const app = await driver.app({
      'package.json': packageJson({ scripts: { start: 'node "my app.js"' } }),
      'my app.js': server,
    })
    const staged = await driver.stage('nodejs', app)
    assert.deepEqual(staged.processTypes, { web: 'npm start' })
    const instance = await driver.start(staged.droplet, 'npm start')
    assert.equal(await (await instance.get('/')).text(), 'production')
    await instance.stop()
    const other = await driver.start(staged.droplet, 'npm start', { env: { NODE_ENV: 'development' } })
    assert.equal(await (await other.get('/')).text(), 'development')
  })

  for (const [file, content, command] of [
    ['server.js', {}, 'node server.js'],
    ['index.js', {}, 'node index.js'],
    ['lib/web.js', { main: 'lib/web' }, 'node lib/web.js'],
    ["bob's $app.js", { main: "bob's $app.js" }, `node './bob'\\''s $app.js'`],
  ] as const) {
    it(`starts ${file} by ${command}`, async () => {
      const app = await driver.app({ 'package.json': packageJson(content), [file]: server })
      const staged = await driver.stage('nodejs', app)
      assert.deepEqual(staged.processTypes, { web: command })
      const instance = await driver.start(staged.droplet, command)
      assert.equal((await instance.get('/')).status, 200)
    })
  }

  it('says so when nothing tells how the app starts', async () => {
    const staged = await driver.stage('nodejs', await driver.app({ 'package.json': packageJson({}) }))
    assert.equal(staged.exitCode, 0)
    assert.deepEqual(staged.processTypes, {})
    assert.match(staged.log, /\*\*WARNING\*\* Nothing says how the app starts/)
  })

  it('fails when the machine has no node, and names the way out', async () => {
    const staged = await driver.stage('nodejs', driver.example('nodejs'), { path: await driver.pathWith() })
    assert.notEqual(staged.exitCode, 0)
    assert.match(
      staged.log,
      /^-----> node was not found on this machine\. Install Node\.js .*, or choose another buildpack\.$/m,
    )
  })

  it('fails without npm only when npm has work to do', async () => {
    const path = await driver.pathWith('node')
    assert.equal((await driver.stage('nodejs', driver.example('nodejs'), { path })).exitCode, 0)
    for (const content of [{ dependencies: { a: '1' } }, { scripts: { start: 'node .' } }]) {
      const app = await driver.app({ 'package.json': packageJson(content), 'server.js': server })
      const staged = await driver.stage('nodejs', app, { path })
      assert.notEqual(staged.exitCode, 0)
      assert.match(staged.log, /^-----> npm was not found on this machine\./m)
    }
  })

  it('fails when the machine has another node than engines asks for', async () => {
    const app = await driver.app({ 'package.json': packageJson({ engines: { node: '0.10.x' } }), 'server.js': server })
    const staged = await driver.stage('nodejs', app)
    assert.notEqual(staged.exitCode, 0)
    assert.match(staged.log, /The app asks for node 0\.10\.x, and this machine has v\d/)
  })

  it('warns of engines that it cannot read, and goes on', async () => {
    const app = await driver.app({ 'package.json': packageJson({ engines: { node: 'lts/*' } }), 'server.js': server })
    const staged = await driver.stage('nodejs', app)
    assert.equal(staged.exitCode, 0)
    assert.match(staged.log, /\*\*WARNING\*\* engines\.node/)
  })

  it('fails with the reason when package.json is no JSON', async () => {
    const staged = await driver.stage('nodejs', await driver.app({ 'package.json': '{"name": }' }))
    assert.notEqual(staged.exitCode, 0)
    assert.match(staged.log, /^-----> package\.json can't be read: /m)
  })

  it('uses node_modules that came with the app, and warns when they do not hold everything', {
    skip: missing('npm'),
  }, async () => {
    const files = {
      'package.json': packageJson({ dependencies: { vendored: '1.0.0' } }),
      'server.js': `require('vendored');${server}`,
      'node_modules/vendored/package.json': JSON.stringify({ name: 'vendored', version: '1.0.0', main: 'main.js' }),
      'node_modules/vendored/main.js': '',
    }
    const staged = await driver.stage('nodejs', await driver.app(files))
    assert.equal(staged.exitCode, 0)
    assert.match(staged.log, /Using the node_modules folder/)
    assert.doesNotMatch(staged.log, /WARNING/)
    await driver.start(staged.droplet, 'node server.js')

    const incomplete = {
      ...files,
      'package.json': packageJson({ dependencies: { vendored: '1.0.0', other: '1.0.0' } }),
    }
    assert.match(
      (await driver.stage('nodejs', await driver.app(incomplete))).log,
      /\*\*WARNING\*\* node_modules does not hold/,
    )
  })

  it('keeps the heap below the memory limit when OPTIMIZE_MEMORY asks for it', async () => {
    const app = await driver.app({
      'package.json': packageJson({}),
      'server.js': server.replace('process.env.NODE_ENV', 'process.env.NODE_OPTIONS'),
    })
    const { droplet } = await driver.stage('nodejs', app)
    const instance = await driver.start(droplet, 'node server.js', { env: { OPTIMIZE_MEMORY: 'true' } })
    assert.match(await (await instance.get('/')).text(), /^--max-old-space-size=192 /)
  })

  it('works for platforms that know bin/compile alone, with everything inside the app', async () => {
    const staged = await driver.stage('nodejs', driver.example('nodejs'), { as: 'v2' })
    assert.equal(staged.exitCode, 0, staged.log)
    assert.ok(existsSync(join(staged.droplet, 'app', '.cloudfoundry', '0', 'profile.d', 'nodejs.sh')))
    const instance = await driver.start(staged.droplet, 'echo "environment: $NODE_ENV"; exec node server.js')
    await instance.untilTheLogHas('environment: production')
  })
})

describe('the nodejs buildpack with dependencies', { skip: missing('npm') }, async () => {
  const registry = await startRegistry()
  after(() => registry.close())
  const env = { npm_config_registry: registry.url, npm_config_fetch_retries: '0' }
  const app = await driver.app({
    'package.json': packageJson({ dependencies: { greeter: '1.0.0' }, devDependencies: { absent: '1.0.0' } }),
    'package-lock.json': JSON.stringify({
      name: 'app',
      version: '1.0.0',
      lockfileVersion: 3,
      requires: true,
      packages: {
        '': { name: 'app', version: '1.0.0', dependencies: { greeter: '1.0.0' }, devDependencies: { absent: '1.0.0' } },
        'node_modules/absent': {
          version: '1.0.0',
          resolved: `${registry.url}absent.tgz`,
          integrity: 'sha512-AAAA',
          dev: true,
        },
        'node_modules/greeter': { version: '1.0.0', resolved: registry.tarballUrl, integrity: registry.integrity },
      },
    }),
    'server.js': server.replace('process.env.NODE_ENV', "require('greeter')"),
  })

  it('installs what the lock file says, and a second time from the cache with the registry gone', async () => {
    const cache = await driver.newFolder('cache')
    const first = await driver.stage('nodejs', app, { cache, env })
    assert.equal(first.exitCode, 0, first.log)
    assert.match(first.log, /^ {7}npm ci/m)
    assert.deepEqual(
      readdirSync(join(first.droplet, 'app', 'node_modules')).filter((name) => !name.startsWith('.')),
      ['greeter'],
    )
    const instance = await driver.start(first.droplet, 'node server.js')
    assert.equal(await (await instance.get('/')).text(), 'good day')

    registry.refuses = true
    const second = await driver.stage('nodejs', app, { cache, env })
    assert.equal(second.exitCode, 0, second.log)
    const third = await driver.stage('nodejs', app, { env })
    assert.notEqual(third.exitCode, 0, 'an empty cache cannot do without the registry')
    assert.match(third.log, /^-----> npm ci failed\./m)
    registry.refuses = false
  })

  it('installs without a lock file, and leaves none behind', async () => {
    const unlocked = await driver.app({
      'package.json': packageJson({ dependencies: { greeter: '1.0.0' } }),
      'server.js': server,
    })
    const staged = await driver.stage('nodejs', unlocked, { env })
    assert.equal(staged.exitCode, 0, staged.log)
    assert.match(staged.log, /npm install/)
    assert.ok(existsSync(join(staged.droplet, 'app', 'node_modules', 'greeter', 'index.js')))
    assert.ok(!existsSync(join(staged.droplet, 'app', 'package-lock.json')))
  })

  it('runs heroku-prebuild and heroku-postbuild around the installation', async () => {
    const scripts = { 'heroku-prebuild': 'ls node_modules || echo before', 'heroku-postbuild': 'ls node_modules' }
    const hooked = await driver.app({ 'package.json': packageJson({ scripts, dependencies: { greeter: '1.0.0' } }) })
    const { log } = await driver.stage('nodejs', hooked, { env })
    assert.match(log, /^ {7}before$[\s\S]+npm install[\s\S]+^ {7}greeter$/m)
  })

  it('fails when a script of the build fails', async () => {
    const scripts = { 'heroku-postbuild': 'echo no luck; exit 3' }
    const staged = await driver.stage('nodejs', await driver.app({ 'package.json': packageJson({ scripts }) }))
    assert.notEqual(staged.exitCode, 0)
    assert.match(staged.log, /no luck[\s\S]+-----> npm run failed\./)
  })
})

/** A registry of npm packages that has one: `greeter`, which is the text "good day". */
async function startRegistry() {
  const tarball = gzipSync(
    Buffer.concat([
      tarEntry('package/package.json', JSON.stringify({ name: 'greeter', version: '1.0.0' })),
      tarEntry('package/index.js', "module.exports = 'good day'"),
      Buffer.alloc(1024),
    ]),
  )
  const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
  const registry = { url: '', tarballUrl: '', integrity, refuses: false, close: () => httpServer.close() }
  const httpServer = createServer((request, response) => {
    if (registry.refuses) response.writeHead(503).end()
    else if (request.url === '/greeter') {
      const dist = { tarball: registry.tarballUrl, integrity }
      const version = { name: 'greeter', version: '1.0.0', dist }
      response.setHeader('Content-Type', 'application/json')
      response.end(
        JSON.stringify({ name: 'greeter', 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': version } }),
      )
    } else if (request.url === '/greeter.tgz') response.end(tarball)
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => httpServer.listen(0, '127.0.0.1', resolve))
  registry.url = `http://127.0.0.1:${(httpServer.address() as AddressInfo).port}/`
  registry.tarballUrl = `${registry.url}greeter.tgz`
  return registry
}

function tarEntry(name: string, content: string): Buffer {
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write('0000644\0', 100)
  header.write('0000000\0'.repeat(2), 108)
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124)
  header.write('00000000000\0        0', 136)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512)
  body.write(content)
  return Buffer.concat([header, body])
}
