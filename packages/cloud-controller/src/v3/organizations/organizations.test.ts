import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testController } from '../../testing/test-controller.ts'

test('POST /v3/organizations answers 201 with the whole organization', async (t) => {
  const { admin } = await testController(t)
  const { status, body } = await admin.post('/v3/organizations', {
    name: 'acme',
    metadata: { labels: { 'example.org/tier': 'gold' }, annotations: { contact: 'ops' } },
  })
  assert.equal(status, 201)
  const quota = body.relationships.quota.data.guid
  assert.deepEqual(body, {
    guid: body.guid,
    created_at: body.created_at,
    updated_at: body.created_at,
    name: 'acme',
    suspended: false,
    relationships: { quota: { data: { guid: quota } } },
    metadata: { labels: { 'example.org/tier': 'gold' }, annotations: { contact: 'ops' } },
    links: {
      self: { href: `http://api.example.org/v3/organizations/${body.guid}` },
      domains: { href: `http://api.example.org/v3/organizations/${body.guid}/domains` },
      default_domain: { href: `http://api.example.org/v3/organizations/${body.guid}/domains/default` },
      quota: { href: `http://api.example.org/v3/organization_quotas/${quota}` },
    },
  })
  assert.match(body.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
})

test('POST /v3/organizations answers 403 when user_org_creation is off, and makes the creator manager when it is on', async (t) => {
  const { as, db } = await testController(t)
  const user = await as()
  const refused = await user.post('/v3/organizations', { name: 'mine' })
  assert.equal(refused.status, 403)
  assert.equal(refused.body.errors[0].title, 'CF-NotAuthorized')

  await db
    .insertInto('feature_flags')
    .values({
      name: 'user_org_creation',
      enabled: 1,
      custom_error_message: null,
      updated_at: '2026-01-01T00:00:00.000Z',
    })
    .execute()
  const { body } = await user.post('/v3/organizations', { name: 'mine' })
  const renamed = await user.patch(`/v3/organizations/${body.guid}`, { name: 'ours' })
  assert.equal(renamed.body.name, 'ours')
  assert.equal((await user.patch(`/v3/organizations/${body.guid}`, { suspended: true })).status, 403)
  const events = await db.selectFrom('audit_events').select(['type', 'target_guid']).orderBy('id').execute()
  assert.deepEqual(
    events.slice(0, 3).map(({ type, target_guid }) => [type, target_guid]),
    [
      ['audit.organization.create', body.guid],
      ['audit.user.organization_user_add', user.userGuid],
      ['audit.user.organization_manager_add', user.userGuid],
    ],
  )
})

test('a suspension of null counts as none', async (t) => {
  const { admin } = await testController(t)
  const { status, body } = await admin.post('/v3/organizations', { name: 'acme', suspended: null })
  assert.deepEqual([status, body.suspended], [201, false])
  await admin.patch(`/v3/organizations/${body.guid}`, { suspended: true })
  const { body: resumed } = await admin.patch(`/v3/organizations/${body.guid}`, { suspended: null })
  assert.equal(resumed.suspended, false)
})

test('an organization name is taken whatever its letter case, with the words that clients match on', async (t) => {
  const { admin } = await testController(t)
  await admin.post('/v3/organizations', { name: 'acme' })
  const again = await admin.post('/v3/organizations', { name: 'acme' })
  assert.equal(again.status, 422)
  assert.deepEqual(again.body.errors, [
    { code: 10008, title: 'CF-UnprocessableEntity', detail: "Organization 'acme' already exists." },
  ])
  assert.equal((await admin.post('/v3/organizations', { name: 'ACME' })).status, 422)
})

test('a bad body is answered with every fault in one detail', async (t) => {
  const { admin } = await testController(t)
  const { status, body } = await admin.post('/v3/organizations', { suspended: 'yes', wheels: 4 })
  assert.equal(status, 422)
  assert.equal(body.errors[0].detail, "Unknown field(s): 'wheels', Name can't be blank, Suspended must be a boolean")
  const nameless = await admin.post('/v3/organizations', { name: '' })
  assert.equal(
    nameless.body.errors[0].detail,
    "Name is too short (minimum is 1 character), Name must not contain escaped characters, Name can't be blank",
  )
  const broken = await admin.post('/v3/organizations', '{"name":')
  assert.equal(broken.status, 400)
  assert.equal(broken.body.errors[0].detail, 'Request invalid due to parse error: invalid request body')
})

test('GET /v3/organizations pages, orders, filters and refuses unknown parameters', async (t) => {
  const { admin } = await testController(t)
  for (const name of ['b', 'a', 'c']) await admin.post('/v3/organizations', { name, metadata: { labels: { n: name } } })

  const page = await admin.get('/v3/organizations?per_page=2&page=1&order_by=-name&names=a,b,c')
  assert.deepEqual(
    page.body.resources.map((org: { name: string }) => org.name),
    ['c', 'b'],
  )
  assert.deepEqual(page.body.pagination, {
    total_results: 3,
    total_pages: 2,
    first: { href: 'http://api.example.org/v3/organizations?names=a%2Cb%2Cc&order_by=-name&page=1&per_page=2' },
    last: { href: 'http://api.example.org/v3/organizations?names=a%2Cb%2Cc&order_by=-name&page=2&per_page=2' },
    next: { href: 'http://api.example.org/v3/organizations?names=a%2Cb%2Cc&order_by=-name&page=2&per_page=2' },
    previous: null,
  })
  const selected = await admin.get('/v3/organizations?label_selector=n%20in%20(a,b)&order_by=name')
  assert.deepEqual(
    selected.body.resources.map((org: { name: string }) => org.name),
    ['a', 'b'],
  )
  assert.equal((await admin.get('/v3/organizations?names=a,c')).body.pagination.total_results, 2)

  const refused = await admin.get('/v3/organizations?wheels=4&page=0&order_by=size')
  assert.equal(refused.status, 400)
  assert.equal(refused.body.errors[0].code, 10005)
  assert.match(refused.body.errors[0].detail, /Unknown query parameter\(s\): 'wheels'\. Valid parameters are: 'page'/)
  assert.match(refused.body.errors[0].detail, /Page must be a positive integer, Order by can only be: 'created_at'/)
})

test('a caller without a role sees no organization: 404 and an empty list', async (t) => {
  const { admin, as, withRole, anonymous } = await testController(t)
  const { body: org } = await admin.post('/v3/organizations', { name: 'acme' })
  const stranger = await as()
  assert.equal((await stranger.get(`/v3/organizations/${org.guid}`)).status, 404)
  assert.equal((await stranger.get('/v3/organizations')).body.pagination.total_results, 0)
  const user = await withRole({ type: 'organization_user', organization: org.guid })
  assert.equal((await user.get(`/v3/organizations/${org.guid}`)).status, 200)
  assert.equal((await user.patch(`/v3/organizations/${org.guid}`, { name: 'x' })).status, 403)
  assert.equal((await anonymous.get('/v3/organizations')).body.errors[0].code, 10002)
})

test('the number of SQL statements of a list does not grow with its rows', async (t) => {
  const { admin, countStatements } = await testController(t)
  await admin.post('/v3/organizations', { name: 'first' })
  countStatements()
  await admin.get('/v3/organizations')
  const one = countStatements()
  for (let number = 0; number < 20; number++) await admin.post('/v3/organizations', { name: `org-${number}` })
  countStatements()
  await admin.get('/v3/organizations')
  assert.equal(countStatements(), one)
})
