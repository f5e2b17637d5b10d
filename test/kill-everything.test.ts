import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { isAlive } from '@vcap/cli'
import { type App, type ComponentName, eventually, processesOf, usesNatsServer, VcapUp } from '@vcap/testkit'
import { z } from 'zod'
import { mirrored } from './mirror-answer.ts'
import { mirror, quickly } from './small-apps.ts'

const WithGuid = z.object({ guid: z.string() })
const Organizations = z.object({
  pagination: z.object({ total_pages: z.number() }),
  resources: z.array(z.object({ name: z.string() })),
})

// Two seconds instead of fifteen until an instance counts as missing, and instead of ten until one that does not want to stop is
// killed, so that the test need not wait for that.
const system = await VcapUp.start({
  components: {
    controller: { dea: { reconcileIntervalInSeconds: 1, missingInstanceDelayInSeconds: 2 } },
    cell: { gracefulStopInSeconds: 2 },
  },
})
after(() => system.stop())
const space = await system.createSpace('survivors')
const admin = await system.admin()
const everything: ComponentName[] = [
  ...(usesNatsServer ? [] : (['nats'] as const)),
  'uaa',
  'log-cache',
  'router',
  'controller',
  'cell',
]

/** Creates organizations as fast as it can, and keeps the name of each that the API acknowledged. */
class Writer {
  readonly acknowledged: string[] = []
  #stopped = false
  readonly #running: Promise<void>[]

  constructor(life: number) {
    this.#running = [1, 2, 3].map((loop) => this.#run(`life-${life}-writer-${loop}`))
  }

  async #run(prefix: string): Promise<void> {
    for (let number = 1; !this.#stopped; number++) {
      const name = `${prefix}-${number}`
      try {
        await admin.call(WithGuid, 'POST', '/v3/organizations', { json: { name } })
      } catch {
        // The kill has come. Whether this one was written nobody was told, so either is right.
        return
      }
      this.acknowledged.push(name)
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#running)
  }
}

async function organizationNames(): Promise<Set<string>> {
  const names = new Set<string>()
  for (let page = 1, last = 1; page <= last; page++) {
    const { pagination, resources } = await admin.call(
      Organizations,
      'GET',
      `/v3/organizations?per_page=5000&page=${page}`,
    )
    for (const { name } of resources) names.add(name)
    last = pagination.total_pages
  }
  return names
}

/** What SQLite finds wrong with a database, and with the references in it. */
function faultsOf(file: string): unknown[] {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 60_000 })
  try {
    const integrity = database.prepare('pragma integrity_check').all()
    assert.deepEqual(integrity.map(Object.values), [['ok']], file)
    return database.prepare('pragma foreign_key_check').all()
  } finally {
    database.close()
  }
}

const [web, pair, worker] = await Promise.all([
  space.push({ name: 'web', ...quickly, env: { GREETING: 'still here' } }, mirror),
  space.push({ name: 'pair', ...quickly, instances: 2 }, mirror),
  space.push(
    {
      name: 'worker',
      ...quickly,
      command: 'sh work.sh',
      'health-check-type': 'process',
      'no-route': true,
      'default-route': false,
    },
    // It does not want to stop, and has a child in a session of its own, as daemons are.
    { 'work.sh': 'trap "" TERM; setsid sleep 100000 & echo working; while :; do sleep 1; done\n' },
  ),
])

async function instancesOf(app: App): Promise<string[]> {
  return (await app.runs()).map(({ instance_guid }) => instance_guid ?? assert.fail('no instance guid'))
}

for (const life of [1, 2]) {
  test(`after a kill -9 of every component (${life}.) three apps run again, nothing of the life before is left, no acknowledged write is lost`, async () => {
    const before = [...(await instancesOf(web)), ...(await instancesOf(pair)), ...(await instancesOf(worker))]
    const running = await eventually('every process of this life, and no other', () => {
      const found = processesOf(system.dataDirectory)
      const named = (part: string) => found.filter(({ commandLine }) => commandLine.includes(part)).length
      assert.deepEqual(
        { 'node app.js': named('node app.js'), 'sleep 100000': named('sleep 100000'), vcap: named('/vcap.ts ') },
        { 'node app.js': 3, 'sleep 100000': 1, vcap: everything.length + 1 },
      )
      return found
    })

    const writer = new Writer(life)
    await eventually('a good number of writes', () => writer.acknowledged.length >= 30)
    await system.killEverything(everything)
    await writer.stop()
    const orphans = processesOf(system.dataDirectory)
    assert(orphans.length >= 4, 'the apps outlive the kill; otherwise nothing is proved below')

    await system.startAgain()
    const names = await organizationNames()
    assert.deepEqual(
      writer.acknowledged.filter((name) => !names.has(name)),
      [],
    )
    for (const database of ['controller/cloud-controller.db', 'uaa/uaa.db'])
      assert.deepEqual(faultsOf(join(system.dataDirectory, database)), [], database)

    assert.equal(mirrored(await web.answers()).greeting, 'still here')
    await pair.answers()
    const after = [...(await instancesOf(web)), ...(await instancesOf(pair)), ...(await instancesOf(worker))]
    assert.equal(after.length, 4)
    assert.deepEqual(
      after.filter((guid) => before.includes(guid)),
      [],
    )
    await eventually('every process of the life before to be gone', () => {
      const left = running.filter(isAlive)
      if (left.length > 0) throw new Error(left.map(({ pid, commandLine }) => `${pid} ${commandLine}`).join('\n'))
      return true
    })
  })
}

test('the admin logs in as before, and SIGTERM ends all of it', async () => {
  await system.login('admin', 'admin')
  await system.stop()
  assert.deepEqual(processesOf(system.dataDirectory), [])
})
