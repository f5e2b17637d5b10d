/** For the reactor thread. Code that runs in request and job threads imports '@vcap/reactor/thread'. */
export * from './errors.ts'
export { type Caller, currentCaller } from './operation-server.ts'
export type { OperationCalls, OperationTable } from './operations.ts'
export {
  type Fault,
  type FaultKind,
  faultStatus,
  type HttpOptions,
  type JobOptions,
  type ReactorOptions,
  type RequestHead,
  type StaticAnswer,
  type ThreadPoolOptions,
} from './options.ts'
export type { ThreadCounts } from './pool-settings.ts'
export { type Reactor, type StopOptions, startReactor } from './reactor.ts'
export { reactorOperations } from './schedule-sync.ts'
export { registerErrorClass, type WireError } from './wire-error.ts'
