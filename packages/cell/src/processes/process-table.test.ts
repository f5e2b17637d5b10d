import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { describe, it } from 'node:test'
import { eventually } from '../testing/eventually.ts'
import { ProcessFamily } from './process-family.ts'
import { openProcessTable, PsCommand } from './process-table.ts'

for (const [name, table] of [
  ['of this system', openProcessTable()],
  ['that asks ps', new PsCommand()],
] as const) {
  describe(`the process table ${name}`, () => {
    it('knows a process, its group, its start and its memory', async () => {
      const own = await table.find(process.pid)
      assert.equal(own?.parentPid, process.ppid)
      assert.ok(own && own.groupId > 0 && own.startTime !== '' && own.cpuInSeconds >= 0)
      assert.equal((await table.find(process.pid))?.startTime, own.startTime)
      assert.ok(table.residentBytes(process.pid) > 10 * 1024 ** 2)
      assert.equal(await table.find(2 ** 22 + 1), undefined)
    })

    it('finds all of a family and ends it, and nobody else', async () => {
      const leader = spawn('bash', ['-c', 'sleep 1000 & sleep 1000 & wait'], { detached: true, stdio: 'ignore' })
      const stranger = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' })
      const family = new ProcessFamily(table, 'f'.repeat(32))
      family.addLeader(leader.pid ?? 0)
      await eventually('three members', async () => (await family.count()) === 3 || undefined)
      await family.terminate(1000)
      assert.equal(await family.count(), 0)
      assert.ok(await table.find(stranger.pid ?? 0))
      stranger.kill('SIGKILL')
    })
  })
}
