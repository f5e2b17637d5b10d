import type {
  FindDropletReply,
  FindDropletRequest,
  HeartbeatInstance,
  LogEnvelope,
  StagingRequest,
  StagingStop,
  StartMessage,
  StopMessage,
  UpdateMessage,
} from '@vcap/protocol'

/**
 * What a request or job thread may ask of the reactor thread, which owns the NATS connection, the timers and what heartbeats
 * and advertisements say. Called by `scheduleSync` (blocks until done, returns the value or throws the error) or `schedule`
 * (does not wait). Never inside a database transaction.
 */
export interface BusOperations {
  /**
   * Chooses a DEA for each message and publishes `dea.<id>.start`. Tries all, then throws
   * InsufficientRunningResourcesAvailable (150003) if there was no DEA for some.
   */
  'dea.start': (messages: StartMessage[]) => void
  /** Publishes `dea.stop`. Throws if a filter is an empty list, which would stop everything. */
  'dea.stop': (message: StopMessage) => void
  'dea.update': (message: UpdateMessage) => void
  /** Asks all DEAs; returns as soon as `expected` replies are there, else after `timeoutInMilliseconds` (2 s) what has come. */
  'dea.find': (
    request: FindDropletRequest,
    options: { expected: number; timeoutInMilliseconds?: number },
  ) => Promise<FindDropletReply[]>
  /** Everything the heartbeats say. */
  'dea.actualState': () => ActualState
  /** What the heartbeats say of these processes, by process guid; a process without an instance is absent. */
  'dea.instances': (processGuids: string[]) => Record<string, HeartbeatInstance[]>
  /**
   * Chooses a stager and sends it the task. Throws StackNotFound (250003) or StagingError (170001). The two replies reach
   * a job thread by themselves.
   */
  'staging.start': (request: StagingRequest) => void
  'staging.stop': (message: StagingStop) => void
  /** Says that there are job rows to run. */
  'jobs.wake': () => void
  /** Whether a job thread may begin another job: no longer when this Cloud Controller stops. */
  'jobs.mayBegin': () => boolean
  'logs.emit': (envelopes: LogEnvelope[]) => void
  /** Waits until something happened to one of these (a build, job or process guid), at most this long. */
  'changes.wait': (guid: string, timeoutInMilliseconds: number) => Promise<boolean>
  /** Wakes those who wait for `guid`. */
  'changes.notify': (guid: string) => void
}

/** The reactor's operations as a thread calls them. */
export interface Bus {
  scheduleSync<K extends keyof BusOperations>(
    name: K,
    ...values: Parameters<BusOperations[K]>
  ): Awaited<ReturnType<BusOperations[K]>>
  schedule<K extends keyof BusOperations>(name: K, ...values: Parameters<BusOperations[K]>): void
}

/** The actual state as the reactor knows it, for the reconciler. */
export interface ActualState {
  /** How long NATS has been connected without a break; heartbeats of all DEAs are known only after a while. */
  readonly connectedForMilliseconds: number
  readonly instances: ReadonlyArray<HeartbeatInstance & { readonly dea: string }>
  readonly pendingStarts: ReadonlyArray<{
    readonly processGuid: string
    readonly version: string
    readonly index: number
  }>
}
