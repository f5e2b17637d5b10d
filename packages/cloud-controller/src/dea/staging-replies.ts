import { StagingCompletion, StagingSetup } from '@vcap/protocol'
import { z } from 'zod'
import { completeBuild, failBuild, lockStagingBuild, overdueBuilds, type StagedDroplet } from '../actions/builds.ts'
import { webProcessType } from '../actions/processes.ts'
import type { Row, Trx } from '../db/schema.ts'
import type { ThreadServices } from '../http/environment.ts'
import { emitAppLog } from '../logs/app-log.ts'
import { endAsFailed } from '../staging/stage-build.ts'

const StagingReply = z.union([StagingCompletion, StagingSetup])

/** A DEA said how a staging task goes. Replies for a build that has ended already change nothing. Job thread. */
export async function handleStagingReply(services: ThreadServices, argument: unknown): Promise<void> {
  const reply = StagingReply.parse(argument)
  if (reply.phase === 'setup') {
    if (reply.error) await endAsFailed(services, reply.task_id, { id: 'StagingError', description: reply.error })
    return
  }
  await complete(services, reply)
}

async function complete(services: ThreadServices, reply: StagingCompletion): Promise<void> {
  const { db, bus, settings } = services
  const outcome = await db.transaction().execute(async (trx) => {
    const staging = await lockStagingBuild(trx, reply.task_id)
    if (!staging) return undefined
    const failure = failureOf(reply) ?? (await missingCommand(trx, staging.app, reply))
    const droplet = failure ? undefined : await uploadedDroplet(trx, staging.build)
    if (failure || !droplet) {
      await failBuild(trx, staging, failure ?? { id: 'StagerError', description: 'The droplet was not uploaded' })
      return { appGuid: staging.app.guid, text: `Staging failed for build ${reply.task_id}` }
    }
    await completeBuild(trx, staging, droplet.guid, stagedDroplet(reply), settings.packages.keptPerApp)
    return { appGuid: staging.app.guid, text: `Staging complete for build ${reply.task_id}` }
  })
  bus.schedule('changes.notify', reply.task_id)
  if (outcome) emitAppLog(bus, outcome.appGuid, outcome.text)
}

/** `error_info` wins over `error` (message-bus fact sheet, section 3.5). */
function failureOf({ error, error_info }: StagingCompletion): { id: string; description: string } | undefined {
  if (error_info) return { id: error_info.type, description: error_info.message }
  return error ? { id: 'StagerError', description: error } : undefined
}

/** A droplet without any process type is of use only to an app with a command of its own. */
async function missingCommand(
  trx: Trx,
  app: Row<'apps'>,
  reply: StagingCompletion,
): Promise<{ id: string; description: string } | undefined> {
  if (Object.keys(processTypes(reply)).length > 0) return undefined
  const web = await trx
    .selectFrom('processes')
    .select('command')
    .where('app_guid', '=', app.guid)
    .where('type', '=', webProcessType)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return web?.command ? undefined : { id: 'StagingError', description: 'Start command not specified' }
}

function uploadedDroplet(trx: Trx, build: Row<'builds'>): Promise<{ guid: string } | undefined> {
  return trx
    .selectFrom('droplets')
    .select('guid')
    .where('build_guid', '=', build.guid)
    .where('sha256', 'is not', null)
    .executeTakeFirst()
}

function processTypes({ procfile, detected_start_command }: StagingCompletion): Record<string, string> {
  if (procfile && Object.keys(procfile).length > 0) return procfile
  return detected_start_command ? { [webProcessType]: detected_start_command } : {}
}

function stagedDroplet(reply: StagingCompletion): StagedDroplet {
  return {
    processTypes: processTypes(reply),
    buildpacks: reply.buildpacks.map(({ name, detect_output, buildpack_name, version }) => ({
      name,
      detect_output: detect_output ?? null,
      buildpack_name: buildpack_name ?? null,
      version: version ?? null,
    })),
    sidecars: reply.sidecars.map(({ memory, ...sidecar }) => ({ ...sidecar, memory: memory ?? null })),
  }
}

/** Fails the builds of which no cell has told anything for too long. */
export async function failOverdueBuilds(services: ThreadServices): Promise<void> {
  const { db, settings, bus } = services
  for (const { guid } of await overdueBuilds(db, settings.staging.timeoutInSeconds)) {
    const build = await db.selectFrom('builds').select('app_guid').where('guid', '=', guid).executeTakeFirst()
    if (build) bus.schedule('staging.stop', { app_id: build.app_guid, task_id: guid })
    await endAsFailed(services, guid, { id: 'StagingTimeExpired', description: 'Staging time expired' })
  }
}
