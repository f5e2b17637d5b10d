import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { BuildpackDriver, linksOutOf, missing, readConfig } from './buildpack-driver.ts'

const driver = await BuildpackDriver.create()
after(() => driver[Symbol.asyncDispose]())

describe('the procfile buildpack', () => {
  it('takes an app with a Procfile and no other', async () => {
    const { exitCode, output } = await driver.detect('procfile', driver.example('procfile-shell'))
    assert.deepEqual({ exitCode, output }, { exitCode: 0, output: 'procfile 0.1.0\n' })
    assert.equal((await driver.detect('procfile', driver.example('static-site'))).exitCode, 1)
  })

  it('stages and starts the example, whose page is written by the shell', { skip: missing('python3') }, async () => {
    const staged = await driver.stage('procfile', driver.example('procfile-shell'))
    assert.equal(staged.exitCode, 0, staged.log)
    assert.equal(
      staged.log,
      '-----> Procfile Buildpack version 0.1.0\n-----> Process types of the Procfile\n       web: bash serve.sh\n',
    )
    assert.deepEqual(staged.processTypes, { web: 'bash serve.sh' })
    assert.equal(await readConfig(staged.droplet), 'name: procfile\nversion: "0.1.0"\nconfig: {}\n')
    assert.deepEqual(await linksOutOf(staged.droplet), [])
    const instance = await driver.start(staged.droplet, 'bash serve.sh')
    assert.match(await (await instance.get('/')).text(), /instance 2 of a shell script[\s\S]+<h2>Disk<\/h2>/)
    assert.equal(await instance.stop(), 0)
  })

  it('hands on every process type, with quotes and colons as they are', async () => {
    const app = await driver.app({
      Procfile: `# comment\n\nweb: echo 'a: b' "$PORT" # not a comment\r\nworker_2:   ./work --all  \nquoted: "echo x"`,
    })
    const staged = await driver.stage('procfile', app)
    assert.deepEqual(staged.processTypes, {
      web: `echo 'a: b' "$PORT" # not a comment`,
      worker_2: './work --all',
      quoted: 'echo x',
    })
  })

  it('warns when the machine lacks the tool that a process starts with', async () => {
    const app = await driver.app({ Procfile: 'web: no-such-tool --serve\nother: X=1 also-not-there' })
    const staged = await driver.stage('procfile', app)
    assert.equal(staged.exitCode, 0)
    assert.match(
      staged.log,
      /\*\*WARNING\*\* no-such-tool was not found on this machine\. Install it, or the process web will not start\./,
    )
    assert.equal(staged.log.match(/WARNING/g)?.length, 1)
  })

  for (const [what, Procfile, message] of [
    ['a line that is no entry', 'web: x\nnonsense', /not "type: command": nonsense/],
    ['no entry at all', '# web: x\n', /names no process/],
  ] as const) {
    it(`fails for a Procfile with ${what}`, async () => {
      const staged = await driver.stage('procfile', await driver.app({ Procfile }))
      assert.notEqual(staged.exitCode, 0)
      assert.match(staged.log, message)
    })
  }

  it('fails for an app without a Procfile', async () => {
    const staged = await driver.stage('procfile', await driver.app({ 'a.txt': '' }))
    assert.notEqual(staged.exitCode, 0)
    assert.match(staged.log, /The app has no Procfile/)
  })
})

describe('the binary buildpack', () => {
  it('takes nothing by itself, not even its example', async () => {
    assert.equal((await driver.detect('binary', driver.example('binary'))).exitCode, 1)
  })

  it('stages and starts the example, also where only bin/compile is known', { skip: missing('perl') }, async () => {
    for (const as of ['v2', 'v3'] as const) {
      const staged = await driver.stage('binary', driver.example('binary'), { as })
      assert.equal(staged.exitCode, 0, staged.log)
      assert.match(staged.log, /^-----> Binary Buildpack version 0\.1\.0\n/)
      assert.deepEqual(staged.processTypes, { web: './clock' })
      const instance = await driver.start(staged.droplet, './clock')
      const response = await instance.get('/')
      assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
      assert.match(await response.text(), /where instance 2 runs/)
      assert.equal((await instance.get('/nothing')).status, 404)
      assert.equal(await instance.stop(), 0)
      assert.match(instance.log, /Told to stop/)
    }
  })

  it('asks for a start command when there is no Procfile', async () => {
    const staged = await driver.stage('binary', await driver.app({ 'server*': '#!/bin/sh' }))
    assert.equal(staged.exitCode, 0)
    assert.deepEqual(staged.processTypes, {})
    assert.match(staged.log, /no Procfile: give its start command with `cf push -c COMMAND`/)
  })

  it('warns of a program that is absent or not executable', async () => {
    const app = await driver.app({
      Procfile: 'web: ./server\nworker: ./absent -v\nfine: ./fine',
      server: '',
      'fine*': '',
    })
    const { log } = await driver.stage('binary', app)
    assert.match(log, /WARNING\*\* \.\/server, .* is not executable/)
    assert.match(log, /WARNING\*\* \.\/absent, .* is not in the app/)
    assert.doesNotMatch(log, /WARNING\*\* \.\/fine/)
  })
})
