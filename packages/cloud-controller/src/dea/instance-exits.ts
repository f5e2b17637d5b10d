import { DropletExited } from '@vcap/protocol'
import { recordInstanceCrash } from '../actions/instance-crashes.ts'
import type { ThreadServices } from '../http/environment.ts'
import { emitAppLog } from '../logs/app-log.ts'
import { reconcile } from './reconcile.ts'

/** A DEA said that an instance is gone: a crash is written down and told in the app's log, and the reconciler looks. Job thread. */
export async function handleExit(services: ThreadServices, argument: unknown): Promise<void> {
  const exited = DropletExited.parse(argument)
  const crash = await services.db.transaction().execute((trx) => recordInstanceCrash(trx, exited))
  if (!crash) return
  const { appGuid, processType } = crash
  emitAppLog(services.bus, appGuid, `Process has crashed with type: "${processType}"`)
  emitAppLog(services.bus, appGuid, `App instance exited with guid ${appGuid} payload: ${payloadOf(exited)}`)
  await reconcile(services)
}

/** As Cloud Foundry prints it: `{"instance"=>"…", "index"=>0, …}`. */
function payloadOf({
  instance,
  index,
  reason,
  exit_description,
  exit_status,
  crash_timestamp,
  version,
}: DropletExited) {
  const payload = { instance, index, reason, exit_description, exit_status, crash_timestamp, version }
  const parts = Object.entries(payload).filter(([, value]) => value !== undefined)
  return `{${parts.map(([key, value]) => `"${key}"=>${JSON.stringify(value)}`).join(', ')}}`
}
