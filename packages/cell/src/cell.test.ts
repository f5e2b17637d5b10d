import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { headers } from '@nats-io/transport-node'
import { startNatsBroker } from '@vcap/nats-broker'
import { DeaAdvertisement, DeaShutdown, Heartbeat, RouterRegistration, requestIdHeader } from '@vcap/protocol'
import { pino } from 'pino'
import { startCell } from './cell.ts'
import { openProcessTable } from './processes/process-table.ts'
import { buildpack, zip } from './testing/archives.ts'
import { eventually } from './testing/eventually.ts'
import { TestCloud } from './testing/test-cloud.ts'

/** Intervals at which nothing happens by itself in a test. */
const still = { advertiseInMs: 1e6, heartbeatInMs: 1e6, routerRegisterInMs: 1e6, containerMetricsInMs: 1e6 }

describe('a cell', () => {
  let cloud: TestCloud

  beforeEach(async () => {
    cloud = await TestCloud.open(startNatsBroker)
  })
  afterEach(() => cloud.close())

  const sleeper = (overrides: Parameters<TestCloud['startMessage']>[1] = {}) =>
    cloud.startMessage(
      { 'run.sh': 'echo $$ up; sleep 1000' },
      { start_command: 'bash run.sh', uris: ['x.test'], ...overrides },
    )
  const count = (subject: string) => cloud.bus.on(subject).length

  it('sends what a request has caused with the id of that request', async () => {
    const { id } = await cloud.cell({ intervals: still })
    const seen: string[] = []
    cloud.bus.connection.subscribe('replies.*', {
      callback: (_error, message) => void seen.push(message.headers?.get(requestIdHeader) ?? 'none'),
    })
    const request = await cloud.stagingRequest(Buffer.alloc(0), { stack: 'unheard-of' })
    const carried = headers()
    carried.set(requestIdHeader, 'request-1')
    for (const [task_id, options] of [
      ['with', { headers: carried }],
      ['without', {}],
    ] as const) {
      const message = JSON.stringify({ ...request, task_id })
      cloud.bus.connection.publish(`staging.${id}.start`, message, { ...options, reply: `replies.${task_id}` })
    }
    await eventually('two refusals', () => seen.length === 2 || undefined)
    assert.deepEqual(seen, ['request-1', 'none'])
  })

  it('advertises itself at once, when it is looked for, and when what it has to give changes', async () => {
    const { id } = await cloud.cell({ intervals: still, memoryInMb: 1000, diskInMb: 2000, zone: 'z1' })
    assert.deepEqual(cloud.advertisement(id), {
      id,
      stacks: ['cflinuxfs4'],
      available_memory: 1000,
      available_disk: 2000,
      app_id_to_count: {},
      placement_properties: { zone: 'z1' },
      url: null,
    })
    const before = count('dea.advertise')
    cloud.bus.publish('dea.locate')
    await eventually('an answer', () => count('dea.advertise') > before || undefined)
    const message = await sleeper({ limits: { mem: 300, disk: 500 } })
    cloud.start(id, message)
    await eventually('less to give', () => cloud.advertisement(id)?.available_memory === 700 || undefined)
    assert.equal(cloud.advertisement(id)?.available_disk, 1500)
    assert.deepEqual(cloud.advertisement(id)?.app_id_to_count, { [message.droplet]: 1 })
  })

  it('advertises, heartbeats and registers its routes again and again', async () => {
    const { id } = await cloud.cell()
    const message = await sleeper()
    await cloud.run(id, message)
    for (const subject of ['dea.advertise', 'dea.heartbeat', 'router.register']) {
      const before = count(subject)
      await eventually(`more of ${subject}`, () => count(subject) >= before + 2 || undefined)
    }
  })

  it('sends a heartbeat at start, empty as it is, and when it is asked', async () => {
    const { id } = await cloud.cell({ intervals: still })
    const empty = await cloud.bus.message('dea.heartbeat', Heartbeat.parse)
    assert.deepEqual(empty, { dea: id, droplets: [] })
    const message = await sleeper()
    const begun = Date.now() / 1000
    const { instance, state_timestamp } = await cloud.run(id, message)
    assert.ok(state_timestamp >= begun && state_timestamp <= Date.now() / 1000)
    const before = count('dea.heartbeat')
    cloud.bus.publish('healthmanager.start')
    await eventually('a heartbeat', () => count('dea.heartbeat') > before || undefined)
    assert.deepEqual(cloud.bus.on('dea.heartbeat').at(-1), {
      dea: id,
      droplets: [
        {
          cc_partition: 'default',
          droplet: message.droplet,
          version: message.version,
          instance,
          index: 0,
          state: 'RUNNING',
          state_timestamp,
        },
      ],
    })
  })

  it('registers its routes for a router that has started', async () => {
    const { id } = await cloud.cell({ intervals: still })
    const message = await sleeper()
    await cloud.run(id, message)
    await eventually('a registration', () => cloud.bus.registrations(message.droplet).length === 1 || undefined)
    cloud.bus.publish('router.start', {
      id: 'r',
      hosts: [],
      minimumRegisterIntervalInSeconds: 20,
      pruneThresholdInSeconds: 120,
    })
    await eventually('another', () => cloud.bus.registrations(message.droplet).length === 2 || undefined)
  })

  it('when it stops says good-bye, ends every instance and task, leaves nothing, and may be told twice', async () => {
    const { id, running, dataDirectory } = await cloud.cell()
    const message = await sleeper()
    cloud.start(id, message)
    cloud.start(id, { ...message, index: 1 })
    await cloud.bus.states(message.droplet, 'RUNNING', 'RUNNING')
    const pids = await eventually('two pids', () => {
      const lines = cloud.bus.log(message.droplet).filter(({ line }) => line.endsWith(' up'))
      return lines.length === 2 ? lines.map(({ line }) => Number.parseInt(line, 10)) : undefined
    })
    const hanging = await buildpack({ detect: 'true', compile: 'echo $$ hanging; sleep 1000', release: 'true' })
    const request = await cloud.stagingRequest(await zip({ a: '' }), {
      admin_buildpacks: [await cloud.adminBuildpack('hanging', hanging)],
    })
    cloud.send(id, request)
    const { line } = await cloud.bus.line(request.app_id, 'STG', / hanging$/)
    pids.push(Number.parseInt(line, 10))

    await Promise.all([running.stop(), running.stop()])
    await running.stop()
    const table = openProcessTable()
    for (const pid of pids) assert.equal(await table.find(pid), undefined)
    const shutdown = await cloud.bus.message('dea.shutdown', DeaShutdown.parse)
    assert.deepEqual(shutdown, { id, ip: '127.0.0.1', version: '0.1.0' })
    await eventually(
      'both to be unregistered',
      () => cloud.bus.registrations(message.droplet, 'router.unregister').length === 2 || undefined,
    )
    assert.deepEqual(cloud.bus.on('droplet.exited'), [])
    // The last lines are sent before it goes.
    await cloud.bus.line(message.droplet, 'APP/PROC/WEB', 'Exit status 143')
    for (const folder of ['work/instances', 'work/staging', 'private/records', 'private/pipes'])
      assert.deepEqual(await readdir(join(dataDirectory, folder)), [], folder)
    const last = cloud.bus.messages.findLastIndex(({ subject }) => subject === 'dea.advertise')
    assert.ok(last < cloud.bus.messages.findIndex(({ subject }) => subject === 'dea.shutdown'))
  })

  it('has a new id in each life', async () => {
    const first = await cloud.cell()
    await first.running.stop()
    const second = await cloud.cell()
    assert.notEqual(first.id, second.id)
  })

  it('refuses a data directory that another cell is using', async () => {
    const { dataDirectory, running } = await cloud.cell()
    const again = async () => startCell(await cloud.configuration(dataDirectory), { logger: pino({ level: 'silent' }) })
    await assert.rejects(again(), new RegExp(`is in use by another cell, process ${process.pid}$`))
    await running.stop()
    await (await again()).stop()
  })

  it('refuses to run apps as root, or as nobody knows whom', { skip: process.getuid?.() !== 0 }, async () => {
    await assert.rejects(cloud.cell({ runAs: { user: 'root' } }), /apps must not run as root/)
    await assert.rejects(cloud.cell({ runAs: { user: 'no-such-user' } }), /there is no user no-such-user/)
  })

  it('puts the apps where they can reach their folders when the data directory is closed to them', {
    skip: process.getuid?.() !== 0,
  }, async () => {
    await chmod(cloud.directory, 0o700)
    const { id, running } = await cloud.cell({ runAs: { uid: 61_234, gid: 61_234 } })
    const message = await cloud.startMessage({}, { start_command: 'pwd; id -u; touch ok && sleep 1000' })
    await cloud.run(id, message)
    const { line } = await cloud.bus.line(message.droplet, 'APP/PROC/WEB', /^\//)
    await cloud.bus.line(message.droplet, 'APP/PROC/WEB', '61234')
    assert.match(line, /\/vcap-cell-[0-9a-f]{16}\/instances\//)
    await running.stop()
    await assert.rejects(readdir(line.replace(/\/instances\/.*/, '')), { code: 'ENOENT' })
  })

  it('gives apps the tools of the configured folders', async () => {
    const tools = join(cloud.directory, 'tools')
    await mkdir(tools)
    await chmod(tools, 0o755)
    await writeFile(join(tools, 'greet'), '#!/bin/sh\necho greetings\n', { mode: 0o755 })
    await chmod(join(tools, 'greet'), 0o755)
    const { id } = await cloud.cell({ toolPath: [tools, '/nowhere'] })
    const message = await cloud.startMessage({}, { start_command: 'greet; echo $PATH; sleep 1000' })
    await cloud.run(id, message)
    await cloud.bus.line(message.droplet, 'APP/PROC/WEB', 'greetings')
    const { line } = await cloud.bus.line(message.droplet, 'APP/PROC/WEB', /\/usr\/bin/)
    assert.ok(line.endsWith(`:${tools}`))
  })
})

describe('a cell that was killed', () => {
  let cloud: TestCloud
  const children: ChildProcess[] = []

  before(async () => {
    cloud = await TestCloud.open(startNatsBroker)
  })
  after(async () => {
    for (const child of children) child.kill('SIGKILL')
    await cloud.close()
  })

  const startProcess = async (dataDirectory: string) => {
    const configuration = await cloud.configuration(dataDirectory)
    const known = new Set(cloud.bus.on('dea.advertise').map((content) => DeaAdvertisement.parse(content).id))
    const script = join(import.meta.dirname, 'testing', 'cell-process.ts')
    const child = spawn(process.execPath, [script, JSON.stringify(configuration)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    children.push(child)
    const id = await eventually('its advertisement', () =>
      cloud.bus
        .on('dea.advertise')
        .map((content) => DeaAdvertisement.parse(content).id)
        .find((found) => !known.has(found)),
    )
    return { child, id }
  }

  it('has what it left running ended by its next life, and nobody else', async () => {
    const dataDirectory = join(cloud.directory, 'killed')
    const { child, id } = await startProcess(dataDirectory)
    const message = await cloud.startMessage(
      {
        'run.sh':
          'trap "" TERM; setsid bash -c "echo \\$\\$ away; sleep 1000" & echo $$ leader; while :; do sleep 1; done',
      },
      { start_command: 'bash run.sh' },
    )
    await cloud.run(id, message)
    const pidOf = async (what: string) =>
      Number.parseInt((await cloud.bus.line(message.droplet, 'APP/PROC/WEB', new RegExp(` ${what}$`))).line, 10)
    const pids = [await pidOf('leader'), await pidOf('away')]
    const [guid = ''] = await readdir(join(dataDirectory, 'work', 'instances'))
    child.kill('SIGKILL')
    await once(child, 'exit')
    const table = openProcessTable()
    for (const pid of pids) assert.ok(await table.find(pid), 'it outlives its cell')

    // A stranger to whom the record seems to point, as if its pid had been given out again.
    const stranger = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' })
    children.push(stranger)
    const records = join(dataDirectory, 'private', 'records')
    const record = JSON.parse(await readFile(join(records, `${guid}.json`), 'utf8'))
    assert.equal(record.leaders.length, 1)
    record.leaders.push({ pid: stranger.pid, startTime: '1' })
    await writeFile(join(records, `${guid}.json`), JSON.stringify(record))
    await writeFile(join(records, 'broken.json'), '{')

    const next = await startProcess(dataDirectory)
    for (const pid of pids) assert.equal(await table.find(pid), undefined)
    assert.ok(await table.find(stranger.pid ?? 0))
    assert.deepEqual(await readdir(join(dataDirectory, 'work', 'instances')), [])
    assert.deepEqual(await readdir(records), [])
    next.child.kill('SIGTERM')
    assert.deepEqual(await once(next.child, 'exit'), [0, null])
  })

  it('has its next life say good-bye for it, withdraw its routes, and leave its ports alone for a while', async () => {
    const dataDirectory = join(cloud.directory, 'silenced')
    const { child, id } = await startProcess(dataDirectory)
    const web = {
      'run.sh': `exec node -e 'require("http").createServer((_, response) => response.end()).listen(process.env.PORT)'`,
    }
    const message = await cloud.startMessage(web, { start_command: 'bash run.sh', uris: ['a.test', 'b.test'] })
    await cloud.run(id, message)
    const registrationOf = (droplet: string) =>
      eventually('its registration', () => cloud.bus.registrations(droplet).findLast(({ uris }) => uris.length > 0))
    await registrationOf(message.droplet)
    cloud.bus.publish('dea.update', { droplet: message.droplet, uris: ['b.test', 'c.test'], version: message.version })
    const { port } = await eventually('the new route', () =>
      cloud.bus.registrations(message.droplet).find(({ uris }) => uris.includes('c.test')),
    )
    const will = join(dataDirectory, 'private', 'last-will.json')
    await eventually('the new route to be written down', async () => (await readFile(will, 'utf8')).includes('c.test'))
    child.kill('SIGKILL')
    await once(child, 'exit')

    const next = await startProcess(dataDirectory)
    await cloud.bus.message('dea.shutdown', DeaShutdown.parse, (shutdown) => shutdown.id === id)
    const withdrawn = await cloud.bus.message('router.unregister', RouterRegistration.parse, ({ uris }) =>
      uris.includes('c.test'),
    )
    assert.deepEqual([withdrawn.port, withdrawn.uris, withdrawn.dea], [port, ['b.test', 'c.test'], id])
    const other = await cloud.startMessage(web, { start_command: 'bash run.sh', uris: ['d.test'] })
    await cloud.run(next.id, other)
    assert.ok((await registrationOf(other.droplet)).port > port)
    next.child.kill('SIGTERM')
    assert.deepEqual(await once(next.child, 'exit'), [0, null])
    await assert.rejects(readFile(will), { code: 'ENOENT' })
  })
})
