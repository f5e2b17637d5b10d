import { failBuild, lockStagingBuild } from '../actions/builds.ts'
import type { Row } from '../db/schema.ts'
import { ApiError } from '../errors/api-error.ts'
import type { ThreadServices } from '../http/environment.ts'
import { stagingRequestOf } from './staging-request.ts'

/**
 * Sends a build's task to a cell, after the commit that created it. When no cell can take it the build FAILs with the reason,
 * as a Diego without room does, so that `cf push` tells it.
 */
export async function stageBuild(services: ThreadServices, build: Row<'builds'>, app: Row<'apps'>): Promise<void> {
  const request = await stagingRequestOf(services, build, app)
  try {
    services.bus.scheduleSync('staging.start', request)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    await endAsFailed(services, build.guid, { id: failureId(error), description: error.message })
  }
}

/** Marks the build as FAILED unless it has ended already, and wakes who waits for it. */
export async function endAsFailed(
  { db, bus }: ThreadServices,
  buildGuid: string,
  failure: { id: string; description: string },
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const staging = await lockStagingBuild(trx, buildGuid)
    if (staging) await failBuild(trx, staging, failure)
  })
  bus.schedule('changes.notify', buildGuid)
}

/** "StagingError" for no room, as the ids that clients know (semantics, section 20). */
function failureId(error: ApiError): string {
  return error.title === 'CF-StackNotFound' ? 'StagingError' : 'InsufficientResources'
}
