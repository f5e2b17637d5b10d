import { Hono } from 'hono'
import { z } from 'zod'
import { type AppFeatureName, appFeatureColumns, changeAppFeatures } from '../../actions/apps.ts'
import type { Row } from '../../db/schema.ts'
import { notFound } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { requireInSpace } from '../../permissions/guards.ts'
import { apps } from '../apps/resource.ts'
import { pagination } from '../kit/answer-fields.ts'
import { Feature } from '../kit/feature.ts'
import { flag } from '../kit/fields.ts'
import { answersWith, takes } from '../kit/operation.ts'
import { find, reread } from '../kit/verbs.ts'

/** What can be switched for each app, in the order of the list (cloud_controller_ng app/controllers/v3/app_features_controller.rb). */
const descriptions: Readonly<Record<AppFeatureName, string>> = {
  ssh: 'Enable SSHing into the app.',
  revisions: 'Enable versioning of an application',
  'service-binding-k8s': 'Enable k8s service bindings for the app',
  'file-based-vcap-services': 'Enable file-based VCAP service bindings for the app',
}
const names = Object.keys(descriptions) as AppFeatureName[]

const FeatureUpdate = z.strictObject({ enabled: flag('Enabled') })

export const routes = new Hono<WorkerEnv>()

const Features = z.object({ resources: z.array(Feature), pagination })
const SshEnabled = z.object({ enabled: z.boolean(), reason: z.string() })

routes.get('/v3/apps/:guid/features', answersWith(200, Features), async (c) => {
  const app = await find(c, apps)
  const href = `${c.var.settings.externalUrl}/v3/apps/${app.guid}/features`
  return c.var.answer({
    resources: names.map((name) => presentedFeature(app, name)),
    pagination: {
      total_results: names.length,
      total_pages: 1,
      first: { href },
      last: { href },
      next: null,
      previous: null,
    },
  })
})

routes.get('/v3/apps/:guid/features/:name', answersWith(200, Feature), async (c) => {
  const app = await find(c, apps)
  return c.var.answer(presentedFeature(app, featureName(c)))
})

routes.patch('/v3/apps/:guid/features/:name', takes(FeatureUpdate), answersWith(200, Feature), async (c) => {
  const { db, caller } = c.var
  const app = await find(c, apps)
  const name = featureName(c)
  await requireInSpace(db, caller, app.space_guid, name === 'revisions' ? 'manageApps' : 'write')
  const { enabled } = await c.var.message()
  await db.transaction().execute((trx) => changeAppFeatures(trx, app.guid, { [name]: enabled }))
  return c.var.answer(presentedFeature(await reread(c, apps, app.guid), name))
})

routes.get('/v3/apps/:guid/ssh_enabled', answersWith(200, SshEnabled), async (c) => {
  const app = await find(c, apps)
  const reason = await whyNoSsh(c, app)
  return c.var.answer({ enabled: reason === '', reason })
})

function featureName(c: RequestContext): AppFeatureName {
  const name = names.find((known) => known === c.req.param('name'))
  if (!name) throw notFound('Feature')
  return name
}

function presentedFeature(app: Row<'apps'>, name: AppFeatureName) {
  return { name, description: descriptions[name], enabled: app[appFeatureColumns[name]] === 1 }
}

async function whyNoSsh(c: RequestContext, app: Row<'apps'>): Promise<string> {
  const { db, settings } = c.var
  if (!settings.apps.sshEnabled) return 'ssh is disabled globally'
  const space = await db
    .selectFrom('spaces')
    .select(['name', 'allow_ssh'])
    .where('guid', '=', app.space_guid)
    .executeTakeFirstOrThrow()
  if (!space.allow_ssh) return `ssh is disabled for space '${space.name}'`
  return app.ssh_enabled ? '' : 'ssh is disabled for app'
}
