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

/**
 * Runs `work` and undoes everything that it, or a request in it, has written to this database, unless `isKept` says
 * otherwise: a transaction around it all, in which those of the requests are savepoints. One at a time.
 */
export async function rehearse<T>(
  db: Db,
  work: () => Promise<T>,
  isKept: (result: T) => boolean = () => false,
): Promise<T> {
  const outer = await db.startTransaction().execute()
  const inOuter = {
    execute: async (body: (trx: unknown) => Promise<unknown>) => {
      await outer.savepoint(savepoint).execute()
      try {
        const result = await body(outer)
        await outer.releaseSavepoint(savepoint as never).execute()
        return result
      } catch (error) {
        await outer.rollbackToSavepoint(savepoint as never).execute()
        throw error
      }
    },
  }
  // Own properties hide the methods of the class, which the request threads' services share.
  for (const name of delegated)
    Object.defineProperty(db, name, { configurable: true, value: outer[name].bind(outer as never) })
  Object.defineProperty(db, 'transaction', { configurable: true, value: () => inOuter })
  let mayKeep = false
  try {
    const result = await work()
    mayKeep = isKept(result)
    return result
  } finally {
    for (const name of [...delegated, 'transaction']) Reflect.deleteProperty(db, name)
    await (mayKeep ? outer.commit() : outer.rollback()).execute()
  }
}
