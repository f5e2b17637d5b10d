/**
 * The operations that request and job threads may ask of the reactor: a table of named functions, each giving a value or a
 * promise of one. Arguments and results cross threads, so they must be cloneable.
 */
export type OperationTable<Table> = { readonly [Name in keyof Table]: (...args: never[]) => unknown }

type Arguments<Operation> = Operation extends (...args: infer Args) => unknown ? Args : never
type Result<Operation> = Operation extends (...args: never[]) => infer Value ? Awaited<Value> : never

/** A caller's view of an operation table: names, argument types and result types are the table's own. */
export interface OperationCalls<Table> {
  /**
   * Runs an operation on the reactor thread, blocks the calling thread until it is done, and gives its value. An error that it
   * throws is thrown here as the same class (see `registerErrorClass`) with both stacks.
   *
   * Request and job threads. On the reactor thread the operation runs at once.
   * Throws ReactorTimeout, ArgumentNotCloneable, ResultNotCloneable, UnknownOperation, ScheduleSyncRefused, WouldBlockReactor.
   */
  scheduleSync<Name extends keyof Table & string>(name: Name, ...args: Arguments<Table[Name]>): Result<Table[Name]>
  /** `scheduleSync` with a timeout of its own. */
  scheduleSyncWithin<Name extends keyof Table & string>(
    timeoutInSeconds: number,
    name: Name,
    ...args: Arguments<Table[Name]>
  ): Result<Table[Name]>
  /**
   * Asks for an operation and does not wait. Calls of one thread are begun in the order in which they were made. What the operation
   * throws is logged on the reactor. Throws ArgumentNotCloneable.
   */
  schedule<Name extends keyof Table & string>(name: Name, ...args: Arguments<Table[Name]>): void
}
