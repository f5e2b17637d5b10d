import type { Db } from '../db/schema.ts'

const savepoint = 'rehearsed'
const delegated = [
  'selectFrom',
  'insertInto',
  'deleteFrom',
  'updateTable',
  'with',
  'withRecursive',
  'selectNoFrom',
  'executeQuery',
  'getExecutor',
] as const
const writing: readonly string[] = ['insertInto', 'deleteFrom', 'updateTable'] satisfies Array<
  (typeof delegated)[number]
>

/** What has become of the database while something was rehearsed. */
export interface Rehearsal {
  /** Whether a transaction was committed, or something written without one. */
  readonly hasWritten: boolean
}

/**
 * Runs `work` and undoes everything that it, or a request in it, has written to this database: a transaction around it all, in
 * which those of the requests are savepoints. One at a time.
 */
export async function rehearse<T>(db: Db, work: (rehearsal: Rehearsal) => Promise<T>): Promise<T> {
  const outer = await db.startTransaction().execute()
  const rehearsal = { hasWritten: false }
  const inOuter = {
    execute: async (body: (trx: unknown) => Promise<unknown>) => {
      await outer.savepoint(savepoint).execute()
      try {
        const result = await body(outer)
        await outer.releaseSavepoint(savepoint as never).execute()
        rehearsal.hasWritten = true
        return result
      } catch (error) {
        await outer.rollbackToSavepoint(savepoint as never).execute()
        throw error
      }
    },
  }
  // Own properties hide the methods of the class, which the request threads' services share.
  for (const name of delegated) {
    const value = (...values: unknown[]): unknown => {
      if (writing.includes(name)) rehearsal.hasWritten = true
      return Reflect.apply(outer[name], outer, values)
    }
    Object.defineProperty(db, name, { configurable: true, value })
  }
  Object.defineProperty(db, 'transaction', { configurable: true, value: () => inOuter })
  try {
    return await work(rehearsal)
  } finally {
    for (const name of [...delegated, 'transaction']) Reflect.deleteProperty(db, name)
    await outer.rollback().execute()
  }
}
