import { Hono } from 'hono'
import { z } from 'zod'
import { censoredRequest, recordAppEvent } from '../../actions/app-events.ts'
import { changeEnvironmentVariables } from '../../actions/apps.ts'
import { requireFeatureOfEveryone } from '../../actions/feature-flags.ts'
import type { Row } from '../../db/schema.ts'
import { environmentVariableGroup, openVariables } from '../../dea/sealed-variables.ts'
import { appVcapApplication } from '../../dea/vcap-application.ts'
import { boundServices, vcapServices } from '../../dea/vcap-services.ts'
import { notAuthorized } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { emitAppLog } from '../../logs/app-log.ts'
import { canInSpace, requireInSpace } from '../../permissions/guards.ts'
import { apps } from '../apps/resource.ts'
import { acting } from '../kit/acting.ts'
import { variables } from '../kit/answer-fields.ts'
import { EnvironmentVariables, EnvironmentVariablesUpdate } from '../kit/environment-variables.ts'
import { answersWith, takes } from '../kit/operation.ts'
import { presentLinks } from '../kit/present.ts'
import { find, reread } from '../kit/verbs.ts'

/** Environment of apps. Checks in the order of cloud_controller_ng app/controllers/v3/apps_controller.rb. */
export const routes = new Hono<WorkerEnv>()

const AppEnvironment = z.object({
  environment_variables: variables,
  staging_env_json: variables,
  running_env_json: variables,
  system_env_json: variables,
  application_env_json: variables,
})

routes.get('/v3/apps/:guid/env', answersWith(200, AppEnvironment), async (c) => {
  const { db, caller, settings } = c.var
  const app = await findWithVisibleEnvironment(c)
  await recordAppEvent(db, acting(c), 'environment.show', app)
  const seesServices = await canInSpace(db, caller, app.space_guid, 'readSecrets')
  return c.var.answer({
    environment_variables: openVariables(settings, app.sealed_environment_variables),
    staging_env_json: await environmentVariableGroup(db, settings, 'staging'),
    running_env_json: await environmentVariableGroup(db, settings, 'running'),
    system_env_json: seesServices ? await systemEnvironment(c, app) : { redacted_message: '[PRIVATE DATA HIDDEN]' },
    application_env_json: { VCAP_APPLICATION: await appVcapApplication(db, settings, app.guid) },
  })
})

routes.get('/v3/apps/:guid/environment_variables', answersWith(200, EnvironmentVariables), async (c) => {
  const app = await findWithVisibleEnvironment(c)
  await recordAppEvent(c.var.db, acting(c), 'environment_variables.show', app)
  return c.var.answer(presentedVariables(c, app))
})

routes.patch(
  '/v3/apps/:guid/environment_variables',
  takes(EnvironmentVariablesUpdate),
  answersWith(200, EnvironmentVariables),
  async (c) => {
    const { db, caller, bus } = c.var
    const app = await find(c, apps)
    await requireInSpace(db, caller, app.space_guid, 'manageApps')
    const message = await c.var.message()
    await db.transaction().execute((trx) => changeEnvironmentVariables(trx, acting(c), app.guid, message.var))
    const request = censoredRequest({ environment_variables: message.var })
    emitAppLog(bus, app.guid, `Updated app with guid ${app.guid} (${JSON.stringify(request)})`)
    return c.var.answer(presentedVariables(c, await reread(c, apps, app.guid)))
  },
)

/** Two flags can hide environments: one from everybody, one from all but admins. */
async function findWithVisibleEnvironment(c: RequestContext): Promise<Row<'apps'>> {
  const { db, caller } = c.var
  await requireFeatureOfEveryone(db, 'env_var_visibility')
  const app = await find(c, apps)
  if (!(await canInSpace(db, caller, app.space_guid, 'readEnvironmentVariables'))) throw notAuthorized()
  if (!caller.readsSecretsGlobally) await requireFeatureOfEveryone(db, 'space_developer_env_var_visibility')
  return app
}

/** cloud_controller_ng app/presenters/system_environment/system_env_presenter.rb */
async function systemEnvironment(c: RequestContext, app: Row<'apps'>): Promise<Record<string, unknown>> {
  const { db, settings } = c.var
  if (app.service_binding_k8s_enabled) return { SERVICE_BINDING_ROOT: '/etc/cf-service-bindings' }
  if (app.file_based_vcap_services_enabled) return { VCAP_SERVICES_FILE_PATH: '/etc/cf-service-bindings/vcap_services' }
  const bound = await boundServices(db, settings, [app.guid])
  return { VCAP_SERVICES: vcapServices(bound.get(app.guid) ?? []) }
}

function presentedVariables(c: RequestContext, app: Row<'apps'>) {
  return {
    var: openVariables(c.var.settings, app.sealed_environment_variables),
    links: presentLinks(c.var.settings.externalUrl, {
      self: `/v3/apps/${app.guid}/environment_variables`,
      app: `/v3/apps/${app.guid}`,
    }),
  }
}
