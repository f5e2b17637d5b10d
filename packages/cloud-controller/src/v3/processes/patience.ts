import type { Bus } from '../../bus/bus.ts'
import type { Row } from '../../db/schema.ts'

type StartingProcess = Pick<Row<'processes'>, 'guid' | 'state' | 'version' | 'instances' | 'updated_at'>

/** Whoever started a process asks for its statistics every three seconds; the first answer waits this long for an instance. */
const patienceInMilliseconds = 2_500
/** A process that was changed longer ago is asked about for other reasons. */
const startingTimeInMilliseconds = 20_000

/** Blocks for a moment while a process that was just started has no instance that runs or has crashed. */
export function waitForFirstInstance(bus: Bus, process: StartingProcess): void {
  const startedAgo = Date.now() - Date.parse(process.updated_at)
  if (process.state !== 'STARTED' || process.instances === 0 || startedAgo > startingTimeInMilliseconds) return
  const end = Date.now() + patienceInMilliseconds
  while (Date.now() < end && !hasOutcome(bus, process)) {
    if (!bus.scheduleSync('changes.wait', process.guid, end - Date.now())) return
  }
}

function hasOutcome(bus: Bus, { guid, version }: StartingProcess): boolean {
  const instances = bus.scheduleSync('dea.instances', [guid])[guid] ?? []
  return instances.some(
    (instance) => instance.version === version && (instance.state === 'RUNNING' || instance.state === 'CRASHED'),
  )
}
