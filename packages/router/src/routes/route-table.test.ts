import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RouterRegistration } from '@vcap/protocol'
import { RouteTable, type RouteTableOptions } from './route-table.ts'

function table(options: Partial<RouteTableOptions> = {}): RouteTable {
  return new RouteTable({
    loadBalancing: 'round-robin',
    maxConnectionsPerBackend: 0,
    pruneThresholdInSeconds: 120,
    emptyPoolTimeoutInSeconds: 0,
    ...options,
  })
}

const message = (port: number, ...uris: string[]) => RouterRegistration.parse({ host: '10.0.0.1', port, uris })
const ports = (routes: RouteTable, host: string, path = '/') =>
  routes.lookup(host, path)?.endpoints.map((endpoint) => endpoint.port)

describe('route table', () => {
  it('finds the longest registered path prefix, by whole segments', () => {
    const routes = table()
    routes.register(message(1, 'shop.example.com'))
    routes.register(message(2, 'shop.example.com/cart'))
    routes.register(message(3, 'shop.example.com/cart/v2/'))
    assert.deepEqual(ports(routes, 'shop.example.com'), [1])
    assert.deepEqual(ports(routes, 'shop.example.com', '/cart'), [2])
    assert.deepEqual(ports(routes, 'shop.example.com', '/cart/v1'), [2])
    assert.deepEqual(ports(routes, 'shop.example.com', '/cart/v2?x=/y'), [3])
    assert.deepEqual(ports(routes, 'shop.example.com', '/cart/v2/items/7'), [3])
    assert.deepEqual(ports(routes, 'shop.example.com', '/cartoon'), [1])
    assert.deepEqual(ports(routes, 'shop.example.com', '/cart?next=/v2'), [2])
  })

  it('knows an IPv6 endpoint with and without brackets as one', () => {
    const routes = table()
    for (const host of ['::1', '[::1]'])
      routes.register(RouterRegistration.parse({ host, port: 1, uris: ['six.example.com'] }))
    const endpoints = routes.lookup('six.example.com', '/')?.endpoints
    assert.deepEqual(
      endpoints?.map(({ host, address }) => [host, address]),
      [['::1', '[::1]:1']],
    )
    routes.unregister(RouterRegistration.parse({ host: '[::1]', port: 1, uris: ['six.example.com'] }))
    assert.equal(routes.lookup('six.example.com', '/'), undefined)
  })

  it('does not serve the root of a host whose only route has a path', () => {
    const routes = table()
    routes.register(message(1, 'shop.example.com/cart'))
    assert.equal(ports(routes, 'shop.example.com', '/'), undefined)
    assert.equal(ports(routes, 'shop.example.com', '/other'), undefined)
  })

  it('ignores case in host and path', () => {
    const routes = table()
    routes.register(message(1, 'Shop.Example.com/Cart'))
    assert.deepEqual(ports(routes, 'SHOP.example.COM', '/cART'), [1])
    routes.unregister(message(1, 'shop.example.com/cart'))
    assert.equal(ports(routes, 'shop.example.com', '/cart'), undefined)
  })

  it('takes the most specific wildcard where no exact host matches', () => {
    const routes = table()
    routes.register(message(1, '*.example.com'))
    routes.register(message(2, '*.apps.example.com'))
    routes.register(message(3, 'a.apps.example.com'))
    routes.register(message(4, '*.example.com/api'))
    assert.deepEqual(ports(routes, 'a.apps.example.com'), [3])
    assert.deepEqual(ports(routes, 'b.apps.example.com'), [2])
    assert.deepEqual(ports(routes, 'x.y.example.com'), [1])
    assert.deepEqual(ports(routes, 'x.example.com', '/api/v1'), [4])
    assert.equal(ports(routes, 'example.com'), undefined)
    assert.equal(ports(routes, 'example.org'), undefined)
  })

  it('keeps one endpoint for an address, however often it is registered', () => {
    const routes = table()
    routes.register(message(1, 'a.example.com'))
    routes.register(message(1, 'a.example.com'))
    routes.register(message(2, 'a.example.com'))
    assert.deepEqual(ports(routes, 'a.example.com'), [1, 2])
  })

  it('prefers a shorter prefix with endpoints to a longer one without', () => {
    const routes = table({ emptyPoolTimeoutInSeconds: 60 })
    routes.register(message(1, 'a.example.com'))
    routes.register(message(2, 'a.example.com/x'))
    routes.unregister(message(2, 'a.example.com/x'))
    assert.deepEqual(ports(routes, 'a.example.com', '/x'), [1])
    routes.unregister(message(1, 'a.example.com'))
    assert.deepEqual(ports(routes, 'a.example.com', '/x'), [])
  })

  it('forgets what is no longer registered, down to the last node', () => {
    const gone: string[] = []
    const routes = table({ onAddressGone: (address) => gone.push(address) })
    routes.register(message(1, 'a.example.com/x/y', 'b.example.com'))
    routes.unregister(message(1, 'a.example.com/x/y'))
    assert.deepEqual(gone, [], 'b.example.com still leads there')
    routes.unregister(message(1, 'b.example.com', 'b.example.com', 'never.example.com/x'))
    assert.deepEqual(gone, ['10.0.0.1:1'])
    assert.deepEqual(routes.entries(), [])
  })

  it('prunes what fell silent, by the shorter of the two lives', async () => {
    const routes = table({ pruneThresholdInSeconds: 60 })
    routes.register(RouterRegistration.parse({ ...message(1, 'a.example.com'), stale_threshold_in_seconds: 0.001 }))
    routes.register(RouterRegistration.parse({ ...message(2, 'a.example.com'), stale_threshold_in_seconds: 9999 }))
    await new Promise((resolve) => setTimeout(resolve, 5))
    const pruned = routes.prune()
    assert.deepEqual(
      pruned.map(({ uri, endpoints }) => [uri, endpoints.map((endpoint) => endpoint.port)]),
      [['a.example.com', [1]]],
    )
    assert.deepEqual(ports(routes, 'a.example.com'), [2])
    assert.equal(routes.lookup('a.example.com', '/')?.endpoints[0]?.staleThresholdInSeconds, 60)
  })

  it('costs little for a path of many segments', () => {
    const routes = table()
    routes.register(message(1, 'a.example.com'))
    const path = '/a'.repeat(30_000)
    const before = process.cpuUsage()
    for (let i = 0; i < 20; i++) assert.deepEqual(ports(routes, 'a.example.com', path), [1])
    const { user, system } = process.cpuUsage(before)
    assert.ok(user + system < 10e6, 'quadratic look-up would take minutes')
  })
})
