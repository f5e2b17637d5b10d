import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { ask, componentPids, impatient, SpawnedVcap, until, workplace } from '../fixture/spawned-vcap.ts'
import { identify } from '../system/process-identity.ts'

const isGone = (pid: number) => identify(pid) === undefined
/** Who is not our child ends when it can: SIGKILL, too, waits for the processor. */
const areGone = (...pids: number[]) =>
  until(
    () => `${pids.filter((pid) => !isGone(pid)).join(', ')} to be gone`,
    () => pids.every(isGone),
  )

test('vcap up starts every component, says where the API is, and SIGTERM leaves no process', async (t) => {
  const place = await workplace(t)
  const vcap = new SpawnedVcap(t, place.up({ cell: { withChild: true } }))
  await vcap.hasPrinted(/Cloud Foundry is up/)
  for (const name of ['nats', 'router', 'controller', 'cell']) assert.match(vcap.output, new RegExp(`✔ ${name} +ready`))
  assert.match(vcap.output, new RegExp(`cf login -a http://localhost:${place.ports.api} -u admin -p admin`))
  const pids = componentPids(place.dataDirectory)
  assert.equal(new Set(pids).size, 4)
  vcap.child.kill('SIGTERM')
  assert.equal(await vcap.hasEnded(), 0)
  assert.deepEqual(
    pids.filter((pid) => !isGone(pid)),
    [],
  )
})

test('components stop in order: router and controller, then the cell, the message bus last', async (t) => {
  const place = await workplace(t)
  const vcap = new SpawnedVcap(t, place.up())
  await vcap.hasPrinted(/Cloud Foundry is up/)
  vcap.child.kill('SIGINT')
  assert.equal(await vcap.hasEnded(), 0)
  const stops = readFileSync(place.diary, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('stop'))
  assert.deepEqual(stops.slice(0, 2).sort(), ['stop controller', 'stop router'])
  assert.deepEqual(stops.slice(2), ['stop cell', 'stop nats'])
})

test('a component that still waits for something when it is told to stop stops at once', async (t) => {
  const place = await workplace(t)
  const vcap = new SpawnedVcap(t, place.up({ controller: { atStart: 'hangs' } }))
  await vcap.hasPrinted(/✔ router +ready/)
  vcap.child.kill('SIGTERM')
  assert.equal(await vcap.hasEnded(), 0)
  assert.match(vcap.output, /■ controller +stopped/)
  assert.doesNotMatch(vcap.output, /was killed/)
})

test('a component that dies is started again, and the screen says so', async (t) => {
  const place = await workplace(t)
  const vcap = new SpawnedVcap(t, place.up())
  await vcap.hasPrinted(/Cloud Foundry is up/)
  const { pid } = await ask(place.ports.router)
  process.kill(pid, 'SIGKILL')
  await vcap.hasPrinted(/↻ router +killed by SIGKILL; starting again in 0\.2 s[\s\S]*✔ router +ready/)
  assert.notEqual((await ask(place.ports.router)).pid, pid)
  await fetch(`http://127.0.0.1:${place.ports.router}/exit`).catch(() => {})
  await vcap.hasPrinted(/↻ router +ended with exit code 3; starting again in 0\.\d s/)
})

test('a log that can not be moved, as on a full disk, is told of and ends nothing', async (t) => {
  const place = await workplace(t)
  const logs = join(place.dataDirectory, 'logs')
  mkdirSync(join(logs, 'nats.log.1'), { recursive: true })
  writeFileSync(join(logs, 'nats.log'), Buffer.alloc(20 * 1024 * 1024, 'x\n'))
  const vcap = new SpawnedVcap(t, place.up())
  await vcap.hasPrinted(/Cloud Foundry is up/)
  await vcap.hasPrinted(/nats +warn +its log can't be read or moved/)
  vcap.child.kill('SIGTERM')
  assert.equal(await vcap.hasEnded(), 0)
})

test('a component whose process number can not be written down is started all the same', async (t) => {
  const place = await workplace(t)
  const vcap = new SpawnedVcap(t, place.up())
  await vcap.hasPrinted(/Cloud Foundry is up/)
  const { pid } = await ask(place.ports.router)
  const run = join(place.dataDirectory, 'run')
  renameSync(run, `${run}-away`)
  process.kill(pid, 'SIGKILL')
  await vcap.hasPrinted(/router +warn +its process number can't be written down/)
  renameSync(`${run}-away`, run)
  await vcap.hasPrinted(/↻ router [\s\S]*✔ router +ready/)
  assert.notEqual((await ask(place.ports.router)).pid, pid)
})

test('when vcap up itself is killed its components notice and stop, and the next one starts', async (t) => {
  const place = await workplace(t)
  const first = new SpawnedVcap(t, place.up({ cell: { withChild: true } }))
  await first.hasPrinted(/Cloud Foundry is up/)
  const pids = componentPids(place.dataDirectory)
  first.child.kill('SIGKILL')
  assert.equal(await first.hasEnded(), 'SIGKILL')
  const second = new SpawnedVcap(t, place.up())
  await second.hasPrinted(/Cloud Foundry is up/)
  await areGone(...pids)
  assert.match(readFileSync(place.diary, 'utf8'), /stop nats/)
})

test('a component that hangs after vcap up was killed is killed by the next vcap up', async (t) => {
  const place = await workplace(t)
  const first = new SpawnedVcap(t, place.up({ nats: { atStop: 'spins', withChild: true } }), { env: impatient })
  await first.hasPrinted(/Cloud Foundry is up/)
  const { pid, child } = await ask(place.ports.nats)
  assert(child !== undefined)
  first.child.kill('SIGKILL')
  const second = new SpawnedVcap(t, place.up(), { env: impatient })
  await second.hasPrinted(
    /waiting for nats of an earlier run to stop[\s\S]*nats of an earlier run did not stop and is killed/,
  )
  await second.hasPrinted(/Cloud Foundry is up/)
  await areGone(pid, child)
})

test('a process that got the number of an old component is left alone', async (t) => {
  const place = await workplace(t)
  mkdirSync(join(place.dataDirectory, 'run'), { recursive: true })
  writeFileSync(
    join(place.dataDirectory, 'run', 'nats.pid.json'),
    JSON.stringify({ pid: process.pid, started: 'another life' }),
  )
  const vcap = new SpawnedVcap(t, place.up())
  await vcap.hasPrinted(/Cloud Foundry is up/)
  assert.doesNotMatch(vcap.output, /earlier run/)
})

test('a second vcap up on the same data directory is refused and damages nothing', async (t) => {
  const place = await workplace(t)
  const first = new SpawnedVcap(t, place.up())
  await first.hasPrinted(/Cloud Foundry is up/)
  const before = await ask(place.ports.api)
  const second = new SpawnedVcap(t, place.up())
  assert.equal(await second.hasEnded(), 1)
  assert.match(second.output, new RegExp(`Another "vcap up" is running .*\\(process ${first.child.pid}, API at`))
  assert.deepEqual(await ask(place.ports.api), before)
  first.child.kill('SIGTERM')
  assert.equal(await first.hasEnded(), 0)
})

test('of two vcap up at the same moment exactly one wins', async (t) => {
  const place = await workplace(t)
  const commandLine = place.up()
  const both = [new SpawnedVcap(t, commandLine), new SpawnedVcap(t, commandLine)]
  const loser = await Promise.race(both.map(async (vcap) => ({ vcap, code: await vcap.hasEnded() })))
  assert.equal(loser.code, 1)
  assert.match(loser.vcap.output, /Another "vcap up" is running/)
  const winner = both.find((vcap) => vcap !== loser.vcap)
  await winner?.hasPrinted(/Cloud Foundry is up/)
})

test('a port in use is named, with what wants it and who has it', async (t) => {
  const place = await workplace(t)
  const stranger = createServer().listen(place.ports.router, '127.0.0.1')
  t.after(() => stranger.close())
  await once(stranger, 'listening')
  const vcap = new SpawnedVcap(t, place.up())
  assert.equal(await vcap.hasEnded(), 1)
  assert.match(
    vcap.output,
    new RegExp(`Port ${place.ports.router} is in use by node.*${process.pid}.*which the router wants`),
  )
  assert.match(vcap.output, /--port router=NUMBER/)
  assert.doesNotMatch(vcap.output, /ready/)
})

test('a component that never gets ready ends the start with its reason and exit code 1', async (t) => {
  const place = await workplace(t)
  const vcap = new SpawnedVcap(t, place.up({ cell: { atStart: 'throws' } }))
  assert.equal(await vcap.hasEnded(), 1)
  assert.match(vcap.output, /cell did not start: the fixture was told to throw\nIts log: .*cell\.log/)
  const exits = new SpawnedVcap(t, place.up({ cell: { atStart: 'exits' } }))
  assert.equal(await exits.hasEnded(), 1)
  assert.match(exits.output, /cell did not start: cell ended with exit code 7/)
})

test("a fault in a component's own settings is named, with exit code 2", async (t) => {
  const place = await workplace(t)
  const vcap = new SpawnedVcap(t, place.up({ cell: { withChild: 'maybe' } }))
  assert.equal(await vcap.hasEnded(), 2)
  assert.match(vcap.output, /withChild: expected boolean, received string\n.*components\.cell/)
})

test('a component that does not stop is killed after its limit, with all it started', async (t) => {
  const place = await workplace(t)
  const vcap = new SpawnedVcap(t, place.up({ router: { atStop: 'spins', withChild: true } }), { env: impatient })
  await vcap.hasPrinted(/Cloud Foundry is up/)
  const { pid, child } = await ask(place.ports.router)
  assert(child !== undefined)
  vcap.child.kill('SIGTERM')
  assert.equal(await vcap.hasEnded(), 0)
  assert.match(vcap.output, /router +did not stop in time and was killed/)
  await areGone(pid, child)
})

test('a second signal ends everything at once', async (t) => {
  const place = await workplace(t)
  const vcap = new SpawnedVcap(t, place.up({ router: { atStop: 'hangs' }, nats: { withChild: true } }))
  await vcap.hasPrinted(/Cloud Foundry is up/)
  const { child } = await ask(place.ports.nats)
  assert(child !== undefined)
  const pids = [...componentPids(place.dataDirectory), child]
  vcap.child.kill('SIGINT')
  await vcap.hasPrinted(/Stopping/)
  // The time after which a second signal can't be the first one's echo.
  await delay(750)
  vcap.child.kill('SIGINT')
  assert.equal(await vcap.hasEnded(), 0)
  assert.match(vcap.output, /Ending everything at once/)
  await areGone(...pids)
})

test('a signal that arrives twice, from the terminal and from npm, is one request to stop', async (t) => {
  const place = await workplace(t)
  const vcap = new SpawnedVcap(t, place.up())
  await vcap.hasPrinted(/Cloud Foundry is up/)
  // Both at the same moment, whatever the machine does in between.
  vcap.child.kill('SIGSTOP')
  vcap.child.kill('SIGINT')
  vcap.child.kill('SIGTERM')
  vcap.child.kill('SIGCONT')
  assert.equal(await vcap.hasEnded(), 0)
  assert.doesNotMatch(vcap.output, /Ending everything|killed/)
})

test('a stop in the middle of the start leaves no process', async (t) => {
  const place = await workplace(t)
  const vcap = new SpawnedVcap(t, place.up())
  await vcap.hasPrinted(/starting/)
  vcap.child.kill('SIGTERM')
  assert.equal(await vcap.hasEnded(), 0)
  assert.deepEqual(
    readdirSync(join(place.dataDirectory, 'run')).filter((name) => name.endsWith('.pid.json')),
    [],
  )
})

test('what the data directory holds is for its owner alone, and secrets stay the same', async (t) => {
  const place = await workplace(t)
  const secretsFile = join(place.dataDirectory, 'secrets.json')
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
  const secrets: string[] = []
  for (const _ of ['first', 'second']) {
    const vcap = new SpawnedVcap(t, place.up())
    await vcap.hasPrinted(/Cloud Foundry is up/)
    secrets.push(readFileSync(secretsFile, 'utf8'))
    for (const file of ['secrets.json', 'lock.db', 'run/nats.json', 'logs/nats.log'])
      assert.equal(mode(join(place.dataDirectory, file)), '600', file)
    for (const folder of ['run', 'logs', 'controller', 'uaa'])
      assert.equal(mode(join(place.dataDirectory, folder)), '700', folder)
    vcap.child.kill('SIGTERM')
    assert.equal(await vcap.hasEnded(), 0)
  }
  assert.equal(secrets[0], secrets[1])
})

test('damaged secrets are reported and never replaced', async (t) => {
  const place = await workplace(t)
  mkdirSync(place.dataDirectory)
  const secretsFile = join(place.dataDirectory, 'secrets.json')
  writeFileSync(secretsFile, '{"databaseEncryptionKey": 12')
  const vcap = new SpawnedVcap(t, place.up())
  assert.equal(await vcap.hasEnded(), 1)
  assert.match(vcap.output, /secrets\.json is damaged/)
  assert.equal(readFileSync(secretsFile, 'utf8'), '{"databaseEncryptionKey": 12')
})
