import assert from 'node:assert/strict'
import { symlink, truncate } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { BuildpackDriver, linksOutOf, type RunningInstance, readConfig, type StageOptions } from './buildpack-driver.ts'

const driver = await BuildpackDriver.create()
after(() => driver[Symbol.asyncDispose]())

async function serve(files: Record<string, string>, options: StageOptions = {}): Promise<RunningInstance> {
  const staged = await driver.stage('staticfile', await driver.app({ Staticfile: '', ...files }), options)
  assert.equal(staged.exitCode, 0, staged.log)
  return await driver.start(staged.droplet, 'serve-static', options)
}

/** A request whose path is sent as it stands; fetch would tidy it up. */
function raw(
  instance: RunningInstance,
  path: string,
  method = 'GET',
): Promise<{ status: number; body: string; location?: string }> {
  const { hostname, port } = new URL(instance.url)
  return new Promise((resolve, reject) => {
    httpRequest({ hostname, port, path, method }, (response) => {
      text(response).then((body) => {
        const { location } = response.headers
        resolve({ status: response.statusCode ?? 0, body, ...(location === undefined ? {} : { location }) })
      }, reject)
    })
      .on('error', reject)
      .end()
  })
}

describe('the staticfile buildpack', () => {
  it('takes an app with a Staticfile and no other', async () => {
    const { exitCode, output } = await driver.detect('staticfile', driver.example('static-site'))
    assert.deepEqual({ exitCode, output }, { exitCode: 0, output: 'staticfile 0.1.0\n' })
    assert.equal((await driver.detect('staticfile', await driver.app({ 'index.html': '' }))).exitCode, 1)
  })

  it('stages and serves the example, also where only bin/compile is known', async () => {
    for (const as of ['v3', 'v2'] as const) {
      const staged = await driver.stage('staticfile', driver.example('static-site'), { as })
      assert.equal(staged.exitCode, 0, staged.log)
      assert.match(staged.log, /^-----> Staticfile Buildpack version 0\.1\.0\n[\s\S]+^ {7}Serving public$/m)
      assert.deepEqual(staged.processTypes, { web: 'serve-static' })
      assert.deepEqual(await linksOutOf(staged.droplet), [])
      if (as === 'v3')
        assert.equal(await readConfig(staged.droplet), 'name: staticfile\nversion: "0.1.0"\nconfig: {}\n')
      const instance = await driver.start(staged.droplet, 'serve-static')
      const page = await instance.get('/')
      assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8')
      assert.match(await page.text(), /Nothing here runs but a file server/)
      assert.equal((await instance.get('/hills.svg')).headers.get('content-type'), 'image/svg+xml')
      const lost = await instance.get('/nowhere')
      assert.equal(lost.status, 404)
      assert.match(await lost.text(), /This page is not here/)
      assert.equal(await instance.stop(), 0)
    }
  })

  it('fails when the machine has no node, and names the way out', async () => {
    const staged = await driver.stage('staticfile', driver.example('static-site'), { path: await driver.pathWith() })
    assert.notEqual(staged.exitCode, 0)
    assert.match(
      staged.log,
      /^-----> node was not found on this machine\. Install Node\.js .*, or choose another buildpack\.$/m,
    )
  })

  for (const [what, files, message] of [
    [
      'a root that the app does not have',
      { Staticfile: 'root: dist' },
      /root is "dist", and the app has no such folder/,
    ],
    ['a root outside the app', { Staticfile: 'root: a/../../b' }, /lies outside the app/],
    ['a line that is no setting', { Staticfile: 'root: .\nnonsense' }, /Staticfile, line 2: .*nonsense/],
    [
      'a password hash that it cannot check',
      { 'Staticfile.auth': 'bob:$2y$05$abc' },
      /password of "bob" must be hashed/,
    ],
  ] as const) {
    it(`fails for ${what}`, async () => {
      const staged = await driver.stage('staticfile', await driver.app({ Staticfile: '', ...files }))
      assert.notEqual(staged.exitCode, 0)
      assert.match(staged.log, message)
    })
  }

  it('warns of settings of nginx that it does not have', async () => {
    const app = await driver.app({ Staticfile: '---\nssi: enabled # yes\nlocation_include: x.conf', 'nginx.conf': '' })
    const { log, exitCode } = await driver.stage('staticfile', app)
    assert.equal(exitCode, 0)
    for (const name of ['ssi', 'location_include']) assert.match(log, new RegExp(`WARNING\\*\\* "${name}"`))
    assert.match(log, /WARNING\*\* nginx\.conf is ignored/)
  })
})

describe('the file server', () => {
  const digits = '0123456789'
  let instance: RunningInstance
  before(async () => {
    instance = await serve({
      'Staticfile.auth.md': '',
      'manifest.yml': 'secret',
      'digits.bin': digits,
      'empty.txt': '',
      'long.css': 'a { color: red }\n'.repeat(1000),
      'docs/index.html': 'docs',
      'docs/a b&.html': 'odd name',
      'bare/x.txt': 'x',
      '.env': 'secret',
      '.well-known/security.txt': 'contact',
      'page.html': 'page',
    })
  })

  it('answers a folder with its index, and sends a visitor to the address with the slash', async () => {
    assert.equal(await (await instance.get('/docs/')).text(), 'docs')
    assert.deepEqual(await raw(instance, '/docs?a=b'), { status: 301, body: '', location: '/docs/?a=b' })
    assert.equal((await instance.get('/bare/')).status, 404)
    assert.equal((await instance.get('/page.html/')).status, 404)
  })

  it('never sends a visitor to another host', async () => {
    assert.equal((await raw(instance, '//docs')).location, '/docs/')
    assert.equal((await raw(instance, '/%2fdocs')).location, '/docs/')
  })

  it('decodes names', async () => {
    assert.equal(await (await instance.get('/docs/a%20b%26.html')).text(), 'odd name')
  })

  it('refuses paths that lead out of the site or are none', async () => {
    for (const path of ['/../secret', '/%2e%2e/secret', '/docs/..%2f..%2fsecret', '/%00', '/%zz', 'docs']) {
      assert.equal((await raw(instance, path)).status, 400, path)
    }
  })

  it('hides dot files and what tells the platform about the app, but not .well-known', async () => {
    for (const path of ['/.env', '/Staticfile', '/manifest.yml', '/./Staticfile', '/%53taticfile']) {
      const { status, body } = await raw(instance, path)
      assert.equal(status, 404, path)
      assert.doesNotMatch(body, /secret/)
    }
    assert.equal(await (await instance.get('/.well-known/security.txt')).text(), 'contact')
  })

  it('does not follow links out of the site', async () => {
    const staged = await driver.stage(
      'staticfile',
      await driver.app({ Staticfile: 'root: public', 'public/in.txt': 'in', 'out.txt': 'out' }),
    )
    await symlink('../out.txt', join(staged.droplet, 'app', 'public', 'out-link.txt'))
    await symlink('in.txt', join(staged.droplet, 'app', 'public', 'in-link.txt'))
    const linked = await driver.start(staged.droplet, 'serve-static')
    await linked.untilTheLogHas('Serving public on port')
    assert.equal(await (await linked.get('/in-link.txt')).text(), 'in')
    assert.equal((await linked.get('/out-link.txt')).status, 404)
  })

  it('allows GET and HEAD alone', async () => {
    const post = await instance.get('/page.html', { method: 'POST', body: 'x' })
    assert.equal(post.status, 405)
    assert.equal(post.headers.get('allow'), 'GET, HEAD')
    const head = await instance.get('/page.html', { method: 'HEAD' })
    assert.equal(head.headers.get('content-length'), '4')
    assert.equal(await head.text(), '')
  })

  for (const [range, status, body, contentRange] of [
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-2', 206, '89', 'bytes 8-9/10'],
    ['bytes=-99', 206, digits, 'bytes 0-9/10'],
    ['bytes=5-99', 206, '56789', 'bytes 5-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=-0', 416, '', 'bytes */10'],
    ['bytes=0-1,3-4', 200, digits, null],
    ['bytes=4-2', 200, digits, null],
    ['lines=1-2', 200, digits, null],
  ] as const) {
    it(`answers the range ${range} with ${status}`, async () => {
      const response = await instance.get('/digits.bin', { headers: { range } })
      assert.equal(response.status, status)
      assert.equal(response.headers.get('content-range'), contentRange)
      assert.equal(await response.text(), body)
    })
  }

  it('sends the part only while the file is the one that the client has', async () => {
    const etag = (await instance.get('/digits.bin')).headers.get('etag') ?? ''
    const same = await instance.get('/digits.bin', { headers: { range: 'bytes=0-0', 'if-range': etag } })
    assert.equal(same.status, 206)
    const other = await instance.get('/digits.bin', { headers: { range: 'bytes=0-0', 'if-range': '"other"' } })
    assert.equal(other.status, 200)
  })

  it('does not send again what the client has', async () => {
    for (const path of ['/digits.bin', '/long.css']) {
      const first = await instance.get(path)
      await first.arrayBuffer()
      const byTag = await instance.get(path, { headers: { 'if-none-match': `"x", ${first.headers.get('etag')}` } })
      assert.equal(byTag.status, 304)
      const byDate = await instance.get(path, {
        headers: { 'if-modified-since': first.headers.get('last-modified') ?? '' },
      })
      assert.equal(byDate.status, 304)
      const older = await instance.get(path, { headers: { 'if-modified-since': 'Thu, 01 Jan 1970 00:00:00 GMT' } })
      assert.equal(older.status, 200)
      const changed = await instance.get(path, {
        headers: { 'if-none-match': '"x"', 'if-modified-since': first.headers.get('last-modified') ?? '' },
      })
      assert.equal(changed.status, 200, 'a tag that differs outweighs a date')
    }
  })

  it('compresses text for those who take it', async () => {
    const compressed = await instance.get('/long.css', { headers: { 'accept-encoding': 'gzip' } })
    assert.equal(compressed.headers.get('content-encoding'), 'gzip')
    assert.equal(compressed.headers.get('vary'), 'Accept-Encoding')
    assert.equal((await compressed.text()).length, 17_000)
    for (const encoding of ['identity', 'gzip;q=0', 'br']) {
      const plain = await instance.get('/long.css', { headers: { 'accept-encoding': encoding } })
      assert.equal(plain.headers.get('content-encoding'), null, encoding)
      assert.equal(plain.headers.get('content-length'), '17000')
      await plain.text()
    }
    assert.equal((await instance.get('/digits.bin')).headers.get('content-encoding'), null)
  })

  it('serves an empty file', async () => {
    const response = await instance.get('/empty.txt')
    assert.deepEqual([response.status, await response.text()], [200, ''])
  })

  it('finishes the answers in flight when it is told to stop, and starts no other', async () => {
    const staged = await driver.stage('staticfile', await driver.app({ Staticfile: '', 'big.bin': '' }))
    await truncate(join(staged.droplet, 'app', 'big.bin'), 64 * 1024 * 1024)
    const site = await driver.start(staged.droplet, 'serve-static')
    const slow = await site.get('/big.bin')
    const stopped = site.stop()
    await assertRefusedSoon(site)
    assert.equal((await slow.arrayBuffer()).byteLength, 64 * 1024 * 1024)
    assert.equal(await stopped, 0)
  })
})

describe('the settings of a Staticfile', () => {
  it('pushstate answers every unknown path with the index', async () => {
    const site = await serve({ Staticfile: 'pushstate: enabled', 'index.html': 'app', 'a.txt': 'a' })
    assert.equal(await (await site.get('/deep/link')).text(), 'app')
    assert.equal(await (await site.get('/a.txt')).text(), 'a')
    assert.equal(await (await site.get('/.env')).text(), 'app')
  })

  it('directory lists folders without what is hidden, with names that are no markup', async () => {
    const site = await serve({
      Staticfile: 'directory: visible',
      'sub/<b>.txt': '12',
      'sub/deep/x': '',
      'sub/.hidden': '',
    })
    const list = await (await site.get('/sub/')).text()
    assert.match(list, /href="\.\/deep\/"[\s\S]+href="\.\/%3Cb%3E\.txt">&#60;b&#62;\.txt<\/a><\/td><td>2 bytes/)
    assert.doesNotMatch(list, /hidden/)
    assert.doesNotMatch(await (await site.get('/')).text(), /Staticfile/)
  })

  it('host_dot_files shows dot files', async () => {
    const site = await serve({ Staticfile: 'host_dot_files: true', '.env': 'shown' })
    assert.equal(await (await site.get('/.env')).text(), 'shown')
  })

  it('status_codes names the pages of errors, and 404.html needs no setting', async () => {
    const named = await serve({ Staticfile: 'status_codes:\n  404: /errors/lost.html', 'errors/lost.html': 'lost' })
    const response = await named.get('/x', { headers: { range: 'bytes=0-0' } })
    assert.deepEqual([response.status, await response.text()], [404, 'lost'])
    const plain = await serve({ '404.html': 'own' })
    assert.equal(await (await plain.get('/x')).text(), 'own')
  })

  it('force_https and FORCE_HTTPS send visitors to https', async () => {
    for (const [Staticfile, env] of [
      ['force_https: true', {}],
      ['', { FORCE_HTTPS: 'true' }],
    ] as const) {
      const site = await serve({ Staticfile, 'index.html': 'app' }, { env })
      const response = await site.get('/a?b')
      assert.equal(response.status, 301)
      assert.equal(response.headers.get('location'), `${site.url.replace('http:', 'https:')}/a?b`)
      assert.equal((await site.get('/', { headers: { 'x-forwarded-proto': 'https' } })).status, 200)
    }
  })

  it('http_strict_transport_security tells browsers to stay with https', async () => {
    const site = await serve({
      Staticfile: 'http_strict_transport_security: true\nhttp_strict_transport_security_include_subdomains: true',
      'index.html': '',
    })
    const response = await site.get('/')
    assert.equal(response.headers.get('strict-transport-security'), 'max-age=31536000; includeSubDomains')
  })

  it('Staticfile.auth lets in those who know a password, whatever its hash', async () => {
    // The hash of "myPassword" is the example in Apache's documentation of password formats.
    const site = await serve({
      'Staticfile.auth':
        'ann:$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/\nbob:{PLAIN}open sesame:a comment\n# comment\neve:{SHA}3OptnM09ILoVSfbZtd3mB0IViII=',
      'index.html': 'secret',
    })
    const status = async (login?: string) =>
      (await site.get('/', { headers: login ? { authorization: `Basic ${btoa(login)}` } : {} })).status
    assert.equal(await status(), 401)
    assert.equal((await site.get('/')).headers.get('www-authenticate'), 'Basic realm="Restricted", charset="UTF-8"')
    assert.equal(await status('ann:myPassword'), 200)
    assert.equal(await status('bob:open sesame'), 200)
    assert.equal(await status('eve:a:b'), 200)
    for (const wrong of ['ann:mypassword', 'bob:', 'eve:a', 'toString:x', 'nobody:myPassword']) {
      assert.equal(await status(wrong), 401, wrong)
    }
    assert.equal(
      (await site.get('/Staticfile.auth', { headers: { authorization: `Basic ${btoa('eve:a:b')}` } })).status,
      404,
    )
  })
})

async function assertRefusedSoon(instance: RunningInstance): Promise<void> {
  const deadline = performance.now() + 60_000
  while (performance.now() < deadline) {
    const refused = await fetch(`${instance.url}/none`).then(
      async (response) => {
        await response.arrayBuffer()
        return false
      },
      () => true,
    )
    if (refused) return
  }
  assert.fail('new visitors are still answered')
}
