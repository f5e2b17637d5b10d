import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Endpoint, LoadBalancing } from './endpoint.ts'
import { EndpointPool } from './endpoint-pool.ts'

function poolOf(ports: readonly number[], loadBalancing: LoadBalancing = 'round-robin', maxConnectionsPerBackend = 0) {
  const pool = new EndpointPool({
    ...{ host: 'a.example.com', contextPath: '/', loadBalancing, maxConnectionsPerBackend },
    retryAfterFailureInSeconds: 30,
  })
  for (const port of ports) {
    const details = { appGuid: '', instanceId: `i${port}`, instanceIndex: '', tags: {}, staleThresholdInSeconds: 120 }
    pool.put({ host: '10.0.0.1', port, ...details })
  }
  return pool
}

const take = (pool: EndpointPool, count: number) => Array.from({ length: count }, () => pool.next(new Set())?.port)

describe('endpoint pool', () => {
  it('goes round its endpoints evenly', () => {
    const taken = take(poolOf([1, 2, 3]), 9)
    for (const port of [1, 2, 3]) assert.equal(taken.filter((p) => p === port).length, 3)
    assert.notEqual(taken[0], taken[1])
  })

  it('never gives one request the same endpoint twice', () => {
    for (const algorithm of ['round-robin', 'least-connection'] as const) {
      const pool = poolOf([1, 2, 3], algorithm)
      const tried = new Set<Endpoint>()
      for (let endpoint = pool.next(tried); endpoint; endpoint = pool.next(tried)) tried.add(endpoint)
      assert.equal(tried.size, 3)
    }
  })

  it('avoids an endpoint that failed, unless all have', () => {
    const pool = poolOf([1, 2])
    const [first, second] = pool.endpoints
    assert.ok(first && second)
    first.failedAt = performance.now()
    assert.deepEqual(take(pool, 3), [2, 2, 2])
    second.failedAt = performance.now()
    assert.deepEqual(new Set(take(pool, 2)), new Set([1, 2]))
    first.failedAt = performance.now() - 31_000
    assert.deepEqual(take(pool, 2), [1, 1])
  })

  it('gives the least busy endpoint where it is told to', () => {
    const pool = poolOf([1, 2, 3], 'least-connection')
    for (const endpoint of pool.endpoints) endpoint.openRequests = endpoint.port === 2 ? 1 : 5
    assert.deepEqual(take(pool, 2), [2, 2])
  })

  it('gives no endpoint more requests than it may have', () => {
    const pool = poolOf([1, 2], 'round-robin', 2)
    const [first, second] = pool.endpoints
    assert.ok(first && second)
    first.openRequests = 2
    assert.deepEqual(take(pool, 2), [2, 2])
    assert.equal(pool.withInstanceId('i1'), undefined)
    assert.equal(pool.isOverloaded, false)
    second.openRequests = 2
    assert.equal(pool.isOverloaded, true)
    assert.equal(pool.next(new Set()), undefined)
  })

  it('keeps counts and failures of an endpoint that is registered again', () => {
    const pool = poolOf([1])
    const [endpoint] = pool.endpoints
    assert.ok(endpoint)
    endpoint.openRequests = 3
    pool.put({ ...endpoint, appGuid: 'other' })
    assert.equal(pool.endpoints[0], endpoint)
    assert.equal(endpoint.appGuid, 'other')
    assert.equal(endpoint.openRequests, 3)
  })
})
