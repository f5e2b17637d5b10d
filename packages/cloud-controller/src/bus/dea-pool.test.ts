import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DeaAdvertisement } from '@vcap/protocol'
import { DeaPool, type Need } from './dea-pool.ts'

const need = { memoryInMb: 100, diskInMb: 100, stack: 'cflinuxfs4' }

const advertisement = (id: string, values: Partial<DeaAdvertisement> = {}): DeaAdvertisement => ({
  id,
  stacks: ['cflinuxfs4'],
  available_memory: 1_000,
  available_disk: 1_000,
  app_id_to_count: {},
  ...values,
})

/** A pool with a clock and dice that the test holds. */
function given(...advertisements: DeaAdvertisement[]) {
  const clock = { milliseconds: 0 }
  const dice = { value: 0 }
  const pool = new DeaPool({
    advertisementTimeoutInSeconds: 15,
    random: () => dice.value,
    nowInMilliseconds: () => clock.milliseconds,
  })
  for (const each of advertisements) pool.advertise(each)
  /** Everybody whom chance could choose. */
  const candidates = (app = 'app', of: Need = need): string[] => {
    const chosen = new Set<string>()
    for (let value = 0; value < 1; value += 0.05) {
      const fresh = given(...advertisements)
      fresh.dice.value = value
      const id = fresh.pool.place(app, of)
      if (id !== undefined) chosen.add(id)
    }
    return [...chosen].sort()
  }
  return { pool, clock, dice, candidates }
}

describe('an instance goes to a DEA', () => {
  it('with enough disk, memory and the stack, and to none otherwise', () => {
    const { candidates } = given(
      advertisement('no-disk', { available_disk: 99 }),
      advertisement('no-memory', { available_memory: 99 }),
      advertisement('no-stack', { stacks: ['windows'] }),
      advertisement('just-enough', { available_memory: 100, available_disk: 100 }),
    )
    assert.deepEqual(candidates(), ['just-enough'])
    assert.deepEqual(candidates('app', { ...need, stack: null, memoryInMb: 5_000 }), [])
    assert.deepEqual(given().candidates(), [])
  })

  it('that does not say how much disk it has, or for any stack', () => {
    const { available_disk: _, ...silent } = advertisement('silent', { stacks: ['windows'] })
    const { pool } = given(silent)
    assert.equal(pool.place('app', { ...need, stack: null }), 'silent')
  })

  it('in the zone with the fewest instances of the process, counting DEAs that do not fit', () => {
    const zone = (name: string) => ({ placement_properties: { zone: name } })
    const { candidates } = given(
      advertisement('a1', { ...zone('a'), app_id_to_count: { app: 2 }, available_memory: 0 }),
      advertisement('a2', zone('a')),
      advertisement('b1', { ...zone('b'), app_id_to_count: { app: 1 } }),
    )
    assert.deepEqual(candidates(), ['b1'])
    assert.deepEqual(candidates('other'), ['a2', 'b1'])
  })

  it('in zone "default" when it names none', () => {
    const { candidates } = given(
      advertisement('unnamed', { app_id_to_count: { app: 2 } }),
      advertisement('named', { placement_properties: { zone: 'default' } }),
      advertisement('elsewhere', { placement_properties: { zone: 'z2' }, app_id_to_count: { app: 1 } }),
    )
    assert.deepEqual(candidates(), ['elsewhere'])
  })

  it('with the fewest instances of the process, then by chance of the upper half by memory', () => {
    const { candidates } = given(
      advertisement('has-one', { app_id_to_count: { app: 1 }, available_memory: 9_000 }),
      advertisement('small', { available_memory: 200 }),
      advertisement('middle', { available_memory: 300 }),
      advertisement('large', { available_memory: 400 }),
      advertisement('largest', { available_memory: 500 }),
    )
    // Position floor(4 / 2) of 200, 300, 400, 500.
    assert.deepEqual(candidates(), ['large', 'largest'])
  })
})

describe('what was placed', () => {
  it('counts as taken until the DEA advertises again', () => {
    const { pool } = given(
      advertisement('one', { available_memory: 250 }),
      advertisement('two', { available_memory: 150 }),
    )
    assert.equal(pool.place('app', need), 'one')
    assert.equal(pool.place('app', need), 'two')
    assert.equal(pool.place('app', need), 'one')
    assert.equal(pool.place('app', need), undefined)
    pool.advertise(advertisement('two', { available_memory: 150 }))
    assert.equal(pool.place('app', need), 'two')
  })
})

describe('an advertisement', () => {
  it('expires 15 s after it came, and is gone with its DEA', () => {
    const { pool, clock } = given(advertisement('one'), advertisement('two'))
    clock.milliseconds = 14_999
    assert.deepEqual(pool.liveIds(), ['one', 'two'])
    pool.advertise(advertisement('two'))
    clock.milliseconds = 15_000
    assert.deepEqual(pool.liveIds(), ['two'])
    assert.equal(pool.place('app', need), 'two')
    pool.remove('two')
    assert.equal(pool.place('app', need), undefined)
  })

  it('tells of a stack also when it has expired, but not for ever', () => {
    const { pool, clock } = given(advertisement('one'), advertisement('windows', { stacks: ['windows'] }))
    clock.milliseconds = 20_000
    assert.deepEqual(
      [pool.knowsStack('cflinuxfs4'), pool.knowsStack('windows'), pool.knowsStack('mac')],
      [true, true, false],
    )
    assert.equal(pool.placeStager({ ...need, stack: 'windows' }), undefined)
    clock.milliseconds = 4_000_000
    pool.advertise(advertisement('one'))
    assert.deepEqual([pool.knowsStack('cflinuxfs4'), pool.knowsStack('windows')], [true, false])
    pool.remove('one')
    assert.equal(pool.knowsStack('cflinuxfs4'), false)
  })
})

describe('a staging task goes to a DEA', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => advertisement(`dea-${index}`, { available_memory: 1_000 + index }))

  it('of the five with the most memory, and reserves that', () => {
    const { pool, dice } = given(...many(8), advertisement('windows', { stacks: ['windows'], available_memory: 9_000 }))
    const chosen = [0, 0.99].map((value) => {
      dice.value = value
      return pool.placeStager({ ...need, memoryInMb: 0 })
    })
    assert.deepEqual(chosen, ['dea-7', 'dea-3'])
    dice.value = 0
    assert.equal(pool.placeStager({ ...need, memoryInMb: 900 }), 'dea-7')
    assert.equal(pool.placeStager({ ...need, memoryInMb: 900 }), 'dea-6')
  })

  it('of the top tenth where there are many, whatever its zone', () => {
    const { pool, dice } = given(...many(100))
    dice.value = 0.99
    assert.equal(pool.placeStager({ ...need, memoryInMb: 0 }), 'dea-90')
  })

  it('or to none', () => {
    assert.equal(given(advertisement('small', { available_memory: 99 })).pool.placeStager(need), undefined)
  })
})
