import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../../db/schema.ts'
import { givenSpace, givenStartableApp } from '../../testing/factories.ts'
import { all, assertRoleTable, clientsOfAllRoles, spaceReaders } from '../../testing/role-table.ts'
import { type TestController, testController } from '../../testing/test-controller.ts'

async function givenDeployment({ db }: TestController, appGuid: string, values: Partial<Row<'deployments'>> = {}) {
  const time = '2026-01-01T00:00:00.000Z'
  await db
    .insertInto('deployments')
    .values({
      guid: 'deployment',
      created_at: time,
      updated_at: time,
      app_guid: appGuid,
      strategy: 'rolling',
      status_value: 'ACTIVE',
      status_reason: 'DEPLOYING',
      state: 'DEPLOYING',
      droplet_guid: 'new',
      previous_droplet_guid: 'old',
      revision_guid: null,
      revision_version: null,
      options: '{"max_in_flight":1}',
      new_processes: '[{"guid":"process","type":"web"}]',
      last_healthy_at: null,
      status_updated_at: time,
      error: null,
      canary_current_step: null,
      canary_total_steps: null,
      ...values,
    })
    .execute()
}

test('a deployment is listed by app and status, and shown', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, spaceGuid)
  const none = await admin.get(`/v3/deployments?app_guids=${appGuid}&order_by=-created_at&status_values=ACTIVE`)
  assert.deepEqual([none.status, none.body.resources], [200, []])
  await givenDeployment(controller, appGuid)
  const { body } = await admin.get('/v3/deployments/deployment')
  assert.deepEqual(body, {
    guid: 'deployment',
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
    status: {
      value: 'ACTIVE',
      reason: 'DEPLOYING',
      details: { last_successful_healthcheck: null, last_status_change: '2026-01-01T00:00:00Z' },
    },
    strategy: 'rolling',
    options: { max_in_flight: 1 },
    droplet: { guid: 'new' },
    previous_droplet: { guid: 'old' },
    new_processes: [{ guid: 'process', type: 'web' }],
    revision: null,
    relationships: { app: { data: { guid: appGuid } } },
    metadata: { labels: {}, annotations: {} },
    links: {
      self: { href: 'http://api.example.org/v3/deployments/deployment' },
      app: { href: `http://api.example.org/v3/apps/${appGuid}` },
      cancel: { href: 'http://api.example.org/v3/deployments/deployment/actions/cancel', method: 'POST' },
    },
  })
  const count = async (query: string) => (await admin.get(`/v3/deployments?${query}`)).body.pagination.total_results
  assert.deepEqual(
    [await count('status_values=ACTIVE'), await count('status_reasons=PAUSED'), await count('states=DEPLOYING')],
    [1, 0, 1],
  )
})

test('while a deployment is under way, web and the current droplet are left to it', async (t) => {
  const controller = await testController(t)
  const { admin } = controller
  const { spaceGuid } = await givenSpace(controller)
  const { appGuid, dropletGuid } = await givenStartableApp(controller, spaceGuid)
  await givenDeployment(controller, appGuid)
  const detail = (answer: { body: { errors: Array<{ detail: string }> } }) => answer.body.errors[0]?.detail
  assert.equal(
    detail(await admin.post(`/v3/processes/${appGuid}/actions/scale`, { instances: 2 })),
    'Cannot scale this process while a deployment is in flight.',
  )
  assert.equal(
    detail(await admin.patch(`/v3/processes/${appGuid}`, { command: 'x' })),
    'Cannot update this process while a deployment is in flight.',
  )
  const droplet = { data: { guid: dropletGuid } }
  assert.equal(
    detail(await admin.patch(`/v3/apps/${appGuid}/relationships/current_droplet`, droplet)),
    'Unable to assign current droplet while the app has a deployment in progress. Wait for the deployment to complete or cancel it.',
  )
})

test('who may see a deployment', async (t) => {
  const controller = await testController(t)
  const place = await givenSpace(controller)
  const { appGuid } = await givenStartableApp(controller, place.spaceGuid)
  await givenDeployment(controller, appGuid)
  const clients = await clientsOfAllRoles(controller, place)
  await assertRoleTable(clients, (client) => client.get('/v3/deployments/deployment'), all(spaceReaders, 200), 404)
})
