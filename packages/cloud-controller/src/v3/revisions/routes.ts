import { Hono } from 'hono'
import { z } from 'zod'
import { recordAppEvent } from '../../actions/app-events.ts'
import { openVariables } from '../../dea/sealed-variables.ts'
import { notAuthorized } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { canInSpace, requireInSpace } from '../../permissions/guards.ts'
import { apps } from '../apps/resource.ts'
import { acting } from '../kit/acting.ts'
import { EnvironmentVariables } from '../kit/environment-variables.ts'
import { metadataField, saveMetadata } from '../kit/metadata.ts'
import { answers, answersWith, lists, shows, takes } from '../kit/operation.ts'
import { presentLinks } from '../kit/present.ts'
import { find } from '../kit/verbs.ts'
import { revisions } from './resource.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/revisions_controller.rb, app_revisions_controller.rb. */
export const routes = new Hono<WorkerEnv>()

const RevisionUpdate = z.strictObject({ metadata: metadataField.optional() })

routes.get(
  '/v3/apps/:guid/revisions',
  lists(revisions, {
    perRequest: async (c) => {
      const app = await find(c, apps)
      return { where: (query) => query.where('revisions.app_guid', '=', app.guid) }
    },
  }),
)

/** Revisions that started processes of the app run. */
routes.get(
  '/v3/apps/:guid/revisions/deployed',
  lists(revisions, {
    without: ['versions', 'deployable'],
    perRequest: async (c) => {
      const app = await find(c, apps)
      const running = c.var.db
        .selectFrom('processes')
        .select('processes.revision_guid')
        .where('processes.app_guid', '=', app.guid)
        .where('processes.state', '=', 'STARTED')
        .where('processes.revision_guid', 'is not', null)
        .$narrowType<{ revision_guid: string }>()
      return { where: (query) => query.where('revisions.guid', 'in', running) }
    },
  }),
)

routes.get('/v3/revisions/:guid', shows(revisions))

routes.patch('/v3/revisions/:guid', takes(RevisionUpdate), answers(200, revisions), async (c) => {
  const { db, caller } = c.var
  const message = await c.var.message() // 422 before 404: CC parses before it looks up
  const revision = await find(c, revisions)
  await requireInSpace(db, caller, revision.space_guid, 'write')
  await db
    .transaction()
    .execute((trx) => saveMetadata(trx, { type: 'revision', guid: revision.guid }, message.metadata))
  return c.var.answer(revision.guid)
})

routes.get('/v3/revisions/:guid/environment_variables', answersWith(200, EnvironmentVariables), async (c) => {
  const { db, caller, settings } = c.var
  const revision = await find(c, revisions)
  if (!(await canInSpace(db, caller, revision.space_guid, 'readSecrets'))) throw notAuthorized()
  await recordAppEvent(
    db,
    acting(c),
    'revision.environment_variables.show',
    { guid: revision.app_guid, name: revision.app_name, space_guid: revision.space_guid },
    { revision_guid: revision.guid, revision_version: revision.version },
  )
  return c.var.answer({
    var: openVariables(settings, revision.sealed_environment_variables),
    links: presentLinks(settings.externalUrl, {
      self: `/v3/revisions/${revision.guid}/environment_variables`,
      revision: `/v3/revisions/${revision.guid}`,
      app: `/v3/apps/${revision.app_guid}`,
    }),
  })
})
