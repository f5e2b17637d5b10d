import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testController } from '../../testing/test-controller.ts'

test('pages follow one another without gap or overlap from the first to the last, whatever the order', async (t) => {
  const { admin } = await testController(t)
  for (const name of 'gbfaecd') await admin.post('/v3/organizations', { name })
  const inOrder = async (orderBy: string): Promise<string> => {
    const names: string[] = []
    for (let page = 1; page <= 4; page++) {
      const { body } = await admin.get(`/v3/organizations?per_page=2&page=${page}${orderBy}`)
      assert.equal(body.pagination.total_results, 7)
      assert.equal(body.resources.length, page < 4 ? 2 : 1)
      names.push(...body.resources.map((organization: { name: string }) => organization.name))
    }
    return names.join('')
  }
  assert.equal(await inOrder(''), 'gbfaecd')
  assert.equal(await inOrder('&order_by=name'), 'abcdefg')
  assert.equal(await inOrder('&order_by=-name'), 'gfedcba')
  assert.equal(await inOrder('&order_by=-created_at').then((names) => [...names].sort().join('')), 'abcdefg')
})

test('what was created in the same millisecond is listed in the order of its creation', async (t) => {
  const { admin, db } = await testController(t)
  for (const name of 'gbfaecd') await admin.post('/v3/organizations', { name })
  await db.updateTable('organizations').set({ created_at: '2026-01-01T00:00:00.000Z' }).execute()
  const names = async (orderBy: string): Promise<string> => {
    const { body } = await admin.get(`/v3/organizations?order_by=${orderBy}`)
    return body.resources.map(({ name }: { name: string }) => name).join('')
  }
  assert.equal(await names('created_at'), 'gbfaecd')
  assert.equal(await names('-created_at'), 'dceafbg')
})

test('a page past the end is empty, and says so as Cloud Foundry does', async (t) => {
  const { admin } = await testController(t)
  await admin.post('/v3/organizations', { name: 'only' })
  const { status, body } = await admin.get('/v3/organizations?page=9')
  assert.equal(status, 200)
  const at = (page: number) => ({ href: `http://api.example.org/v3/organizations?page=${page}&per_page=50` })
  assert.deepEqual(body, {
    pagination: { total_results: 0, total_pages: 1, first: at(1), last: at(1), next: null, previous: at(8) },
    resources: [],
  })
})
