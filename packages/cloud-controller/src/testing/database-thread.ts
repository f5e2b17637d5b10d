import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from '../db/database.ts'
import { migrate } from '../db/migrate.ts'

/** What a worker thread of the database's tests does: `migrate`, or `hold` a transaction open in which it has written. */
const { task, url } = workerData as { task: 'migrate' | 'hold'; url: string }

if (task === 'migrate') {
  await migrate(url)
  parentPort?.postMessage('migrated')
} else {
  const db = await openDatabase(url)
  await db.transaction().execute(async (trx) => {
    await trx.updateTable('stacks').set({ description: 'written by the thread' }).execute()
    parentPort?.postMessage('holding')
    for (;;);
  })
}
