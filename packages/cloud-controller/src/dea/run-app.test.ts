import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { givenSpace, givenStartableApp } from '../testing/factories.ts'
import { type TestController, testController } from '../testing/test-controller.ts'
import { updateRoutesOfApps } from './run-app.ts'

const identity = () => {
  const time = '2026-01-01T00:00:00.000Z'
  return { guid: randomUUID(), created_at: time, updated_at: time }
}

async function givenRoute(
  { db }: TestController,
  {
    host,
    path = '',
    internal = 0,
    ...destination
  }: { host: string; path?: string; internal?: 0 | 1; space: string; app: string; type?: string },
): Promise<void> {
  const domain = { ...identity(), name: `${host || 'bare'}.example.org`, internal, router_group_guid: null }
  await db
    .insertInto('domains')
    .values({ ...domain, owning_organization_guid: null })
    .execute()
  const route = { ...identity(), host, path, port: null, domain_guid: domain.guid, space_guid: destination.space }
  await db
    .insertInto('routes')
    .values({ ...route, options: null })
    .execute()
  for (const app_port of [8080, 8081])
    await db
      .insertInto('route_destinations')
      .values({
        ...identity(),
        route_guid: route.guid,
        app_guid: destination.app,
        process_type: destination.type ?? 'web',
        app_port,
        weight: null,
        protocol: null,
      })
      .execute()
}

test('the DEAs hear the routes of each started process: host, path, no internal ones, none twice', async (t) => {
  const controller = await testController(t)
  const { admin, bus } = controller
  const { spaceGuid: space } = await givenSpace(controller)
  const { appGuid: app } = await givenStartableApp(controller, space, { processTypes: { web: 'a', worker: 'b' } })
  await givenRoute(controller, { host: 'hello', path: '/v1', space, app })
  await givenRoute(controller, { host: '', space, app })
  await givenRoute(controller, { host: 'inside', internal: 1, space, app })
  await givenRoute(controller, { host: 'work', space, app, type: 'worker' })
  await updateRoutesOfApps(controller.services, [app])
  assert.deepEqual(
    bus.calls.filter((call) => call.name === 'dea.update'),
    [],
    'a stopped app runs nothing that could be told',
  )
  await admin.post(`/v3/apps/${app}/actions/start`)
  const started = bus.calls.find((call) => call.name === 'dea.start')?.values[0] as Array<{ uris: string[] }>
  const uris = ['hello.hello.example.org/v1', 'bare.example.org']
  assert.deepEqual(started[0]?.uris, uris)
  await updateRoutesOfApps(controller.services, [app, app])
  const updates = bus.calls.filter((call) => call.name === 'dea.update').map((call) => call.values[0])
  const processes = (await admin.get(`/v3/apps/${app}/processes`)).body.resources as Array<{
    guid: string
    version: string
  }>
  assert.deepEqual(updates, [
    { droplet: processes[0]?.guid, version: processes[0]?.version, uris },
    { droplet: processes[1]?.guid, version: processes[1]?.version, uris: ['work.work.example.org'] },
  ])
})
