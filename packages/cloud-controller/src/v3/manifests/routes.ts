import { Hono } from 'hono'
import { stringify } from 'yaml'
import { z } from 'zod'
import { obfuscatedUrl, recordAppEvent } from '../../actions/app-events.ts'
import { actorOf, hidden } from '../../actions/audit-events.ts'
import { findApp, findOrCreateApp } from '../../actions/manifests/find-or-create-app.ts'
import { notAuthorized } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { enqueueJob } from '../../jobs/job-queue.ts'
import { manifestPayload } from '../../jobs/manifest-job.ts'
import { runJobNow } from '../../jobs/run-jobs.ts'
import { emitAppLog } from '../../logs/app-log.ts'
import { canInSpace, requireInSpace } from '../../permissions/guards.ts'
import { apps } from '../apps/resource.ts'
import { acting } from '../kit/acting.ts'
import { answersJob, answersWith, answersYaml, takesOther } from '../kit/operation.ts'
import { find } from '../kit/verbs.ts'
import { spaces } from '../spaces/resource.ts'
import { generatedManifest } from './generated-manifest.ts'
import { ManifestDocument, manifestApps, requireYaml } from './manifest-body.ts'
import { manifestDiff } from './manifest-diff.ts'
import type { YamlMapping } from './yaml-document.ts'

/** Checks in the order of cloud_controller_ng app/controllers/v3/{space_manifests,app_manifests}_controller.rb. */
export const routes = new Hono<WorkerEnv>()

const yaml = takesOther('application/x-yaml', ManifestDocument)

/** The job is over already when the answer arrives, because the CLI would wait for seconds before it asks a second time. */
routes.post('/v3/spaces/:guid/actions/apply_manifest', yaml, answersJob(), async (c) => {
  const { db, caller, settings, bus } = c.var
  requireYaml(c)
  const space = await find(c, spaces)
  await requireInSpace(db, caller, space.guid, 'write')
  const sent = await manifestApps(c)
  const { job, found } = await db.transaction().execute(async (trx) => {
    // An app that is named twice is what its last entry says.
    const found = new Map<string, { raw: YamlMapping; wasCreated: boolean }>()
    for (const { raw, manifest } of sent) {
      const { app, wasCreated } = await findOrCreateApp(trx, acting(c), space, manifest)
      found.set(app.guid, { raw, wasCreated: wasCreated || (found.get(app.guid)?.wasCreated ?? false) })
      await recordAppEvent(trx, acting(c), 'apply_manifest', app, { request: { manifest: censored(raw) } })
    }
    const applications = [...found].map(([guid, { raw }]) => ({ guid, manifest: raw }))
    const job = await enqueueJob(trx, {
      operation: 'space.apply_manifest',
      resource: { type: 'space', guid: space.guid },
      payload: manifestPayload(settings, actorOf(caller), applications),
    })
    return { job, found }
  })
  for (const [guid, { raw, wasCreated }] of found) {
    if (wasCreated) emitAppLog(bus, guid, 'Added process: "web"')
    if (wasCreated) emitAppLog(bus, guid, `Created app with guid ${guid}`)
    emitAppLog(bus, guid, `Applied manifest to app with guid ${guid} (${censored(raw)})`)
  }
  await runJobNow(c.var, job)
  return c.var.answer(job)
})

const ManifestDiff = z.object({
  diff: z.array(
    z.object({ op: z.string(), path: z.string(), value: z.unknown().optional(), was: z.unknown().optional() }),
  ),
})

routes.post('/v3/spaces/:guid/manifest_diff', yaml, answersWith(201, ManifestDiff), async (c) => {
  const { db, caller, settings } = c.var
  requireYaml(c)
  const space = await find(c, spaces)
  await requireInSpace(db, caller, space.guid, 'write')
  const sent = await manifestApps(c)
  const diff = []
  for (const [index, { raw, manifest }] of sent.entries()) {
    const app = await findApp(db, space, manifest.name)
    diff.push(...manifestDiff(raw, app && (await generatedManifest(db, settings, app)), index))
  }
  return c.var.answer({ diff })
})

routes.get('/v3/apps/:guid/manifest', answersYaml(ManifestDocument.omit({ version: true })), async (c) => {
  const { db, caller, settings } = c.var
  const app = await find(c, apps)
  if (!(await canInSpace(db, caller, app.space_guid, 'readSecrets'))) throw notAuthorized()
  return c.var.answer(toYaml({ applications: [await generatedManifest(db, settings, app)] }))
})

/** What an event and the app's log keep of an app's manifest. */
function censored(raw: YamlMapping): string {
  const shown = Object.entries(raw).map(([key, value]) => [
    key,
    (key === 'env' || key === 'cnb-credentials') && value ? hidden : withoutCredentials(value),
  ])
  return toYaml({ applications: [Object.fromEntries(shown)] })
}

const withoutCredentials = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_key, entry) => (typeof entry === 'string' ? obfuscatedUrl(entry) : entry))

/** A document as Cloud Foundry writes it: YAML 1.1, lists not indented. */
const toYaml = (document: unknown): string =>
  `---\n${stringify(document, { version: '1.1', indentSeq: false, singleQuote: true, lineWidth: 0 })}`
