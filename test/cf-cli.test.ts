import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { eventually, loggedErrors, type RunningCloudFoundry, startCloudFoundry } from '@vcap/testkit'
import { Cf, whyNoCf } from './cf-command.ts'

const examples = resolve(import.meta.dirname, '../examples')

/** A line of a table: cells with blanks between them. */
const row = (...cells: string[]) =>
  new RegExp(`^${cells.map((cell) => cell.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join(' +')} *$`, 'm')

describe('the cf command line', { skip: whyNoCf() ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vcap-cf-'))
  const cf = new Cf(folder)
  const hello = { cwd: join(examples, 'nodejs') }
  let cloud: RunningCloudFoundry
  let api: string

  before(async () => {
    cloud = await startCloudFoundry()
    api = cloud.apiUrl
  })
  after(async () => {
    await cloud.stop()
    rmSync(folder, { recursive: true })
  })

  /** A folder with an app of a few files. */
  function app(name: string, files: Record<string, string>): { cwd: string } {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name, path)), { recursive: true })
      writeFileSync(join(folder, name, path), content)
    }
    return { cwd: join(folder, name) }
  }

  /** A crashed instance starts again at once, three times: it may show as starting in between, but stays crashed in the end. */
  const untilCrashed = (name: string) => untilShown(['app', name], /instances: +0\/1\n[\s\S]*^#0 +crashed /m)
  /** For what the API takes over from other components: how instances are, what they log, that they crashed. */
  const untilShown = (commandLine: readonly string[], pattern: RegExp) =>
    eventually(`cf ${commandLine.join(' ')} to show ${pattern}`, async () => {
      const screen = await cf.ok(commandLine)
      if (!pattern.test(screen)) throw new Error(screen)
      return screen
    })
  const untilLogged = (name: string, line: RegExp) => untilShown(['logs', name, '--recent'], line)
  const pageOf = async (host: string) => (await cloud.page(`${host}.apps.localhost`, '/')).status

  it('logs in; a wrong password is refused', async () => {
    const wrong = await cf.fails(['login', '-a', api, '-u', 'admin', '-p', 'wrong'])
    assert.match(wrong.screen, /Credentials were rejected, please try again\./)
    const screen = await cf.ok(['login', '-a', api, '-u', 'admin', '-p', 'admin'])
    assert.match(screen, /Authenticating\.\.\.\nOK/)
    assert.match(screen, new RegExp(`API endpoint: +${api}\nAPI version: +3\\.\\d+\\.\\d+\nuser: +admin\n`))
  })

  it('creates and targets an organization and a space', async () => {
    assert.match(await cf.ok(['create-org', 'acme']), /Creating org acme as admin\.\.\.\nOK/)
    assert.match(
      await cf.ok(['create-space', 'dev', '-o', 'acme']),
      /OK\n\nAssigning role SpaceManager to user admin.*\nOK\n\nAssigning role SpaceDeveloper to user admin.*\nOK/,
    )
    assert.match(await cf.ok(['target', '-o', 'acme', '-s', 'dev']), /org: +acme\nspace: +dev\n/)
    const again = await cf.run(['create-org', 'acme'])
    assert.match(again.screen, /Organization 'acme' already exists\.\nOK/)
    assert.match(await cf.ok(['orgs']), row('acme'))
    assert.match(await cf.ok(['org', 'acme']), /domains: +apps\.localhost\nquota: +default\nspaces: +dev\n/)
    assert.match(await cf.ok(['spaces']), row('dev'))
  })

  it('pushes an app, shows its staging log and its statistics, and ends when it runs', async () => {
    const screen = await cf.ok(['push', 'hello'], hello)
    for (const words of [
      /Pushing app hello to org acme \/ space dev as admin\.\.\./,
      /Applying manifest file .*\/manifest\.yml\.\.\./,
      /^\+ - name: hello$/m,
      /Staging app and tracing logs\.\.\./,
      /Waiting for app hello to start\.\.\./,
      /requested state: +started\nroutes: +hello\.apps\.localhost\n/,
      /stack: +cflinuxfs4\n/,
      /\tnodejs_buildpack +\d+\.\d+\.\d+ +nodejs \d+\.\d+\.\d+ +nodejs$/m,
      /start command: +node server\.js\n/,
      /^#0 +running +\S+ .* of 128M .* of 1G .* of 1M\/s +true$/m,
    ])
      assert.match(screen, words)
    await eventually('its page', async () => (await pageOf('hello')) === 200)
    await untilShown(
      ['app', 'hello'],
      /^#0 +running +\S+ +[\d.]+% +[\d.]+[KM] of 128M +[\d.]+[KM] of 1G +[\d.]+[BKM]\/s of 1M\/s +true$/m,
    )
    // cf shows what log-cache has of the build two seconds before it ends: on a slow machine, or a bad moment, that is not all.
    const staging = /^ {3}-----> Nodejs Buildpack version /m
    await eventually('a push that shows its staging log', async () =>
      staging.test(await cf.ok(['push', 'hello'], hello)),
    )
  })

  it('shows apps, an app, its environment and its space', async () => {
    await untilShown(['apps'], row('hello', 'started', 'web:1/1', 'hello.apps.localhost'))
    await untilShown(['app', 'hello'], /instances: +1\/1\nmemory usage: +128M\n/)
    assert.match(
      await cf.ok(['env', 'hello']),
      /"application_name": "hello"[\s\S]*User-Provided:\nGREETING: +Hello from Node\.js\n/,
    )
    assert.match(await cf.ok(['space', 'dev']), /org: +acme\napps: +hello\n/)
  })

  it('shows recent logs, and new ones while they come', async () => {
    for (const source of ['API', 'STG', 'CELL', 'APP\\/PROC\\/WEB', 'RTR'])
      await untilLogged('hello', new RegExp(`^ {3}\\d{4}-\\d\\d-\\d\\dT[\\d:.]+\\+0000 \\[${source}/0\\] OUT `, 'm'))
    await cf.untilPrinted(['logs', 'hello'], /\[APP\/PROC\/WEB\/0\] OUT while you look$/m, () =>
      cloud.page('hello.apps.localhost', '/log?line=while+you+look'),
    )
  })

  it('sets a variable, which a restage brings to the app', async () => {
    assert.match(await cf.ok(['set-env', 'hello', 'GREETING', 'Servus']), /OK\n\nTIP: Use 'cf restage hello'/)
    assert.match(await cf.ok(['restage', 'hello']), /^Staging app and tracing logs\.\.\.$[\s\S]*^#0 +running /m)
    await eventually('the new greeting', async () =>
      (await cloud.page('hello.apps.localhost', '/')).body.includes('<h1>Servus</h1>'),
    )
  })

  it('scales, stops, starts, restarts and renames', async () => {
    await cf.ok(['scale', 'hello', '-i', '3'])
    await untilShown(['app', 'hello'], /instances: +3\/3/)
    assert.match(
      await cf.ok(['scale', 'hello', '-m', '96M', '-f']),
      // cf goes on when one of the three runs, whichever it is.
      /memory usage: +96M\n[\s\S]*^#\d +running .* of 96M /m,
    )
    await cf.ok(['scale', 'hello', '-i', '1'])
    await cf.ok(['stop', 'hello'])
    assert.match(await cf.ok(['apps']), row('hello', 'stopped', 'web:0/1', 'hello.apps.localhost'))
    assert.match(await cf.ok(['start', 'hello']), /requested state: +started\n[\s\S]*^#0 +running /m)
    assert.match(await cf.ok(['restart', 'hello']), /Stopping app\.\.\.[\s\S]*^#0 +running /m)
    assert.match(await cf.ok(['rename', 'hello', 'hullo']), /Renaming app hello to hullo[\s\S]*OK/)
    await cf.ok(['rename', 'hullo', 'hello'])
  })

  it('pushes several apps with several processes from one manifest', async () => {
    const screen = await cf.ok(['push', '-f', 'manifest.yml'], { cwd: join(examples, 'manifest') })
    assert.match(screen, /name: +quotes\n[\s\S]*type: +web\n[\s\S]*type: +worker\n[\s\S]*name: +quotes-page\n/)
    await untilShown(['apps'], /^quotes +started +web:2\/2, worker:1\/1 +quotes\.apps\.localhost$/m)
    await untilShown(
      ['apps'],
      /^quotes-page +started +web:1\/1 +quotes-page\.apps\.localhost, quotes-page\.apps\.localhost\/today$/m,
    )
    await cf.ok(['delete', 'quotes', '-r', '-f'])
    await cf.ok(['delete', 'quotes-page', '-r', '-f'])
  })

  it('creates, maps, shows, unmaps and deletes routes; shows domains, buildpacks and stacks', async () => {
    assert.match(
      await cf.ok(['create-route', 'apps.localhost', '--hostname', 'extra']),
      /Route extra\.apps\.localhost has been created\.\nOK/,
    )
    await cf.ok(['map-route', 'hello', 'apps.localhost', '--hostname', 'extra'])
    assert.match(await cf.ok(['routes']), /^dev +extra +apps\.localhost +http +http1 +8080 +hello *$/m)
    await eventually('the page of the new route', async () => (await pageOf('extra')) === 200)
    await cf.ok(['unmap-route', 'hello', 'apps.localhost', '--hostname', 'extra'])
    await eventually('the page to be gone', async () => (await pageOf('extra')) !== 200)
    await cf.ok(['delete-route', 'apps.localhost', '--hostname', 'extra', '-f'])
    assert.doesNotMatch(await cf.ok(['routes']), /extra/)
    assert.match(await cf.ok(['domains']), row('apps.localhost', 'shared', 'http'))
    const buildpacks = await cf.ok(['buildpacks'])
    for (const [index, name] of ['staticfile', 'nodejs', 'python', 'binary', 'procfile'].entries())
      assert.match(
        buildpacks,
        row(
          `${index + 1}`,
          `${name}_buildpack`,
          'cflinuxfs4',
          'true',
          'false',
          'READY',
          `${name}_buildpack.zip`,
          'buildpack',
        ),
      )
    assert.match(await cf.ok(['stacks']), /^cflinuxfs4 +\S.* +ACTIVE$/m)
  })

  it('creates users, gives them roles, shows who has which; a user changes the password and is deleted', async () => {
    assert.match(await cf.ok(['create-user', 'ada', 'secret-1']), /Creating user ada\.\.\.\nOK/)
    await cf.ok(['set-org-role', 'ada', 'acme', 'OrgManager'])
    await cf.ok(['set-space-role', 'ada', 'acme', 'dev', 'SpaceAuditor'])
    assert.match(await cf.ok(['org-users', 'acme']), /ORG MANAGER\n {2}ada \(uaa\)/)
    assert.match(await cf.ok(['space-users', 'acme', 'dev']), /SPACE AUDITOR\n {2}ada \(uaa\)/)

    const home = join(folder, 'ada')
    mkdirSync(home)
    const ada = new Cf(home)
    await ada.ok(['login', '-a', api, '-u', 'ada', '-p', 'secret-1', '-o', 'acme', '-s', 'dev'])
    const forbidden = await ada.fails(['push', 'hers'], hello)
    assert.match(forbidden.errors, /You are not authorized to perform the requested action/)
    assert.match(
      await ada.ok(['passwd'], { input: 'secret-1\nsecret-2\nsecret-2\n' }),
      /Changing password for user ada\.\.\.\nOK\n\nPlease log in again\./,
    )
    await ada.fails(['auth', 'ada', 'secret-1'])
    await ada.ok(['auth', 'ada', 'secret-2'])

    await cf.ok(['unset-org-role', 'ada', 'acme', 'OrgManager'])
    assert.doesNotMatch(await cf.ok(['org-users', 'acme']), /ada/)
    assert.match(await cf.ok(['delete-user', 'ada', '-f']), /Deleting user ada as admin\.\.\.\nOK/)
    await ada.fails(['auth', 'ada', 'secret-2'])
  })

  it('tells what is wrong with a push: the manifest, the folder, the build, the app', async () => {
    const manifest = 'applications:\n- name: odd\n  memory: 12 elephants\n'
    const invalid = await cf.fails(['push'], app('odd', { 'manifest.yml': manifest }))
    assert.match(invalid.errors, /For application 'odd': Process "web": Memory must use a supported unit: B, K, KB, M/)

    const missing = await cf.fails(['push', 'nothing', '-p', join(folder, 'no-such-folder')])
    assert.match(missing.errors, /The specified path '.*\/no-such-folder' does not exist\./)

    const unknown = await cf.fails(['push', 'poem'], app('poem', { 'poem.txt': 'no program at all\n' }))
    await untilLogged(
      'poem',
      /\[STG\/0\] ERR None of the buildpacks detected a compatible application\n.*\[STG\/0\] OUT Exit status 222$/m,
    )
    assert.match(unknown.errors, /NoAppDetectedError - An app was not successfully detected by any available buildpack/)

    const broken = app('broken', { 'package.json': '{ "name": "broken", "engines": { "node": "3.x" } }' })
    const failed = await cf.fails(['push', 'broken'], broken)
    await untilLogged('broken', /\[STG\/0\] (OUT|ERR) -----> The app asks for node 3\.x, and this machine has v/)
    assert.match(failed.output, /^FAILED$/m)
    assert.match(failed.errors, /BuildpackCompileFailed - App staging failed in the buildpack compile phase/)

    const binary = ['-b', 'binary_buildpack', '-m', '64M']
    const crashing = app('crashing', { Procfile: 'web: echo oh no; exit 3\n' })
    const crashed = await cf.fails(['push', 'crashing', ...binary], crashing)
    assert.match(crashed.errors, /Start unsuccessful\n\nTIP: use 'cf logs crashing --recent' for more information/)
    await untilCrashed('crashing')
    await untilLogged('crashing', /\[APP\/PROC\/WEB\/0\] OUT oh no$/m)
    await untilShown(
      ['events', 'crashing'],
      /audit\.app\.process\.crash +web +index: 0, reason: CRASHED,.* exit_description: APP\/PROC\/WEB: Exited with status 3/,
    )

    const deaf = await cf.fails(['push', 'deaf', ...binary, '-c', 'sleep 1000', '-t', '1'], crashing)
    assert.match(deaf.errors, /Start unsuccessful\n\nTIP: use 'cf logs deaf --recent' for more information/)
    await untilCrashed('deaf')
    await untilLogged('deaf', /\[HEALTH\/0\] ERR Failed to make TCP connection to port \d+: connection refused$/m)
  })

  it('deletes an app with its routes, a space and an organization with all that is in them', async () => {
    assert.match(
      await cf.ok(['delete', 'hello', '-r', '-f']),
      /Deleting app hello in org acme \/ space dev as admin\.\.\.\nOK/,
    )
    assert.doesNotMatch(await cf.ok(['apps']), /hello/)
    assert.doesNotMatch(await cf.ok(['routes']), /hello/)
    await cf.ok(['rename-space', 'dev', 'attic'])
    assert.match(await cf.ok(['delete-space', 'attic', '-f']), /Deleting space attic in org acme as admin\.\.\.\nOK/)
    await cf.ok(['rename-org', 'acme', 'gone'])
    assert.match(await cf.ok(['delete-org', 'gone', '-f']), /Deleting org gone as admin\.\.\.\nOK/)
    assert.doesNotMatch(await cf.ok(['orgs']), /gone/)
  })

  it('found no error in any component', () => {
    assert.deepEqual(loggedErrors(cloud.dataDirectory), [])
  })
})
