import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testController } from '../../testing/test-controller.ts'

test('a label_selector selects by every form of requirement, all of which must hold', async (t) => {
  const { admin } = await testController(t)
  const labels = [{ env: 'prod' }, { env: 'dev', 'example.org/tier': 'gold' }, {}]
  for (const [index, one] of labels.entries())
    await admin.post('/v3/organizations', { name: 'abc'[index], metadata: { labels: one } })
  const found = async (selector: string): Promise<string> => {
    const { body } = await admin.get(`/v3/organizations?order_by=name&label_selector=${encodeURIComponent(selector)}`)
    return body.resources.map(({ name }: { name: string }) => name).join('')
  }
  for (const [selector, names] of [
    ['env', 'ab'],
    ['!env', 'c'],
    ['env=prod', 'a'],
    ['env==prod', 'a'],
    ['env!=prod', 'bc'],
    ['env in (prod,dev)', 'ab'],
    ['env notin (prod,test)', 'bc'],
    ['example.org/tier=gold', 'b'],
    ['tier=gold', ''],
    ['env,!example.org/tier', 'a'],
    ['env in (prod,dev),env!=prod', 'b'],
    ['env,,env', 'ab'],
    ['env=', ''],
  ] as const)
    assert.equal(await found(selector), names, selector)
})

test('what is wrong with a label_selector is told for each requirement', async (t) => {
  const { admin } = await testController(t)
  const faults = async (selector: string): Promise<string> => {
    const { status, body } = await admin.get(`/v3/organizations?label_selector=${encodeURIComponent(selector)}`)
    assert.equal(status, 400)
    return body.errors[0].detail.replace('The query parameter is invalid: ', '')
  }
  assert.equal(await faults(''), 'Missing label_selector value')
  assert.equal(await faults(','), 'Missing label_selector value')
  for (const selector of ['env in(a)', 'env  =a', ' env', '! env', 'env in (a'])
    assert.equal(await faults(selector), 'Invalid label_selector value', selector)
  assert.equal(await faults('env=a b'), "'a b' contains invalid characters")
  assert.equal(await faults('env in (a, b)'), "' b' contains invalid characters")
  assert.equal(
    await faults('a/b/c,e!f,-x=y'),
    "key has more than one '/', Invalid label_selector value, '-x' starts or ends with invalid characters",
  )
  assert.equal(await faults('a,'.repeat(51)), 'Too many label_selector requirements (maximum is 50)')
})
