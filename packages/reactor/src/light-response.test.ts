import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LightResponse } from './light-response.ts'

/** As many frameworks add a header to an answer that is there: by making a new one of its body. */
function withHeader(response: LightResponse, name: string, value: string): LightResponse {
  const next = new LightResponse(response.body, response as unknown as { status: number; headers: Headers })
  next.headers.set(name, value)
  return next
}

describe('the light Response', () => {
  it('gives back what it was made of, with a content type for text', () => {
    assert.deepEqual(new LightResponse('hi', { status: 201, headers: { 'x-a': '1' } }).parts(), {
      status: 201,
      headers: ['x-a', '1', 'content-type', 'text/plain;charset=UTF-8'],
      body: 'hi',
    })
    assert.deepEqual(new LightResponse().parts(), { status: 200, headers: [], body: null })
  })

  it('shows headers that were set later', () => {
    const response = new LightResponse('{}', { headers: { 'content-type': 'application/json' } })
    response.headers.append('set-cookie', 'a=1')
    response.headers.append('set-cookie', 'b=2')
    const { headers } = response.parts() ?? { headers: [] }
    assert.deepEqual(headers, ['content-type', 'application/json', 'set-cookie', 'a=1', 'set-cookie', 'b=2'])
  })

  it('made anew of the body of another keeps it without reading it, and leaves the other as it was', () => {
    const first = new LightResponse('body', { status: 404, headers: { 'x-a': '1' } })
    const second = withHeader(withHeader(first, 'x-b', '2'), 'x-c', '3')
    const parts = second.parts()
    assert.equal(parts?.body, 'body')
    assert.equal(parts.status, 404)
    assert.equal(second.headers.get('x-c'), '3')
    assert.equal(first.headers.get('x-b'), null)
  })

  it('can be read as any Response', async () => {
    assert.deepEqual(await LightResponse.json({ a: 1 }, { status: 202 }).json(), { a: 1 })
    assert.equal(LightResponse.json({}).headers.get('content-type'), 'application/json')
    assert.equal(await new LightResponse(new URLSearchParams('a=1')).text(), 'a=1')
    assert.equal(await new LightResponse('twice').clone().text(), 'twice')
    const read = new LightResponse('once')
    await read.text()
    assert.equal(read.bodyUsed, true)
    assert.equal(read.parts(), undefined)
  })

  it('is an instance of Response, as undici’s is of it', () => {
    assert.ok(new LightResponse() instanceof Response)
    assert.ok(new Response() instanceof LightResponse)
    assert.equal({} instanceof LightResponse, false)
  })

  it('refuses a status that none can have', () => {
    assert.throws(() => new LightResponse('', { status: 99 }), RangeError)
  })

  it('redirects', () => {
    const { status, headers } = LightResponse.redirect('http://example.com/')
    assert.deepEqual([status, headers.get('location')], [302, 'http://example.com/'])
  })
})
