import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { freePort, zipFiles } from '@vcap/cli'
import { type ComponentName, eventually, processesOf, usesNatsServer, VcapUp } from '@vcap/testkit'
import { z } from 'zod'
import { mirrored } from './mirror-answer.ts'
import { mirror, quickly } from './small-apps.ts'

const WithGuid = z.object({ guid: z.string() })

const metrics = { port: await freePort('127.0.0.1') }
const system = await VcapUp.start({
  components: { controller: { metrics, dea: { reconcileIntervalInSeconds: 1, missingInstanceDelayInSeconds: 8 } } },
})
after(() => system.stop())
const admin = await system.admin()
const space = await system.createSpace('single-faults')
const [app, bystander] = await Promise.all([
  space.push({ name: 'witness', ...quickly, instances: 2 }, mirror),
  space.push({ name: 'bystander', ...quickly }, mirror),
])

/** Who runs, by index. */
async function instances(): Promise<string[]> {
  return (await app.runs()).map(({ instance_guid }) => instance_guid ?? assert.fail('no instance guid'))
}

/** That app and platform work as a whole: a change in the API reaches the app, the router, the log. */
async function everythingWorks(): Promise<void> {
  await app.scale({ instances: 3 })
  await app.hasInstances((all) => all.filter(({ state }) => state === 'RUNNING').length === 3)
  const indices = new Set<number>()
  await eventually('three instances to answer', async () => {
    indices.add(mirrored(await app.answers()).index)
    return indices.size === 3
  })
  await app.scale({ instances: 2 })
  await eventually('the third to be gone', () => appProcesses().length === 3)
  for (let request = 0; request < 10; request++)
    for (const each of [app, bystander]) assert.equal(mirrored(await each.answers()).app, each.name)
  await system.login('admin', 'admin')
  // What was logged while a part had no connection to the others is lost, so that asking once would not do.
  const mark = `/still-logging-${Math.random().toString(36).slice(2)}`
  const line = new RegExp(`^\\[APP/PROC/WEB/[01]\\] asked for ${mark}$`)
  await eventually('a new line in the log', async () => {
    await app.answers(mark)
    return (await app.lines()).some((each) => line.test(each))
  })
}

const appProcesses = () => processesOf(system.dataDirectory).filter(({ commandLine }) => commandLine === 'node app.js')

async function killed(component: ComponentName): Promise<void> {
  const pid = system.pidOf(component)
  system.kill(component)
  await system.hasRestarted(component, pid)
}

test('when the cell is killed its apps run again in new instances, and the orphans of the old ones are ended', async () => {
  const processes = await eventually('three processes', () => {
    const found = appProcesses()
    return found.length === 3 && found
  })
  const before = await instances()
  await killed('cell')
  await eventually('two other instances', async () => (await instances()).every((guid) => !before.includes(guid)))
  await bystander.runs()
  const old = new Set(processes.map(({ pid, started }) => `${pid} ${started}`))
  assert.equal(appProcesses().filter(({ pid, started }) => old.has(`${pid} ${started}`)).length, 0)
  await everythingWorks()
})

// No app may notice the death of any of these.
const others: ComponentName[] = [
  ...(usesNatsServer ? [] : (['nats'] as const)),
  'router',
  'uaa',
  'log-cache',
  'controller',
]
for (const component of others) {
  test(`when ${component} is killed no instance is touched, and everything works again`, async () => {
    const before = await instances()
    await killed(component)
    await everythingWorks()
    await eventually('the same instances as before', async () => {
      assert.deepEqual(await instances(), before)
      return true
    })
  })
}

test('a request that the controller works on when it gets SIGTERM is answered', async () => {
  const slow = await space.createApp({ name: 'slow', ...quickly, command: 'sleep 1000', 'default-route': false })
  await slow.upload((await zipFiles({ 'app.js': '' })).bits)
  await slow.stageAndRun()
  const pid = system.pidOf('controller')
  // The answer waits some seconds for an instance that is healthy or has crashed, if the app was started just now.
  const ask = async () => {
    await slow.act('restart')
    const request = { stats: slow.stats(), isAnswered: false }
    request.stats.then(
      () => (request.isAnswered = true),
      () => undefined,
    )
    return request
  }
  let request = await ask()
  await eventually('the controller to work on it', async () => {
    if (request.isAnswered) request = await ask()
    const page = await (await fetch(`http://127.0.0.1:${metrics.port}/metrics`)).text()
    return /^reactor_threads\{pool="request",state="blocked"\} [1-9]/m.test(page)
  })
  process.kill(pid, 'SIGTERM')
  assert.deepEqual(
    (await request.stats).map(({ index }) => index),
    [0],
  )
  await system.hasRestarted('controller', pid)
  assert.match(system.output, /controller +ended with exit code 0/)
  await slow.delete()
})

test('an upload that has half arrived when the controller gets SIGTERM is finished', async () => {
  const { guid } = await admin.call(WithGuid, 'POST', '/v3/packages', {
    json: { type: 'bits', relationships: { app: { data: { guid: app.guid } } } },
  })
  const form = new FormData()
  form.set('resources', '[]')
  form.set('bits', new Blob([(await zipFiles(mirror)).bits]), 'package.zip')
  const whole = new Request('http://localhost', { method: 'POST', body: form })
  const contentType = whole.headers.get('content-type') ?? assert.fail('no content type')
  const bytes = Buffer.from(await whole.arrayBuffer())
  const pid = system.pidOf('controller')
  const controllerLog = join(system.dataDirectory, 'logs', 'controller.log')
  const stops = () => readFileSync(controllerLog, 'utf8').split('"why":"SIGTERM"').length
  const stopsBefore = stops()
  const bodies = () =>
    readdirSync(join(system.dataDirectory, 'controller', 'uploads')).filter((name) => name.startsWith('reactor-body-'))

  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const upload = request(
      `${system.apiUrl}/v3/packages/${guid}/upload`,
      {
        method: 'POST',
        headers: { authorization: admin.authorization, 'content-type': contentType, 'content-length': bytes.length },
      },
      resolve,
    ).on('error', reject)
    upload.write(bytes.subarray(0, bytes.length / 2))
    const sendTheRest = async () => {
      await eventually('the first half to be there', () => bodies().length > 0)
      process.kill(pid, 'SIGTERM')
      await eventually('the controller to be stopping', () => stops() > stopsBefore)
      upload.end(bytes.subarray(bytes.length / 2))
    }
    sendTheRest().catch(reject)
  })
  const body = await text(answer)
  assert.equal(answer.statusCode, 200, body)
  await system.hasRestarted('controller', pid)
  const { state } = await admin.poll(
    z.object({ state: z.string() }),
    `/v3/packages/${guid}`,
    (each) => each.state !== 'PROCESSING_UPLOAD',
    120_000,
  )
  assert.equal(state, 'READY')
})
