import assert from 'node:assert/strict'
import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { BuildpackDriver, type BuildpackName } from './buildpack-driver.ts'

const driver = await BuildpackDriver.create()
after(() => driver[Symbol.asyncDispose]())

const here = import.meta.dirname
const read = (...path: string[]) => readFileSync(join(here, ...path), 'utf8')
const listed = JSON.parse(read('manifest.json')) as { name: string; directory: BuildpackName; stack: string }[]

describe('the system buildpacks', () => {
  it('are listed in the order in which apps are offered to them', () => {
    assert.deepEqual(
      listed.map(({ name }) => name),
      ['staticfile_buildpack', 'nodejs_buildpack', 'python_buildpack', 'binary_buildpack', 'procfile_buildpack'],
    )
  })

  for (const { name, directory, stack } of listed) {
    it(`${name} has the buildpack interface as executable files`, () => {
      for (const script of ['detect', 'supply', 'finalize', 'release', 'compile']) {
        const file = join(here, directory, 'bin', script)
        accessSync(file, constants.X_OK)
        // What the others may do is for the umask of whoever checked it out.
        assert.ok(statSync(file).mode & 0o100, file)
        assert.ok(read(directory, 'bin', script).startsWith('#!/usr/bin/env bash\n'), file)
      }
    })

    it(`${name} says the same of itself everywhere`, () => {
      const manifest = JSON.parse(read(directory, 'manifest.json'))
      assert.equal(manifest.name, name)
      assert.equal(manifest.version, read(directory, 'VERSION').trim())
      assert.equal(stack, 'cflinuxfs4')
    })
  }

  it('carry equal copies of what they share, because each is shipped alone', () => {
    for (const [file, owners] of [
      ['bin/compile', listed.map(({ directory }) => directory)],
      ['lib/staging.sh', listed.map(({ directory }) => directory)],
      ['lib/procfile.sh', ['binary', 'procfile']],
    ] as const) {
      const copies = new Set(owners.map((owner) => read(owner, file)))
      assert.equal(copies.size, 1, `${file} differs between ${owners.join(', ')}`)
    }
  })

  for (const [app, expected] of [
    ['nodejs', 'nodejs'],
    ['static-site', 'staticfile'],
    ['python', 'python'],
    ['procfile-shell', 'procfile'],
    ['manifest/quotes', 'nodejs'],
    ['manifest/page', 'nodejs'],
  ] as const) {
    it(`take examples/${app} by ${expected}`, async () => {
      assert.equal(await firstToDetect(driver.example(app)), expected)
    })
  }

  it('prefer Staticfile to package.json, and a language to a Procfile', async () => {
    const files = { Staticfile: '', 'package.json': '{}', 'requirements.txt': '', Procfile: 'web: x' }
    for (const expected of ['staticfile', 'nodejs', 'python', 'procfile'] as const) {
      assert.equal(await firstToDetect(await driver.app(files)), expected)
      const [taken] = Object.keys(files)
      if (taken !== undefined) delete (files as Record<string, string>)[taken]
    }
    assert.equal(await firstToDetect(await driver.app({ 'a.out*': '' })), undefined)
  })
})

describe('examples/manifest', () => {
  it('has two apps that start, of which the page knows where the quotes are', async () => {
    const quotes = await driver.stage('nodejs', driver.example('manifest/quotes'))
    assert.equal(quotes.exitCode, 0, quotes.log)
    assert.doesNotMatch(quotes.log, /WARNING/)
    const web = await driver.start(quotes.droplet, 'node web.js', { env: { ALLOWED_ORIGIN: '*' } })
    const answer = await web.get('/')
    assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    assert.equal(((await answer.json()) as { instance: number }).instance, 2)
    assert.equal(await web.stop(), 0)

    const page = await driver.stage('nodejs', driver.example('manifest/page'))
    const shown = await driver.start(page.droplet, 'node server.js', { env: { QUOTES_URL: 'http://x/</script>' } })
    assert.match(await (await shown.get('/')).text(), /"quotesUrl":"http:\/\/x\/\\u003c\/script>"/)
    assert.equal(await shown.stop(), 0)
  })

  it('has a worker that works without a port and ends when told to', async () => {
    const { droplet } = await driver.stage('nodejs', driver.example('manifest/quotes'))
    const worker = driver.launch(droplet, 'node worker.js')
    await worker.untilTheLogHas('Quote 1 has')
    assert.equal(await worker.stop(), 0)
    assert.match(worker.log, /Stopping after \d+ quotes/)
  })
})

/** The buildpack that gets an app which asks for none. */
async function firstToDetect(app: string): Promise<BuildpackName | undefined> {
  for (const { directory } of listed) {
    if ((await driver.detect(directory, app)).exitCode === 0) return directory
  }
  return undefined
}
