/** Why an instance ended without being told to. */
export interface CrashReport {
  /** As a shell tells it; -1 when the app never started. */
  readonly exitStatus: number
  /** In the words of Cloud Foundry, for the user. */
  readonly description: string
}

/** Where an instance is in its life. `since` is milliseconds since the epoch. */
export type InstancePhase =
  | { readonly state: 'BORN'; readonly since: number }
  | { readonly state: 'STARTING'; readonly since: number }
  | { readonly state: 'RUNNING'; readonly since: number }
  | { readonly state: 'STOPPING'; readonly since: number }
  | { readonly state: 'STOPPED'; readonly since: number }
  | { readonly state: 'CRASHED'; readonly since: number; readonly crash: CrashReport }

export type PhaseName = InstancePhase['state']

/** What may follow what. dea_ng lib/dea/starting/instance.rb (State::Transition), without resuming and evacuation. */
const followers: Readonly<Record<PhaseName, readonly PhaseName[]>> = {
  BORN: ['STARTING', 'STOPPED', 'CRASHED'],
  STARTING: ['RUNNING', 'STOPPING', 'CRASHED'],
  RUNNING: ['STOPPING', 'CRASHED'],
  STOPPING: ['STOPPED'],
  STOPPED: [],
  CRASHED: [],
}

/** Throws for a step that no instance may take: then the cell itself is wrong. */
export function assertMayFollow(from: PhaseName, to: PhaseName): void {
  if (!followers[from].includes(to)) throw new Error(`An instance can't go from ${from} to ${to}`)
}
