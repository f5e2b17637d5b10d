import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ApiRequestError } from '@vcap/cli'
import { type App, eventually, loggedErrors, processesOf, startCloudFoundry } from '@vcap/testkit'
import { z } from 'zod'
import { mirrored } from './mirror-answer.ts'
import { mirror, quickly } from './small-apps.ts'

const WithGuid = z.object({ guid: z.string() })
const Page = z.object({ resources: z.array(WithGuid) })
const Destinations = z.object({ destinations: z.array(WithGuid) })

const cloud = await startCloudFoundry({
  components: {
    // A route without endpoints is answered 503 for a while, and 404 then; a second is enough for a test.
    router: { emptyPoolTimeoutInSeconds: 1 },
    // Time for an app on a slow machine to say that it was asked to stop.
    cell: { gracefulStopInSeconds: 60 },
  },
})
after(() => cloud.stop())
const admin = await cloud.admin()
const space = await cloud.createSpace('life')

/** The guids of the instances that answer, once all of that number do. */
async function answering(app: App, count: number): Promise<Set<string>> {
  const seen = new Set<string>()
  await eventually(`${count} instances to answer`, async () => {
    for (let request = 0; request < 2 * count; request++) seen.add(mirrored(await app.answers()).instance)
    return seen.size >= count
  })
  return seen
}

const pidsOf = (dataDirectory: string) => processesOf(dataDirectory).map(({ pid }) => pid)

test('scaling from one instance to three and back starts two and stops two, and the first stays as it is', async () => {
  const app = await space.push({ name: 'scaled', ...quickly }, mirror)
  const [first] = await answering(app, 1)
  await app.scale({ instances: 3 })
  const instances = await app.hasInstances((all) => all.filter(({ state }) => state === 'RUNNING').length === 3)
  assert.deepEqual(
    instances.map(({ index }) => index),
    [0, 1, 2],
  )
  const three = await answering(app, 3)
  assert.equal(three.size, 3)
  assert(first !== undefined && three.has(first))

  await app.scale({ instances: 1 })
  await app.logged(/^\[APP\/PROC\/WEB\/2\] asked to stop$/)
  await eventually('two instances to be gone', () => pidsOf(cloud.dataDirectory).length === 1)
  assert.equal((await app.stats()).length, 1)
  for (let request = 0; request < 6; request++) assert.equal(mirrored(await app.answers()).instance, first)
  await app.delete()
})

test('a stopped app gives up its processes and its route, starts again with another instance, and so does a restart', async () => {
  const app = await space.push({ name: 'halting', ...quickly }, mirror)
  const first = mirrored(await app.answers())
  await app.act('stop')
  await app.logged(/^\[APP\/PROC\/WEB\/0\] asked to stop$/)
  await eventually('its process to be gone', () => !pidsOf(cloud.dataDirectory).includes(first.pid))
  const refused = await app.hasStatus(404)
  assert.equal(refused.headers['x-cf-routererror'], 'unknown_route')
  assert.deepEqual(
    (await app.stats()).map(({ state }) => state),
    ['DOWN'],
  )

  await app.act('start')
  const second = mirrored(await app.answers())
  assert.notEqual(second.instance, first.instance)

  await app.act('restart')
  await eventually('another instance to answer', async () => {
    const page = await app.page()
    return page.status === 200 && mirrored(page).instance !== second.instance
  })
  await eventually('the old instance to be gone', () => !pidsOf(cloud.dataDirectory).includes(second.pid))
  assert.deepEqual(await app.events('audit.app.process.crash'), [], 'a stop is no crash')
  await app.delete()
})

test('a changed environment reaches the app with a restage', async () => {
  const app = await space.push({ name: 'changing', ...quickly, env: { GREETING: 'Good morning' } }, mirror)
  assert.equal(mirrored(await app.answers()).greeting, 'Good morning')
  await app.setEnvironment({ GREETING: 'Grüße, "Ümläut" $HOME `pwd` \\n' })
  assert.equal(mirrored(await app.answers()).greeting, 'Good morning', 'an app that runs keeps its environment')
  await app.stageAndRun()
  await eventually('the new greeting, with not a character changed', async () => {
    const page = await app.page()
    return page.status === 200 && mirrored(page).greeting === 'Grüße, "Ümläut" $HOME `pwd` \\n'
  })
  await app.setEnvironment({ GREETING: null })
  await app.act('restart')
  await eventually('no greeting', async () => {
    const page = await app.page()
    return page.status === 200 && mirrored(page).greeting === null
  })
  await app.delete()
})

test('a route is mapped and unmapped while the app runs on, also one with a path', async () => {
  const app = await space.push({ name: 'mapped', ...quickly }, mirror)
  const { instance } = mirrored(await app.answers())
  const domains = await admin.call(Page, 'GET', `/v3/domains?names=${cloud.appsDomain}`)
  const route = await admin.call(WithGuid, 'POST', '/v3/routes', {
    json: {
      host: 'second-name',
      path: '/below',
      relationships: { space: { data: { guid: space.guid } }, domain: { data: { guid: domains.resources[0]?.guid } } },
    },
  })
  const host = `second-name.${cloud.appsDomain}`
  assert.equal((await cloud.page(host, '/below')).status, 404)

  const { destinations } = await admin.call(Destinations, 'POST', `/v3/routes/${route.guid}/destinations`, {
    json: { destinations: [{ app: { guid: app.guid } }] },
  })
  assert.equal(mirrored(await app.answers('/below/it', host)).instance, instance, 'without a restart')
  assert.equal((await cloud.page(host, '/elsewhere')).status, 404)

  await admin.call(z.undefined(), 'DELETE', `/v3/routes/${route.guid}/destinations/${destinations[0]?.guid}`)
  await eventually('the route to be gone', async () => (await cloud.page(host, '/below')).status === 404)
  assert.equal(mirrored(await app.answers()).instance, instance, 'the other route stays, and the instance runs on')
  await app.delete()
})

test('a deleted app frees everything: processes, folders, routes, packages, droplets', async () => {
  const app = await space.push({ name: 'passing', ...quickly, instances: 2 }, mirror)
  await answering(app, 2)
  const instances = (await app.runs()).map(({ instance_guid }) => instance_guid ?? assert.fail('no instance guid'))
  const cell = join(cloud.dataDirectory, 'cell')
  const foldersOf = (guid: string) =>
    readdirSync(cell, { recursive: true }).filter((path) => String(path).includes(guid))
  // What else is in there comes and goes, and a folder that goes while it is read is an error.
  for (const guid of instances)
    await eventually('its folders, or the last lines here prove nothing', () => foldersOf(guid).length > 0)

  await app.delete()
  await eventually('its processes to be gone', () => pidsOf(cloud.dataDirectory).length === 0)
  assert.equal((await app.hasStatus(404)).headers['x-cf-routererror'], 'unknown_route')
  for (const path of ['packages', 'droplets', 'builds', 'processes'])
    assert.deepEqual((await admin.call(Page, 'GET', `/v3/${path}?app_guids=${app.guid}`)).resources, [], path)
  assert.deepEqual((await admin.call(Page, 'GET', '/v3/routes?hosts=passing')).resources, [])
  await assert.rejects(admin.call(WithGuid, 'GET', `/v3/apps/${app.guid}`), (error) => {
    assert(error instanceof ApiRequestError)
    assert.deepEqual([error.status, error.errors[0]?.detail], [404, 'App not found'])
    return true
  })
  for (const guid of instances) await eventually('its folders to be gone', () => foldersOf(guid).length === 0)
})

test('no component had an error to log meanwhile', () => {
  assert.deepEqual(loggedErrors(cloud.dataDirectory), [])
})
