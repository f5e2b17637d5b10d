import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startNatsBroker } from '@vcap/nats-broker'
import { LogEnvelope, RouterRegistration } from '@vcap/protocol'
import { openProcessTable } from '../processes/process-table.ts'
import { eventually } from '../testing/eventually.ts'
import { TestCloud } from '../testing/test-cloud.ts'

/** An HTTP server on the PORT it is given, with requests that make it misbehave. It is sick for the first SICK questions after its health. */
const server = `
const { createServer } = require('node:http')
let sickFor = Number(process.env.SICK ?? 0)
createServer((request, response) => {
  if (request.url === '/die') process.exit(7)
  if (request.url === '/sicken') sickFor = Infinity
  if (request.url === '/recover') sickFor = 0
  if (request.url === '/deafen') process.exitCode = 0, server.close(), setInterval(() => {}, 1000)
  const isSick = request.url === '/health' && sickFor-- > 0
  if (isSick) console.log('too sick')
  response.writeHead(isSick ? 503 : 200).end('hello')
}).listen(process.env.PORT, () => console.log('listening'))
const server = { close: () => {} }
`

describe('an instance', () => {
  let cloud: TestCloud
  let cell: string
  let dataDirectory: string

  before(async () => {
    cloud = await TestCloud.open(startNatsBroker)
    ;({ id: cell, dataDirectory } = await cloud.cell())
  })
  after(() => cloud.close())

  const web = async (overrides: Parameters<TestCloud['startMessage']>[1] = {}) =>
    cloud.startMessage(
      { 'server.js': server },
      { start_command: 'node server.js', health_check: { type: 'port' }, ...overrides },
    )
  const script = (text: string, overrides: Parameters<TestCloud['startMessage']>[1] = {}) =>
    cloud.startMessage({ 'run.sh': text }, { start_command: 'bash run.sh', uris: [], ...overrides })
  const addressOf = (droplet: string) =>
    eventually('a route', () => {
      const found = cloud.bus.registrations(droplet)[0]
      return found && `http://${found.host}:${found.port}`
    })
  const appLog = (droplet: string) =>
    cloud.bus
      .log(droplet)
      .filter(({ source }) => source === 'APP/PROC/WEB')
      .map(({ line }) => line)

  it('is started, healthy by its port, routed, logged and stopped', async () => {
    const message = await web()
    const instance = await cloud.run(cell, message)
    const registration = await cloud.bus.message(
      'router.register',
      RouterRegistration.parse,
      ({ app }) => app === message.droplet,
    )
    const { port, host } = registration
    assert.deepEqual(registration, {
      host: '127.0.0.1',
      port,
      uris: ['shop.apps.test'],
      app: message.droplet,
      dea: cell,
      tags: {
        component: `dea-${cell}`,
        process_id: message.droplet,
        process_type: 'web',
        process_instance_id: instance.instance,
      },
      private_instance_id: instance.instance,
      private_instance_index: '0',
    })
    assert.equal(await (await fetch(`http://${host}:${port}/`)).text(), 'hello')
    await cloud.bus.line(message.droplet, 'APP/PROC/WEB', 'listening')

    cloud.bus.publish('dea.stop', { droplet: message.droplet })
    await cloud.bus.message('router.unregister', RouterRegistration.parse, ({ app }) => app === message.droplet)
    await cloud.bus.line(message.droplet, 'CELL', /^Cell .* successfully destroyed container for instance/)
    await cloud.bus.states(message.droplet)
    await assert.rejects(fetch(`http://${host}:${port}/`))
    assert.deepEqual(
      cloud.bus
        .log(message.droplet)
        .filter(({ source }) => source === 'CELL')
        .map(({ line }) =>
          line
            .replaceAll(cell, '<cell>')
            .replaceAll(instance.instance, '<instance>')
            .replace(/\(.*\)/, '(<size>)'),
        ),
      [
        'Cell <cell> creating container for instance <instance>',
        'Cell <cell> successfully created container for instance <instance>',
        'Downloading droplet...',
        'Downloaded droplet (<size>)',
        'Starting health monitoring of container',
        'Container became healthy',
        'Cell <cell> stopping instance <instance>',
        'Cell <cell> destroying container for instance <instance>',
        'Cell <cell> successfully destroyed container for instance <instance>',
      ],
    )
    await cloud.bus.line(message.droplet, 'APP/PROC/WEB', 'Exit status 143')
    assert.deepEqual(
      cloud.bus.on('droplet.exited').filter((exited) => JSON.stringify(exited).includes(message.droplet)),
      [],
    )
    await eventually('the memory back', () => cloud.advertisement(cell)?.available_memory === 4096 || undefined)
    assert.deepEqual(await readdir(join(dataDirectory, 'work', 'instances')), [])
  })

  it('has the environment of Cloud Foundry, what the user set above it, and nothing of the cell', async () => {
    process.env.CELL_SECRET = 'leak'
    const message = await script('env -0 | tr "\\n\\0" " \\n"; pwd; sleep 1000', {
      env: ['GREETING=hello=world', 'LANG=C', 'CF_INSTANCE_GUID=forged'],
      index: 3,
      uris: ['shop.apps.test', 'www.apps.test'],
      vcap_application: { application_name: 'shop', space_name: 'dev', users: null },
      services: [
        {
          name: 'orders',
          label: 'p-mysql',
          tags: ['db'],
          plan: 'small',
          credentials: { uri: 'postgresql://u:p@db/x' },
          volume_mounts: [],
        },
        { name: 'mine', label: 'user-provided', tags: [], credentials: { key: 1 }, volume_mounts: [] },
      ],
    })
    const { instance: guid } = await cloud.run(cell, message)
    delete process.env.CELL_SECRET
    await cloud.bus.line(message.droplet, 'APP/PROC/WEB', /^\//)
    const lines = appLog(message.droplet)
    const environment = Object.fromEntries(
      lines
        .filter((line) => /^\w+=/.test(line))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
    const { VCAP_APPLICATION, VCAP_SERVICES, PATH, PORT, ...rest } = environment
    const home = join(dataDirectory, 'work', 'instances', guid)
    assert.ok(lines.includes(`${home}/app`))
    assert.deepEqual(rest, {
      CF_INSTANCE_ADDR: `127.0.0.1:${PORT}`,
      CF_INSTANCE_GUID: guid,
      CF_INSTANCE_INDEX: '3',
      CF_INSTANCE_INTERNAL_IP: '127.0.0.1',
      CF_INSTANCE_IP: '127.0.0.1',
      CF_INSTANCE_PORT: PORT,
      CF_INSTANCE_PORTS: `[{"external":${PORT},"internal":${PORT}}]`,
      DATABASE_URL: 'postgres://u:p@db/x',
      DEPS_DIR: `${home}/deps`,
      GREETING: 'hello=world',
      HOME: `${home}/app`,
      LANG: 'C',
      MEMORY_LIMIT: '256m',
      OLDPWD: rest.OLDPWD,
      PWD: `${home}/app`,
      SHLVL: rest.SHLVL,
      TMPDIR: `${home}/tmp`,
      USER: 'vcap',
      VCAP_APP_HOST: '0.0.0.0',
      VCAP_APP_PORT: PORT,
      _: rest._,
    })
    assert.match(PATH ?? '', /^\/usr\/local\/sbin:.*\/bin/)
    const application = JSON.parse(VCAP_APPLICATION ?? '')
    assert.match(application.started_at, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000$/)
    assert.equal(application.started_at_timestamp, application.state_timestamp)
    delete application.started_at_timestamp
    delete application.state_timestamp
    delete application.started_at
    delete application.start
    assert.deepEqual(application, {
      application_id: message.app_guid,
      application_name: 'shop',
      application_uris: ['shop.apps.test', 'www.apps.test'],
      application_version: message.version,
      host: '0.0.0.0',
      instance_id: guid,
      instance_index: 3,
      limits: { mem: 256, disk: 256, fds: 1024 },
      name: 'shop',
      port: Number(PORT),
      process_id: message.droplet,
      process_type: 'web',
      space_name: 'dev',
      uris: ['shop.apps.test', 'www.apps.test'],
      users: null,
      version: message.version,
    })
    assert.deepEqual(JSON.parse(VCAP_SERVICES ?? ''), {
      'p-mysql': [
        {
          label: 'p-mysql',
          provider: null,
          plan: 'small',
          name: 'orders',
          tags: ['db'],
          instance_guid: null,
          instance_name: 'orders',
          binding_guid: null,
          binding_name: null,
          credentials: { uri: 'postgresql://u:p@db/x' },
          syslog_drain_url: null,
          volume_mounts: [],
        },
      ],
      'user-provided': [
        {
          label: 'user-provided',
          provider: null,
          plan: null,
          name: 'mine',
          tags: [],
          instance_guid: null,
          instance_name: 'mine',
          binding_guid: null,
          binding_name: null,
          credentials: { key: 1 },
          syslog_drain_url: null,
          volume_mounts: [],
        },
      ],
    })
  })

  it('sources the profile scripts of droplet, dependencies and app, each once, before its command', async () => {
    const { sha1, url } = await cloud.droplet({
      'profile.d/0_copied.sh': 'echo copied; export A=profile',
      'deps/0/profile.d/copied.sh': 'echo not again',
      'deps/1/profile.d/own.sh': 'echo own; export B="$A deps"',
      'app/.profile.d/app.sh': 'echo app; export C="$B app"',
      'app/.profile': 'echo profile; export D="$C profile"',
      'staging_info.yml': '{"start_command":"echo \\"$D in $(basename $PWD)\\" && sleep 1000"}',
    })
    const message = await script('', { sha1, executableUri: url, start_command: null })
    await cloud.run(cell, message)
    await cloud.bus.line(message.droplet, 'APP/PROC/WEB', 'profile deps app profile in app')
    assert.deepEqual(appLog(message.droplet), ['copied', 'own', 'app', 'profile', 'profile deps app profile in app'])
  })

  it('can open /dev/stdout, gets no input, and inherits no descriptors', async () => {
    const message = await script(
      'echo opened > /dev/stdout; cat; echo "descriptors $(ls /proc/self/fd | wc -l)"; sleep 1000',
    )
    await cloud.run(cell, message)
    await cloud.bus.line(message.droplet, 'APP/PROC/WEB', 'opened')
    if (process.platform === 'linux') await cloud.bus.line(message.droplet, 'APP/PROC/WEB', 'descriptors 4')
  })

  it('runs as an unprivileged user that owns its folder and nothing else', {
    skip: process.getuid?.() !== 0,
  }, async () => {
    const message = await script(
      'id -u; touch ../logs/mine ../tmp/mine mine && echo own; umask; ls ../../ 2>&1; cat /proc/$PPID/environ 2>&1 | head -c 60; sleep 1000',
    )
    await cloud.run(cell, message)
    for (const line of [
      '65534',
      'own',
      '0022',
      /cannot open directory.*Permission denied/,
      /environ: Permission denied/,
    ])
      await cloud.bus.line(message.droplet, 'APP/PROC/WEB', line)
  })

  it('has sidecars beside it, with a log source of their own, and dies with them', async () => {
    const message = await script('echo main; sleep 1000', {
      sidecars: [{ name: 'agent', command: 'echo "beside $MEMORY_LIMIT $PORT"; sleep 0.3; exit 5', memory_in_mb: 10 }],
    })
    cloud.start(cell, message)
    await cloud.bus.line(message.droplet, 'APP/PROC/WEB/SIDECAR/AGENT', /^beside 10m \d+$/)
    const exited = await cloud.bus.exit(message.droplet)
    assert.equal(exited.exit_status, 5)
    assert.equal(exited.exit_description, 'APP/PROC/WEB/SIDECAR/AGENT: Exited with status 5')
    await cloud.bus.line(message.droplet, 'CELL', /successfully destroyed/)
    await cloud.bus.line(message.droplet, 'APP/PROC/WEB', 'Exit status 137')
  })

  it('crashes when its process ends, is reported, unrouted, and remembered with the reason', async () => {
    const message = await web({ cc_partition: 'default', app_guid: 'the-app', process_type: 'web' })
    const { instance } = await cloud.run(cell, message)
    const address = await addressOf(message.droplet)
    const begun = Math.floor(Date.now() / 1000)
    await assert.rejects(fetch(`${address}/die`))
    const exited = await cloud.bus.exit(message.droplet)
    const timestamp = exited.crash_timestamp
    assert.ok(timestamp && timestamp >= begun && timestamp <= Date.now() / 1000)
    assert.deepEqual(exited, {
      cc_partition: 'default',
      droplet: message.droplet,
      version: message.version,
      instance,
      index: 0,
      reason: 'CRASHED',
      exit_status: 7,
      exit_description: 'APP/PROC/WEB: Exited with status 7',
      crash_timestamp: timestamp,
    })
    assert.equal(cloud.bus.registrations(message.droplet, 'router.unregister').length, 1)
    await cloud.bus.line('the-app', 'APP/PROC/WEB', 'Exit status 7')
    await cloud.bus.states(message.droplet, 'CRASHED')
    const [found] = await cloud.find({ droplet: message.droplet, include_stats: true }, 1)
    assert.equal(found?.state, 'CRASHED')
    assert.equal(found?.details, 'APP/PROC/WEB: Exited with status 7')
    assert.equal(found?.stats, undefined)
    const count = () => cloud.advertisement(cell)?.app_id_to_count[message.droplet]
    await eventually('the crash in the advertisement', () => count() === 1 || undefined)

    // A new one in its place makes it forgotten, and so does a stop.
    await cloud.run(cell, message)
    await assert.rejects(fetch(`http://127.0.0.1:${cloud.bus.registrations(message.droplet).at(-1)?.port}/die`))
    await cloud.bus.states(message.droplet, 'CRASHED')
    cloud.bus.publish('dea.stop', { droplet: message.droplet })
    await cloud.bus.states(message.droplet)
  })

  it('crashes when it never opens its port, in the words of Cloud Foundry', async () => {
    const message = await script('sleep 1000', { health_check: { type: 'port', timeout: 0.3 } })
    cloud.start(cell, message)
    const { exit_description, exit_status } = await cloud.bus.exit(message.droplet)
    assert.match(
      exit_description,
      /^Instance never healthy after 300ms: Failed to make TCP connection to port \d+: connection refused$/,
    )
    assert.equal(exit_status, 143)
    await cloud.bus.line(message.droplet, 'HEALTH', /^Failed to make TCP connection/)
    const failed = await cloud.bus.line(
      message.droplet,
      'CELL',
      'Failed after 300ms: startup health check never passed.',
    )
    assert.equal(failed.stream, 'ERR')
  })

  it('is healthy only when its endpoint answers 200, and crashes when that ends', async () => {
    const sick = await web({
      env: ['SICK=Infinity'],
      health_check: { type: 'http', endpoint: '/health', timeout: 0.3 },
    })
    cloud.start(cell, sick)
    assert.match(
      (await cloud.bus.exit(sick.droplet)).exit_description,
      /^Instance never healthy after 300ms: Failed to make HTTP request to '\/health' on port \d+: /,
    )

    const message = await web({
      env: ['SICK=2'],
      health_check: { type: 'http', endpoint: '/health', interval: 0.1, invocation_timeout: 60 },
    })
    await cloud.run(cell, message)
    assert.equal(appLog(message.droplet).filter((line) => line === 'too sick').length, 2)
    await fetch(`${await addressOf(message.droplet)}/sicken`)
    assert.match(
      (await cloud.bus.exit(message.droplet)).exit_description,
      /^Instance became unhealthy: Failed to make HTTP request to '\/health' on port \d+: received status code 503 in \d+ms$/,
    )
    await cloud.bus.line(message.droplet, 'CELL', 'Container became unhealthy')
  })

  it('gets its routes only while its readiness check passes', async () => {
    const message = await web({
      env: ['SICK=Infinity'],
      readiness_health_check: { type: 'http', endpoint: '/health', interval: 0.1, invocation_timeout: 60 },
    })
    await cloud.run(cell, message)
    const [found] = await cloud.find({ droplet: message.droplet, include_stats: true }, 1)
    const address = `http://127.0.0.1:${found?.stats?.port}`
    assert.equal(cloud.bus.registrations(message.droplet).length, 0)
    await fetch(`${address}/recover`)
    await addressOf(message.droplet)
    await cloud.bus.line(message.droplet, 'CELL', /^Container passed the readiness health check\./)
    await fetch(`${address}/sicken`)
    await eventually('unregistration', () => cloud.bus.registrations(message.droplet, 'router.unregister')[0])
    await cloud.bus.line(message.droplet, 'CELL', /^Container failed the readiness health check\./)
    await cloud.bus.states(message.droplet, 'RUNNING')
  })

  it('without a health check in the message is checked by its port if it has routes', async () => {
    const { health_check: _, ...routed } = await script('sleep 1000', { uris: ['x.test'], health_check_timeout: 0.2 })
    cloud.start(cell, routed)
    assert.match((await cloud.bus.exit(routed.droplet)).exit_description, /^Instance never healthy after 200ms/)
    const { health_check: __, ...unrouted } = await script('sleep 1000')
    await cloud.run(cell, unrouted)
  })

  it('is killed when it exceeds its memory limit, with all its processes counted', {
    skip: process.platform !== 'linux',
  }, async () => {
    const message = await script(
      'head -c 100M /dev/zero | tail | sleep 1000 & head -c 100M /dev/zero | tail | sleep 1000',
      {
        limits: { mem: 150 },
      },
    )
    cloud.start(cell, message)
    const exited = await cloud.bus.exit(message.droplet)
    assert.equal(exited.exit_description, 'APP/PROC/WEB: Exited with status 137 (out of memory)')
    assert.equal(exited.exit_status, 137)
    await cloud.bus.line(message.droplet, 'APP/PROC/WEB', 'Exit status 137 (out of memory)')
  })

  it('is killed when it exceeds its disk quota', async () => {
    const message = await script('dd if=/dev/zero of=big bs=1M count=20 2> /dev/null; sleep 1000', {
      limits: { disk: 10 },
    })
    cloud.start(cell, message)
    const exited = await cloud.bus.exit(message.droplet)
    assert.equal(exited.exit_description, 'APP/PROC/WEB: Exited with status 137 (disk quota exceeded)')
  })

  it('is stopped with SIGTERM to its whole tree, and killed when it does not heed it', async () => {
    const polite = await script(
      'trap "echo bye; exit 3" TERM; (trap "echo child too; exit" TERM; echo child up; sleep 1000 & wait) & echo up; wait',
    )
    await cloud.run(cell, polite)
    for (const line of ['up', 'child up']) await cloud.bus.line(polite.droplet, 'APP/PROC/WEB', line)
    cloud.bus.publish('dea.stop', { droplet: polite.droplet })
    for (const line of ['bye', 'child too', 'Exit status 3']) await cloud.bus.line(polite.droplet, 'APP/PROC/WEB', line)

    const { id: impatient, running } = await cloud.cell({ gracefulStopInSeconds: 0.5 })
    const stubborn = await script(
      'trap "" TERM; setsid bash -c "trap \\"\\" TERM; echo \\$\\$ away; sleep 1000" & echo up; while :; do sleep 1; done',
    )
    await cloud.run(impatient, stubborn)
    const { line } = await cloud.bus.line(stubborn.droplet, 'APP/PROC/WEB', /away/)
    await cloud.bus.line(stubborn.droplet, 'APP/PROC/WEB', 'up')
    const begun = performance.now()
    cloud.bus.publish('dea.stop', { droplet: stubborn.droplet })
    await cloud.bus.line(stubborn.droplet, 'APP/PROC/WEB', 'Exit status 137')
    assert.ok(performance.now() - begun > 450, 'it had its time')
    await cloud.bus.line(stubborn.droplet, 'CELL', /successfully destroyed/)
    assert.equal(await openProcessTable().find(Number.parseInt(line, 10)), undefined)
    await running.stop()
  })

  it('can be stopped while its droplet is still on its way', async () => {
    const message = await script('sleep 1000')
    cloud.blobs.failures.set(`/droplets/${message.sha1}/download`, [503, 503, 503, 503])
    cloud.start(cell, message)
    await cloud.bus.line(message.droplet, 'CELL', 'Downloading droplet...')
    cloud.bus.publish('dea.stop', { droplet: message.droplet })
    await cloud.bus.line(message.droplet, 'CELL', /successfully destroyed/)
    await cloud.bus.states(message.droplet)
    cloud.blobs.failures.clear()
  })

  for (const { title, change, said } of [
    {
      title: 'its droplet is not there',
      change: async () => ({ executableUri: cloud.blobs.url('/droplets/none'), sha1: 'a'.repeat(40) }),
      said: /^Downloading droplet failed: could not download .*\/droplets\/none: the server answered 404$/,
    },
    {
      title: 'its droplet is another one than promised',
      change: async () => ({ sha1: 'b'.repeat(40) }),
      said: /^Downloading droplet failed: the droplet has the SHA-1 [0-9a-f]{40} in place of b{40}$/,
    },
    {
      title: 'its droplet is no archive',
      change: async () => ({ executableUri: cloud.blobs.put('/droplets/junk', Buffer.from('junk')), sha1: null }),
      said: /^Unpacking droplet failed/,
    },
    {
      title: 'it has no start command',
      change: async () => ({ start_command: null }),
      said: /^no start command specified or detected in droplet$/,
    },
    {
      title: 'what says how it starts is damaged',
      change: async () => {
        const { sha1, url } = await cloud.droplet({ 'staging_info.yml': '{start_command: [' })
        return { start_command: null, sha1, executableUri: url }
      },
      said: /^the droplet's staging_info\.yml can't be read$/,
    },
    {
      title: 'its stack is not here',
      change: async () => ({ stack: 'windows' }),
      said: /^the stack windows is not available on this cell$/,
    },
    {
      title: 'there is no memory for it',
      change: async () => ({ limits: { mem: 100_000, disk: 1, fds: 1 } }),
      said: /^insufficient resources: memory$/,
    },
    {
      title: 'there is no disk for it',
      change: async () => ({ limits: { mem: 1, disk: 100_000, fds: 1 } }),
      said: /^insufficient resources: disk$/,
    },
    {
      title: 'its environment is too large for the system',
      change: async () => ({ env: [`HUGE=${'x'.repeat(200_000)}`] }),
      said: /^could not start the process: .*E2BIG/,
    },
  ]) {
    it(`crashes without having started when ${title}`, async () => {
      const message = await script('sleep 1000', await change())
      cloud.start(cell, message)
      const exited = await cloud.bus.exit(message.droplet)
      assert.match(exited.exit_description, said)
      assert.equal(exited.exit_status, -1)
      await cloud.bus.states(message.droplet, 'CRASHED')
    })
  }

  it('adopts routes and version of an update, under a new guid, and is still known by the old one', async () => {
    const message = await web({ uris: ['a.test', 'b.test'] })
    const { instance } = await cloud.run(cell, message)
    await addressOf(message.droplet)
    cloud.bus.publish('dea.update', { droplet: message.droplet, uris: ['b.test', 'c.test/path'], version: 'v2' })
    const unregistered = await eventually('unregistration', () =>
      cloud.bus.registrations(message.droplet, 'router.unregister').at(-1),
    )
    assert.deepEqual(unregistered.uris, ['a.test'])
    assert.ok(cloud.bus.registrations(message.droplet).some(({ uris }) => uris.join() === 'c.test/path'))
    const updated = await eventually('the new version', async () =>
      (await cloud.bus.states(message.droplet, 'RUNNING')).find(({ version }) => version === 'v2'),
    )
    assert.notEqual(updated.instance, instance)
    const [found] = await cloud.find({ droplet: message.droplet, version: 'v2', include_stats: true }, 1)
    assert.equal(found?.instance, updated.instance)
    assert.deepEqual(found?.stats?.uris, ['b.test', 'c.test/path'])
    cloud.bus.publish('dea.stop', { droplet: message.droplet, instances: [instance] })
    await cloud.bus.states(message.droplet)
  })

  it('is stopped only if all filters of the order match', async () => {
    const first = await script('sleep 1000')
    const second = { ...first, index: 1 }
    const third = { ...first, index: 2, version: 'other' }
    for (const message of [first, second, third]) cloud.start(cell, message)
    const [, one] = await cloud.bus.states(first.droplet, 'RUNNING', 'RUNNING', 'RUNNING')
    const left = async (...indices: number[]) =>
      eventually(`indices ${indices}`, async () => {
        const states = await cloud.bus.states(first.droplet, ...indices.map(() => 'RUNNING'))
        return states.map(({ index }) => index).join() === indices.join() || undefined
      })
    cloud.bus.publish('dea.stop', { droplet: first.droplet, version: 'other', indices: [0, 1] })
    cloud.bus.publish('dea.stop', { droplet: first.droplet, version: 'other', indices: [2] })
    await left(0, 1)
    cloud.bus.publish('dea.stop', { droplet: first.droplet, instances: [one?.instance] })
    await left(0)
    cloud.bus.publish('dea.stop', { droplet: first.droplet, instances: [] })
    await left()
  })

  it('is found by every filter, with statistics while it runs', async () => {
    const message = await web({ limits: { log_rate: 5000 }, index: 2 })
    const { instance } = await cloud.run(cell, message)
    const measured = await eventually('a measurement', async () => {
      const [reply] = await cloud.find(
        { droplet: message.droplet, states: ['running'], indices: [2], instance_ids: [instance], include_stats: true },
        1,
      )
      return reply?.stats && reply.stats.usage.mem > 1e7 && reply.stats.usage.disk > 0 ? reply : undefined
    })
    assert.ok(measured.stats)
    const { usage, port, uptime, ...rest } = measured.stats
    assert.deepEqual(rest, {
      name: 'shop',
      uris: ['shop.apps.test'],
      host: '127.0.0.1',
      mem_quota: 256 * 1024 ** 2,
      disk_quota: 256 * 1024 ** 2,
      fds_quota: 1024,
    })
    assert.ok(port > 0 && uptime >= 0 && usage.cpu >= 0)
    assert.equal(measured.dea, cell)
    for (const miss of [
      { states: ['CRASHED'] },
      { states: ['NONSENSE'] },
      { indices: [0] },
      { version: 'x' },
      { instance_ids: ['x'] },
    ])
      cloud.bus.publish('dea.find.droplet', { droplet: message.droplet, ...miss }, 'test.find.none')
    await cloud.find({ droplet: message.droplet }, 1)
    assert.deepEqual(cloud.bus.on('test.find.none'), [])

    const gauge = await eventually('metrics', () =>
      cloud.bus
        .envelopes()
        .find(({ source_id, gauge }) => source_id === message.droplet && (gauge?.metrics.memory?.value ?? 0) > 1e7),
    )
    assert.equal(LogEnvelope.parse(gauge).instance_id, '2')
    const { cpu, disk, memory_quota } = gauge.gauge?.metrics ?? {}
    assert.equal(cpu?.unit, 'percentage')
    assert.ok(disk)
    assert.deepEqual(memory_quota, { unit: 'bytes', value: 256 * 1024 ** 2 })
  })

  it('is measured when it begins to run, its folder with the droplet and no CPU of the start, without a wait for the next look', async () => {
    const rarely = { usageSampleInMs: 2_000_000_000, diskSampleInMs: 2_000_000_000 }
    const { id, running } = await cloud.cell({ intervals: rarely })
    const busyStart =
      "for (const end = Date.now() + 400; Date.now() < end; ); require('node:http').createServer().listen(process.env.PORT)"
    const message = await cloud.startMessage(
      { 'app.js': busyStart, large: randomBytes(1024 ** 2).toString('base64') },
      { start_command: 'node app.js', health_check: { type: 'port' } },
    )
    await cloud.run(id, message)
    const usage = await eventually('the folder to be measured', async () => {
      const [reply] = await cloud.find({ droplet: message.droplet, include_stats: true }, 1)
      return reply?.stats && reply.stats.usage.disk > 1024 ** 2 ? reply.stats.usage : undefined
    })
    assert.ok(usage.mem > 1e7)
    assert.deepEqual([usage.cpu, usage.cpu_entitlement], [0, 0])
    await running.stop()
  })

  it('logs within its rate limit and says when it exceeds it', async () => {
    const message = await script(
      // As much as the limit allows in some minutes.
      'echo one; yes "a line of thirty-two characters." | head -n 10000; sleep 1000',
      { limits: { log_rate: 1024 } },
    )
    await cloud.run(cell, message)
    const told = await cloud.bus.line(message.droplet, 'APP/PROC/WEB', /exceeded/)
    assert.equal(told.line, 'app instance exceeded log rate limit (1024 bytes/sec)')
    const lines = appLog(message.droplet)
    assert.ok(lines.includes('one') && lines.length < 5000, `${lines.length} lines`)
  })

  it('has its long lines cut, its last unfinished line kept, and bytes that are no text made readable', async () => {
    const message = await script(
      `head -c 130000 /dev/zero | tr '\\0' x; echo; printf 'bad \\377 byte\\n\\n'; printf 'r\\rs'; exit 1`,
    )
    cloud.start(cell, message)
    await cloud.bus.exit(message.droplet)
    const lines = appLog(message.droplet).map((line) => (line.startsWith('xxx') ? line.length : line))
    assert.deepEqual(lines, [61440, 61440, 130000 - 2 * 61440, 'bad \uFFFD byte', 'r', 's', 'Exit status 1'])
  })

  it('is left to other cells when it belongs to another partition, and a message that is not valid is dropped', async () => {
    const other = await script('sleep 1000', { cc_partition: 'other' })
    cloud.start(cell, other)
    cloud.bus.publish(`dea.${cell}.start`, { droplet: 'half' })
    const message = await script('sleep 1000')
    await cloud.run(cell, message)
    assert.equal(cloud.advertisement(cell)?.app_id_to_count[other.droplet], undefined)
    assert.ok(cloud.logged.some((line) => line.includes('dropped a message that is not valid')))
  })

  it('shares one download of a droplet among instances that start together', async () => {
    const message = await script('sleep 1000')
    for (const index of [0, 1, 2]) cloud.start(cell, { ...message, index })
    await cloud.bus.states(message.droplet, 'RUNNING', 'RUNNING', 'RUNNING')
    const path = `/droplets/${message.sha1}/download`
    assert.equal(cloud.blobs.requests.filter((line) => line === `GET ${path}`).length, 1)
    const ports = (await cloud.find({ droplet: message.droplet, include_stats: true }, 3)).map(
      ({ stats }) => stats?.port,
    )
    assert.equal(new Set(ports).size, 3)
  })
})
