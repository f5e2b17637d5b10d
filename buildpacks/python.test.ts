import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { cp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { BuildpackDriver, findTool, linksOutOf, missing, readConfig } from './buildpack-driver.ts'

const driver = await BuildpackDriver.create()
after(() => driver[Symbol.asyncDispose]())

const python = findTool('python3')
const minor =
  python && spawnSync(python, ['-c', 'import sys; print("3.%d" % sys.version_info[1])']).stdout.toString().trim()

/** Serves what the tests' own package `greeter` says. */
const server = `
import os, http.server, greeter
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(greeter.greeting().encode())
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`

/** Python that writes a wheel: a module and the script `greet`. */
const writeWheel = `
import sys, zipfile
info = "greeter-1.0.0.dist-info/"
files = {
    "greeter.py": "def greeting():\\n    return 'good day'\\ndef main():\\n    print(greeting())\\n",
    info + "METADATA": "Metadata-Version: 2.1\\nName: greeter\\nVersion: 1.0.0\\n",
    info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    info + "entry_points.txt": "[console_scripts]\\ngreet = greeter:main\\n",
}
files[info + "RECORD"] = "".join(name + ",,\\n" for name in [*files, info + "RECORD"])
with zipfile.ZipFile(sys.argv[1], "w") as archive:
    for name, content in files.items():
        archive.writestr(name, content)
`

/** Debian has python3 without the rest of it. */
const withoutVenv = missing('python3') || (!has('import venv') && 'python3 has no venv on this machine')

function has(statement: string): boolean {
  return spawnSync(python ?? '', ['-c', statement]).status === 0
}

describe('the python buildpack', { skip: withoutVenv }, () => {
  it('takes an app with requirements.txt or setup.py and no other', async () => {
    const { exitCode, output } = await driver.detect('python', driver.example('python'))
    assert.deepEqual({ exitCode, output }, { exitCode: 0, output: 'python 0.1.0\n' })
    assert.equal((await driver.detect('python', await driver.app({ 'setup.py': '' }))).exitCode, 0)
    assert.equal((await driver.detect('python', driver.example('procfile-shell'))).exitCode, 1)
  })

  it('stages and starts the example in an environment of its own', async () => {
    const staged = await driver.stage('python', driver.example('python'), { index: 1 })
    assert.equal(staged.exitCode, 0, staged.log)
    assert.match(staged.log, /^-----> Python Buildpack version 0\.1\.0\n/)
    assert.match(staged.log, /^ {7}requirements\.txt names no dependencies$/m)
    assert.deepEqual(staged.processTypes, {}, 'the Procfile says how it starts')
    assert.equal(await readConfig(staged.droplet, 1), 'name: python\nversion: "0.1.0"\nconfig: {}\n')
    assert.deepEqual(await linksOutOf(staged.droplet), [])

    const command = 'python -c "import sys; print(sys.prefix)"; exec python app.py'
    const instance = await driver.start(staged.droplet, command)
    await instance.untilTheLogHas(join(staged.droplet, 'deps', '1', 'python'))
    assert.match(await (await instance.get('/<i>')).text(), /<dt>Instance<\/dt><dd>2<\/dd>[\s\S]+&lt;i&gt;/)
    assert.equal(await (await instance.get('/health')).text(), 'ok\n')
    assert.equal(await instance.stop(), 0)
    assert.match(instance.log, /Told to stop/)
    // A second instance of the same droplet finds the environment prepared.
    await driver.start(staged.droplet, 'python app.py')
  })

  it('works for platforms that know bin/compile alone', async () => {
    const staged = await driver.stage('python', driver.example('python'), { as: 'v2' })
    assert.equal(staged.exitCode, 0, staged.log)
    const instance = await driver.start(staged.droplet, 'python app.py')
    assert.equal((await instance.get('/health')).status, 200)
  })

  it('fails when the machine has no python3, and names the way out', async () => {
    const staged = await driver.stage('python', driver.example('python'), { path: await driver.pathWith() })
    assert.notEqual(staged.exitCode, 0)
    assert.match(
      staged.log,
      /^-----> python3 was not found on this machine\. Install Python 3 .*, or choose another buildpack\.$/m,
    )
  })

  it('uses the series that runtime.txt asks for, and warns when only the patch level differs', async () => {
    for (const [asked, warns] of [
      [`python-${minor}`, false],
      [`python-${minor}.x`, false],
      [`python-${minor}.999`, true],
    ] as const) {
      const staged = await driver.stage(
        'python',
        await driver.app({ 'requirements.txt': '', 'runtime.txt': `${asked}\n` }),
      )
      assert.equal(staged.exitCode, 0, staged.log)
      assert.equal(/WARNING\*\* runtime\.txt asks for/.test(staged.log), warns, asked)
    }
  })

  it('fails when the machine lacks the series, and when runtime.txt names none', async () => {
    const absent = await driver.stage(
      'python',
      await driver.app({ 'requirements.txt': '', 'runtime.txt': 'python-3.2.1' }),
    )
    assert.notEqual(absent.exitCode, 0)
    assert.match(absent.log, /^-----> python3\.2 was not found on this machine\./m)
    const wrong = await driver.stage('python', await driver.app({ 'requirements.txt': '', 'runtime.txt': 'latest' }))
    assert.notEqual(wrong.exitCode, 0)
    assert.match(wrong.log, /runtime\.txt says "latest"/)
  })

  it('asks for a Procfile when there is none', async () => {
    const staged = await driver.stage('python', await driver.app({ 'requirements.txt': '' }))
    assert.match(staged.log, /no Procfile/)
  })

  it('tells an app whose interpreter has gone from the machine to be staged again', async () => {
    const staged = await driver.stage('python', driver.example('python'))
    const script = join(staged.droplet, 'deps', '0', 'profile.d', 'python.sh')
    await writeFile(script, readFileSync(script, 'utf8').replace(/^vcap_python=.*$/m, 'vcap_python=/gone/python3'))
    await assert.rejects(
      driver.start(staged.droplet, 'false'),
      /\/gone\/python3, which this app was staged with, is not on this machine/,
    )
  })
})

describe('the python buildpack with dependencies', {
  skip:
    withoutVenv ||
    (spawnSync(python ?? '', ['-m', 'pip', '--version']).status !== 0 && 'pip not found on this machine'),
}, async () => {
  const wheels = await driver.newFolder('wheels')
  const wheel = 'greeter-1.0.0-py3-none-any.whl'
  const written = spawnSync(python ?? '', ['-c', writeWheel, join(wheels, wheel)], { encoding: 'utf8' })
  assert.equal(written.status, 0, written.stderr)
  const offline = { PIP_INDEX_URL: 'http://127.0.0.1:9/simple/', PIP_RETRIES: '0' }

  it('installs from the vendor folder alone, and the installed scripts work where the droplet lands', async () => {
    const app = await driver.app({ 'requirements.txt': 'greeter==1.0.0\n', 'app.py': server })
    await cp(wheels, join(app, 'vendor'), { recursive: true })
    const staged = await driver.stage('python', app, { env: offline })
    assert.equal(staged.exitCode, 0, staged.log)
    assert.match(staged.log, /Installing from the vendor folder alone/)
    assert.deepEqual(await linksOutOf(staged.droplet), [])
    const instance = await driver.start(staged.droplet, 'greet; exec python app.py')
    await instance.untilTheLogHas('good day\n')
    assert.equal(await (await instance.get('/')).text(), 'good day')
    const scripts = join(staged.droplet, 'deps', '0', 'python', 'bin')
    assert.deepEqual(
      readdirSync(scripts).filter((name) => /activate/i.test(name)),
      [],
    )
    assert.doesNotMatch(readFileSync(join(scripts, 'greet'), 'utf8'), /staging/)
  })

  it('fails with the words of pip when a requirement is not to be had', async () => {
    const app = await driver.app({ 'requirements.txt': 'greeter==2.0.0\n' })
    await cp(wheels, join(app, 'vendor'), { recursive: true })
    const staged = await driver.stage('python', app, { env: offline })
    assert.notEqual(staged.exitCode, 0)
    assert.match(staged.log, /No matching distribution found for greeter==2\.0\.0[\s\S]+-----> pip install failed\./)
  })

  it('downloads a package once for two stagings with one cache', async () => {
    let downloads = 0
    const index = createServer((request, response) => {
      if (request.url === '/simple/greeter/') {
        response.setHeader('Content-Type', 'text/html').end(`<a href="/${wheel}">${wheel}</a>`)
      } else if (request.url === `/${wheel}`) {
        downloads += 1
        response.setHeader('Cache-Control', 'max-age=3600, public').end(readFileSync(join(wheels, wheel)))
      } else response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => index.listen(0, '127.0.0.1', resolve))
    after(() => index.close())
    const env = {
      PIP_INDEX_URL: `http://127.0.0.1:${(index.address() as AddressInfo).port}/simple/`,
      PIP_TRUSTED_HOST: '127.0.0.1',
    }
    const app = await driver.app({ 'requirements.txt': 'greeter\n', 'app.py': server })
    const cache = await driver.newFolder('cache')
    for (const attempt of ['first', 'second']) {
      const staged = await driver.stage('python', app, { cache, env })
      assert.equal(staged.exitCode, 0, `${attempt}: ${staged.log}`)
      assert.match(staged.log, /Successfully installed greeter-1\.0\.0/)
    }
    assert.equal(downloads, 1)
  })
})
