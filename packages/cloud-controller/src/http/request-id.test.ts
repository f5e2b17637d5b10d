import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestIdOf } from './request-id.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

test('a request without an id gets one', () => {
  assert.match(requestIdOf({}), uuid)
  assert.notEqual(requestIdOf({}), requestIdOf({}))
  assert.match(requestIdOf({ 'x-vcap-request-id': '!?' }), uuid)
})

test('an incoming id is kept as prefix: word characters and dashes, the first 255', () => {
  const prefixOf = (id: string) => requestIdOf({ 'x-vcap-request-id': id }).split('::')
  assert.equal(prefixOf('a-b_C9')[0], 'a-b_C9')
  assert.equal(prefixOf('a\r\nb c"')[0], 'abc')
  assert.equal(prefixOf('x'.repeat(300))[0], 'x'.repeat(255))
  assert.match(prefixOf('a')[1] ?? '', uuid)
})

test('X-VCAP-Request-ID counts more than X-Request-ID', () => {
  assert.match(requestIdOf({ 'x-request-id': 'b' }), /^b::/)
  assert.match(requestIdOf({ 'x-request-id': 'b', 'x-vcap-request-id': 'a' }), /^a::/)
})
