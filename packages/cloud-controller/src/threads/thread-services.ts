import { join } from 'node:path'
import { reactorOperations, refuseScheduleSyncWhile, registerErrorClass, workerData } from '@vcap/reactor/thread'
import { diskBlobstore } from '../blobstore/blobstore.ts'
import type { Bus, BusOperations } from '../bus/bus.ts'
import type { Settings } from '../config.ts'
import { type DerivedKeys, knowDerivedKeys } from '../crypto/sealed-text.ts'
import { type DatabaseOptions, openDatabase } from '../db/database.ts'
import { isInTransaction } from '../db/transactions.ts'
import { componentLogger } from '../http/component-logger.ts'
import type { ThreadServices } from '../http/environment.ts'
import { DatabaseMeter } from '../metrics/database-meter.ts'
import { uaaUserDirectory } from '../uaa/user-directory.ts'
import { registerErrorClasses } from './error-classes.ts'

/** What the reactor thread gives to each thread. */
export interface ThreadData {
  readonly settings: Settings
  /** A thread that is given none derives each key when it needs it. */
  readonly derivedKeys?: DerivedKeys
  /** Of the DatabaseMeter, where there is one. */
  readonly databaseMemory: SharedArrayBuffer | undefined
}

/** Opens what a request or job thread has for its life: its own database connection above all. */
export async function openThreadServices(): Promise<ThreadServices> {
  registerErrorClasses(registerErrorClass)
  // In production a rule that was broken unseen must not break requests on top.
  if (process.env.NODE_ENV !== 'production')
    refuseScheduleSyncWhile(() => (isInTransaction() ? 'a database transaction is open' : undefined))
  const { settings, derivedKeys, databaseMemory } = workerData as ThreadData
  if (derivedKeys) knowDerivedKeys(derivedKeys)
  return {
    db: await openDatabase(settings.databaseUrl, measured(databaseMemory)),
    settings,
    bus: reactorOperations<BusOperations>() as Bus,
    blobstore: diskBlobstore(join(settings.dataDirectory, 'blobs')),
    userDirectory: uaaUserDirectory({
      url: settings.uaa.internalUrl ?? settings.uaa.url,
      clientId: settings.uaa.clientId,
      clientSecret: settings.uaa.clientSecret,
    }),
    logger: componentLogger(),
  }
}

function measured(memory: SharedArrayBuffer | undefined): DatabaseOptions {
  if (!memory) return {}
  const meter = new DatabaseMeter(memory)
  return {
    onQuery: (_, milliseconds) => meter.statement(milliseconds),
    onRepeat: () => meter.repeatedTransaction(),
  }
}
