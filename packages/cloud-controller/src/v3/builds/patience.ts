import { setTimeout as pause } from 'node:timers/promises'
import type { Row } from '../../db/schema.ts'
import type { RequestContext } from '../../http/environment.ts'
import { reread } from '../kit/verbs.ts'
import { builds } from './resource.ts'

type BuildRow = Row<'builds'> & { readonly space_guid: string }

/** A client that asks for a build in progress is answered when it ends, but after this long at the latest. */
const patienceInMilliseconds = 4_000
/**
 * `cf push` shows the staging log until it learns that the build has ended, and holds back lines younger than two seconds
 * (cloudfoundry/cli actor/sharedaction/logging.go), looking for new ones four times a second. A build of a second would show nothing,
 * and a failing one not why; that one, whose last lines are what counts, is given more time for a slow machine.
 */
const logDelayOfCfInMilliseconds = { STAGED: 2_270, FAILED: 3_500 }

/** Clients poll every three seconds; to wait here for the end spares them most of that time. The thread blocks. */
export async function endedSoon(c: RequestContext, build: BuildRow): Promise<BuildRow> {
  if (build.state !== 'STAGING') return build
  c.var.bus.scheduleSync('changes.wait', build.guid, patienceInMilliseconds)
  return reread(c, builds, build.guid)
}

/** Tells the cf CLI of the end of a build only when it can have shown the log. */
export async function letLogArrive(c: RequestContext, build: BuildRow): Promise<void> {
  if ((build.state !== 'STAGED' && build.state !== 'FAILED') || !c.req.header('user-agent')?.startsWith('cf/')) return
  const remaining = Date.parse(build.updated_at) + logDelayOfCfInMilliseconds[build.state] - Date.now()
  if (remaining > 0) await pause(remaining)
}
