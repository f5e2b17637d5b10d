import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromWire, registerErrorClass, toWire } from './wire-error.ts'

/** As if it had crossed a thread. */
function cross(thrown: unknown): unknown {
  return fromWire(structuredClone(toWire(thrown)))
}

class Plain extends Error {
  readonly status: number
  constructor(status: number, options?: ErrorOptions) {
    super(`status ${status}`, options)
    this.name = 'Plain'
    this.status = status
  }
  get isClientError(): boolean {
    return this.status < 500
  }
}
class Special extends Plain {}
class Secret extends Error {
  readonly #secret: string
  constructor(secret: string) {
    super('secret')
    this.#secret = secret
  }
  get secret(): string {
    return this.#secret
  }
}
registerErrorClass(Plain)
registerErrorClass(Secret, { name: 'Secret', revive: (wire) => new Secret(`revived ${wire.message}`) })

describe('an error that crosses threads', () => {
  it('keeps class, message, stack, fields and methods', () => {
    const error = new Plain(404)
    const crossed = cross(error)
    assert.ok(crossed instanceof Plain)
    assert.equal(crossed.message, error.message)
    assert.equal(crossed.stack, error.stack)
    assert.equal(crossed.isClientError, true)
    assert.deepEqual({ ...crossed }, { ...error })
  })

  it('of a class that is not registered arrives as its nearest ancestor that is', () => {
    const crossed = cross(new Special(500))
    assert.ok(crossed instanceof Plain)
    assert.equal(crossed.status, 500)
  })

  it('of an unknown class is an Error with its name and code', () => {
    const unknown = Object.assign(new (class Unknown extends Error {})('what'), { name: 'Unknown', code: 'E_WHAT' })
    const crossed = cross(unknown)
    assert.ok(crossed instanceof Error)
    assert.equal(Object.getPrototypeOf(crossed), Error.prototype)
    assert.deepEqual([crossed.name, crossed.message, 'code' in crossed && crossed.code], ['Unknown', 'what', 'E_WHAT'])
  })

  it('keeps the whole chain of causes, and ends a circle', () => {
    const crossed = cross(new Plain(500, { cause: new TypeError('inner', { cause: 'text' }) }))
    assert.ok(crossed instanceof Error && crossed.cause instanceof TypeError)
    assert.equal(crossed.cause.cause, 'text')
    const circle = new Error('round')
    circle.cause = circle
    assert.ok(cross(circle) instanceof Error)
  })

  it('keeps the errors of an AggregateError', () => {
    const crossed = cross(new AggregateError([new RangeError('a'), 'b'], 'both'))
    assert.ok(crossed instanceof AggregateError)
    assert.ok(crossed.errors[0] instanceof RangeError)
    assert.equal(crossed.errors[1], 'b')
  })

  it('with a field that can not be cloned keeps the others', () => {
    const error = Object.assign(new Error('x'), { handler: () => 1, code: 5, inner: new RangeError('r') })
    const crossed = cross(error) as typeof error
    assert.equal(crossed.code, 5)
    assert.equal(typeof crossed.handler, 'string')
    assert.equal(String(crossed.inner), 'RangeError: r')
  })

  it('with private fields is made by its own function', () => {
    const crossed = cross(new Secret('s'))
    assert.ok(crossed instanceof Secret)
    assert.equal(crossed.secret, 'revived secret')
  })

  it('that is no error stays what it is', () => {
    assert.deepEqual(cross({ a: [1] }), { a: [1] })
    assert.equal(cross(undefined), undefined)
    assert.equal(typeof cross(() => 1), 'string')
  })
})

describe('registerErrorClass', () => {
  it('refuses a second class of the same name, and takes the same class twice', () => {
    registerErrorClass(Plain)
    assert.throws(() => registerErrorClass(class extends Error {}, { name: 'Plain' }), /two error classes/)
  })
})
