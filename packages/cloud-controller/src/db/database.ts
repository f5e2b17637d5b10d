import { Kysely, type KyselyConfig, type TransactionBuilder } from 'kysely'
import { type DatabaseKind, databaseKind } from './dialect.ts'
import type { Db, Tables, Trx } from './schema.ts'
import { asTransaction, repeatedOnConflict } from './transactions.ts'

export interface DatabaseOptions {
  /** Called for every statement with its duration, for metrics and for tests that count. */
  onQuery?: (sql: string, milliseconds: number) => void
  /** Called each time that a transaction is about to run again because it met another. */
  onRepeat?: () => void
}

/** Opens one connection of this thread. It is not checked that the schema is current: `migrate` does that once, at start. */
export async function openDatabase(url: string, { onQuery, onRepeat }: DatabaseOptions = {}): Promise<Db> {
  const kind = await databaseKind(url)
  const log: KyselyConfig['log'] = onQuery && ((event) => onQuery(event.query.sql, event.queryDurationMillis))
  return new ControllerDatabase(kind, { dialect: kind.dialect, ...(log && { log }) }, onRepeat)
}

/** Kysely with our rules for transactions: as if one at a time, repeated on conflict, and known to be open. */
class ControllerDatabase extends Kysely<Tables> {
  readonly #kind: DatabaseKind
  readonly #onRepeat: (() => void) | undefined

  constructor(kind: DatabaseKind, config: KyselyConfig, onRepeat?: () => void) {
    super(config)
    this.#kind = kind
    this.#onRepeat = onRepeat
  }

  override transaction(): TransactionBuilder<Tables> {
    const { isolationLevel } = this.#kind
    const builder = isolationLevel ? super.transaction().setIsolationLevel(isolationLevel) : super.transaction()
    const execute = builder.execute.bind(builder)
    return Object.assign(builder, {
      execute: <T>(work: (trx: Trx) => Promise<T>): Promise<T> =>
        repeatedOnConflict(() => execute((trx) => asTransaction(() => work(trx))), { onRepeat: this.#onRepeat }),
    })
  }
}
