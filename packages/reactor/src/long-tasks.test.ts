import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { describe, it } from 'node:test'
import { startTestReactor, until } from './fixtures/start.ts'
import { LongTasks } from './long-tasks.ts'
import { ProcessorAffinity } from './processor-affinity.ts'

const processors = availableParallelism()
const whyNoAffinity =
  process.platform !== 'linux'
    ? 'threads are bound to processors on Linux only'
    : processors === 1
      ? 'there is only one processor'
      : spawnSync('taskset', ['-p', String(process.pid)]).status !== 0 && 'there is no taskset'

/** As the kernel lists them: "0-3,8" is "1-3,8" then, "0,2" is "2". */
function withoutFirst(list: string): string {
  const all = list.split(',').flatMap((part) => {
    const [from = 0, to = from] = part.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
  const left = all.slice(1)
  const beginsRun = (processor: number) => !left.includes(processor - 1)
  const endOf = (begin: number): number => (left.includes(begin + 1) ? endOf(begin + 1) : begin)
  return left
    .filter(beginsRun)
    .map((begin) => (endOf(begin) === begin ? `${begin}` : `${begin}-${endOf(begin)}`))
    .join(',')
}

interface Processors {
  readonly before: string
  readonly after: string
}

describe('requests that compute for long', { skip: whyNoAffinity }, () => {
  it('keep off one processor as long as all are busy, and their threads use all of them again afterwards', async () => {
    await using started = await startTestReactor({
      requestThreads: {
        minimum: processors,
        maximum: processors,
        perClientThreadShare: 1,
        demoteAfterInMilliseconds: 100,
      },
    })
    await started.reactor.warm
    const ask = async (path: string) => (await (await fetch(started.url + path)).json()) as Processors
    const all = (await ask('/processors')).after
    const spinning = await Promise.all(Array.from({ length: processors }, () => ask('/processors?until-changed')))
    for (const { before, after } of spinning) {
      assert.equal(before, all)
      assert.equal(after, withoutFirst(all))
    }
    await until(async () => {
      const answers = await Promise.all(Array.from({ length: processors }, () => ask('/processors')))
      return answers.every(({ after }) => after === all)
    }, 'all processors for all threads')
  })
})

describe('a thread that can not be kept off a processor', () => {
  it('is left as it is, which is logged once and not tried again', async () => {
    const warnings: unknown[] = []
    let tries = 0
    const refuse = () => {
      tries++
      return Promise.reject(new Error('spawn taskset ENOENT'))
    }
    const tasks = new LongTasks(
      { demoteAfterInMilliseconds: 0 },
      { isSaturated: true },
      { warn: (details: unknown) => void warnings.push(details) },
      { isUseful: true, leaveOneAlone: refuse, restore: refuse, stop: () => undefined },
    )
    const busy = { phase: 'busy', since: performance.now() - 1000, operatingSystemThreadId: 0 } as const
    tasks.look(new Set([busy]))
    await until(() => warnings.length > 0, 'a warning')
    tasks.look(new Set([busy, { ...busy }]))
    assert.equal(tries, 1)
    assert.equal(tasks.release(busy), true)
  })
})

describe('the affinity of a thread', { skip: whyNoAffinity }, () => {
  it('can not be set to processors that do not exist, and is no matter for a thread that is gone', async () => {
    const affinity = new ProcessorAffinity('4090-4091')
    await assert.rejects(affinity.restore(process.pid), /taskset exited with status 1/)
    await affinity.restore(2 ** 22 + 1)
    affinity.stop()
  })
})
