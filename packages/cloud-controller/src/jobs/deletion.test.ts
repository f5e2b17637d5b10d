import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Answer, testController } from '../testing/test-controller.ts'

const guid = (id: string) => ({ data: { guid: id } })

async function withOrganization(t: TestContext) {
  const controller = await testController(t)
  const { admin, db, runJobs } = controller
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme', metadata: { labels: { a: 'b' } } })

  const space = async (name: string) =>
    (
      await admin.post('/v3/spaces', {
        name,
        relationships: { organization: guid(org.guid) },
        metadata: { annotations: { a: 'b' } },
      })
    ).body
  const app = async (name: string, spaceGuid: string) =>
    (await admin.post('/v3/apps', { name, relationships: { space: guid(spaceGuid) } })).body
  const route = async (host: string, spaceGuid: string, appGuid: string) => {
    const { guid: domain } = await db.selectFrom('domains').select('guid').executeTakeFirstOrThrow()
    const { body } = await admin.post('/v3/routes', {
      host,
      relationships: { space: guid(spaceGuid), domain: guid(domain) },
    })
    await db
      .insertInto('route_destinations')
      .values({
        guid: `destination-${host}`,
        created_at: '2026-01-01T00:00:00.000Z',
        updated_at: '2026-01-01T00:00:00.000Z',
        route_guid: body.guid,
        app_guid: appGuid,
        process_type: 'web',
        app_port: null,
        weight: null,
        protocol: null,
      })
      .execute()
    return body
  }
  const start = (appGuid: string) =>
    Promise.all([
      db.updateTable('apps').set({ desired_state: 'STARTED' }).where('guid', '=', appGuid).execute(),
      db.updateTable('processes').set({ state: 'STARTED' }).where('app_guid', '=', appGuid).execute(),
    ])
  const jobOf = async (accepted: Answer) => {
    assert.equal(accepted.status, 202)
    await runJobs()
    return (await admin.get(new URL(accepted.headers.get('location') ?? '').pathname)).body
  }
  const eventTypes = async (target: string) =>
    (await admin.get(`/v3/audit_events?target_guids=${target}`)).body.resources.map(
      (event: { type: string }) => event.type,
    )
  return { ...controller, org, space, app, route, start, jobOf, eventTypes }
}

async function rowsOf(controller: Awaited<ReturnType<typeof testController>>) {
  const { db } = controller
  const counts: Record<string, number> = {}
  for (const table of [
    'organizations',
    'spaces',
    'apps',
    'processes',
    'routes',
    'route_destinations',
    'route_shared_spaces',
    'roles',
    'service_instances',
    'service_credential_bindings',
    'service_route_bindings',
    'security_group_spaces',
    'space_quotas',
    'labels',
    'annotations',
  ] as const) {
    const { count } = await db
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    if (Number(count) > 0) counts[table] = Number(count)
  }
  return counts
}

test('deleting a space stops and deletes its apps and removes everything in it', async (t) => {
  const controller = await withOrganization(t)
  const { admin, db, bus, org, space, app, route, start, jobOf, eventTypes, withRole } = controller
  const dev = await space('dev')
  const web = await app('web', dev.guid)
  await start(web.guid)
  const webRoute = await route('web', dev.guid, web.guid)
  await withRole({ type: 'space_developer', space: dev.guid })
  const time = { created_at: '2026-01-01T00:00:00.000Z', updated_at: '2026-01-01T00:00:00.000Z' }
  await db
    .insertInto('service_instances')
    .values({
      ...time,
      guid: 'instance',
      name: 'db',
      space_guid: dev.guid,
      type: 'user-provided',
      sealed_credentials: null,
      syslog_drain_url: null,
      route_service_url: null,
      tags: '[]',
    })
    .execute()
  await db
    .insertInto('service_credential_bindings')
    .values({
      ...time,
      guid: 'binding',
      type: 'app',
      name: null,
      app_guid: web.guid,
      service_instance_guid: 'instance',
      sealed_credentials: '',
      syslog_drain_url: null,
    })
    .execute()
  await db
    .insertInto('service_route_bindings')
    .values({
      ...time,
      guid: 'route-binding',
      route_guid: webRoute.guid,
      service_instance_guid: 'instance',
      route_service_url: null,
    })
    .execute()
  await db
    .insertInto('security_groups')
    .values({ ...time, guid: 'group', name: 'g', rules: '[]', running_default: 0, staging_default: 0 })
    .execute()
  await db
    .insertInto('security_group_spaces')
    .values({ security_group_guid: 'group', space_guid: dev.guid, lifecycle: 'running' })
    .execute()

  const job = await jobOf(await admin.delete(`/v3/spaces/${dev.guid}`))
  assert.deepEqual([job.operation, job.state, job.errors], ['space.delete', 'COMPLETE', []])
  assert.equal((await admin.get(`/v3/spaces/${dev.guid}`)).status, 404)
  // What is left: the organization with its label, and the developer's role in it.
  assert.deepEqual(await rowsOf(controller), { organizations: 1, roles: 1, labels: 1 })
  assert.deepEqual(
    bus.calls.filter(({ name }) => name === 'dea.stop').map(({ values }) => values[0]),
    [{ droplet: web.guid }],
  )
  assert.deepEqual(await eventTypes(dev.guid), ['audit.space.create', 'audit.space.delete-request'])
  assert.equal((await eventTypes(web.guid)).at(-1), 'audit.app.delete-request')
  assert.equal((await admin.get(`/v3/organizations/${org.guid}`)).status, 200)
})

test('an app of another space that loses a route with a space is told so', async (t) => {
  const { admin, bus, space, app, route, start, jobOf } = await withOrganization(t)
  const dev = await space('dev')
  const prod = await space('prod')
  const other = await app('other', prod.guid)
  await start(other.guid)
  await route('shared', dev.guid, other.guid)
  const job = await jobOf(await admin.delete(`/v3/spaces/${dev.guid}`))
  assert.equal(job.state, 'COMPLETE')
  const updates = bus.calls.filter(({ name }) => name === 'dea.update').map(({ values }) => values[0])
  assert.deepEqual(
    updates.map((update) => ({ ...(update as object), version: '' })),
    [{ droplet: other.guid, uris: [], version: '' }],
  )
})

test('a space that is asked to go twice goes once, and both jobs complete', async (t) => {
  const { admin, space, app, jobOf } = await withOrganization(t)
  const dev = await space('dev')
  await app('web', dev.guid)
  const first = await admin.delete(`/v3/spaces/${dev.guid}`)
  const second = await admin.delete(`/v3/spaces/${dev.guid}`)
  assert.equal((await jobOf(first)).state, 'COMPLETE')
  assert.equal((await jobOf(second)).state, 'COMPLETE')
})

test('while a space is being deleted nobody but an admin changes what is in it', async (t) => {
  const { admin, withRole, space } = await withOrganization(t)
  const dev = await space('dev')
  const developer = await withRole({ type: 'space_developer', space: dev.guid })
  await admin.delete(`/v3/spaces/${dev.guid}`)
  const refused = await developer.post('/v3/apps', { name: 'late', relationships: { space: guid(dev.guid) } })
  assert.deepEqual(
    [refused.status, refused.body.errors[0].code, refused.body.errors[0].detail],
    [422, 10020, 'The space is being deleted'],
  )
  const resumed = await admin.patch(`/v3/spaces/${dev.guid}`, { suspended: false })
  assert.equal(resumed.body.errors[0].detail, "Space 'dev' is being deleted and cannot be updated.")
  assert.equal((await admin.patch(`/v3/spaces/${dev.guid}`, { name: 'old-dev' })).body.name, 'old-dev')
})

test('deleting an organization deletes its spaces, apps, domains and roles', async (t) => {
  const controller = await withOrganization(t)
  const { admin, db, org, space, app, route, start, jobOf, eventTypes, withRole } = controller
  const dev = await space('dev')
  await space('prod')
  const web = await app('web', dev.guid)
  await start(web.guid)
  await route('web', dev.guid, web.guid)
  await withRole({ type: 'space_manager', space: dev.guid })
  await withRole({ type: 'organization_manager', organization: org.guid })
  await admin.post('/v3/domains', { name: 'acme.example.org', relationships: { organization: guid(org.guid) } })

  const job = await jobOf(await admin.delete(`/v3/organizations/${org.guid}/`))
  assert.deepEqual([job.operation, job.state, job.errors], ['organization.delete', 'COMPLETE', []])
  assert.deepEqual(await rowsOf(controller), {})
  assert.deepEqual(
    (await db.selectFrom('domains').select('name').execute()).map(({ name }) => name),
    ['apps.localhost'],
  )
  assert.deepEqual(await eventTypes(dev.guid), ['audit.space.create', 'audit.space.delete-request'])
  assert.equal((await eventTypes(org.guid)).at(-1), 'audit.organization.delete-request')
  assert.equal((await admin.post('/v3/organizations', { name: 'acme' })).status, 201, 'its name is free again')
})

test('an organization whose domain is shared with others stays as it was', async (t) => {
  const { admin, db, org, space, app, jobOf } = await withOrganization(t)
  await app('web', (await space('dev')).guid)
  const { body: other } = await admin.post('/v3/organizations', { name: 'other' })
  const { body: domain } = await admin.post('/v3/domains', {
    name: 'acme.example.org',
    relationships: { organization: guid(org.guid) },
  })
  await db
    .insertInto('domain_shared_organizations')
    .values({ domain_guid: domain.guid, organization_guid: other.guid })
    .execute()
  await admin.patch(`/v3/organizations/${org.guid}`, { suspended: true })

  const job = await jobOf(await admin.delete(`/v3/organizations/${org.guid}`))
  assert.deepEqual(
    [job.state, job.errors],
    [
      'FAILED',
      [
        {
          code: 290010,
          title: 'CF-OrganizationDeletionFailed',
          detail:
            "Deletion of organization acme failed because one or more resources within could not be deleted.\n\nDomain 'acme.example.org' is shared with other organizations. Unshare before deleting.",
        },
      ],
    ],
  )
  const { body } = await admin.get(`/v3/organizations/${org.guid}`)
  assert.equal(body.suspended, true)
  assert.equal((await admin.get('/v3/apps')).body.pagination.total_results, 1)

  // The organization with which it is shared may go; the domain stays.
  assert.equal((await jobOf(await admin.delete(`/v3/organizations/${other.guid}`))).state, 'COMPLETE')
  assert.equal((await admin.get(`/v3/domains/${domain.guid}`)).status, 200)
  assert.equal((await jobOf(await admin.delete(`/v3/organizations/${org.guid}`))).state, 'COMPLETE')
})
