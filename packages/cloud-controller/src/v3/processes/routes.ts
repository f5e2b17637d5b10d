import { type Context, Hono } from 'hono'
import { requireFeature } from '../../actions/feature-flags.ts'
import { recordTermination, scaleProcess, updateProcess } from '../../actions/processes.ts'
import { instanceReports, processInstances } from '../../dea/instance-reports.ts'
import { resizeInstances, restartInstance } from '../../dea/run-app.ts'
import { notFound } from '../../errors/api-error.ts'
import type { WorkerEnv } from '../../http/environment.ts'
import { emitAppLog } from '../../logs/app-log.ts'
import { requireInSpace } from '../../permissions/guards.ts'
import { apps } from '../apps/resource.ts'
import { acting } from '../kit/acting.ts'
import { body } from '../kit/body.ts'
import { throwFaults } from '../kit/list-query.ts'
import { presented, presentLinks } from '../kit/present.ts'
import { parseQueryString } from '../kit/query-string.ts'
import { find, findReadable, list, reread } from '../kit/verbs.ts'
import { quoted } from '../kit/words.ts'
import { wantsInstances, withInstances } from './embed.ts'
import { ProcessScale, ProcessUpdate } from './messages.ts'
import { waitForFirstInstance } from './patience.ts'
import { type ProcessRow, processes } from './resource.ts'
import { presentedInstance } from './stats.ts'

/**
 * Processes by their own guid, and by app and type: both paths reach the same things. Checks in the order of
 * cloud_controller_ng app/controllers/v3/processes_controller.rb.
 */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/processes', (c) => list(c, processes, embedding(c)))
routes.get('/v3/apps/:guid/processes', async (c) => {
  const options = embedding(c)
  const app = await find(c, apps)
  return list(c, processes, {
    ...options,
    where: (query) => query.where('processes.app_guid', '=', app.guid),
    without: ['app_guids', 'organization_guids', 'space_guids'],
  })
})

routes.get('/v3/processes/:guid', (c) => show(c, findByGuid))
routes.get('/v3/apps/:guid/processes/:type', (c) => show(c, findByType))

routes.patch('/v3/processes/:guid', async (c) => update(c, await findByGuid(c)))
routes.patch('/v3/apps/:guid/processes/:type', async (c) => update(c, await findByType(c)))

routes.post('/v3/processes/:guid/actions/scale', async (c) => scale(c, await findByGuid(c)))
routes.post('/v3/apps/:guid/processes/:type/actions/scale', async (c) => scale(c, await findByType(c)))

routes.get('/v3/processes/:guid/stats', async (c) => stats(c, await findByGuid(c)))
routes.get('/v3/apps/:guid/processes/:type/stats', async (c) => stats(c, await findByType(c)))

routes.delete('/v3/processes/:guid/instances/:index', async (c) => terminate(c, await findByGuid(c)))
routes.delete('/v3/apps/:guid/processes/:type/instances/:index', async (c) => terminate(c, await findByType(c)))

routes.get('/v3/processes/:guid/process_instances', async (c) => {
  const process = await findByGuid(c)
  return c.json({
    resources: processInstances(c.var.bus, [process]).get(process.guid) ?? [],
    links: presentLinks(c.var.settings.externalUrl, {
      self: `/v3/processes/${process.guid}/process_instances`,
      process: `/v3/processes/${process.guid}`,
    }),
  })
})

type Handler = Context<WorkerEnv>

const findByGuid = (c: Handler): Promise<ProcessRow> => find(c, processes)

/** The newest process of the type: during a deployment an app has several of web. */
async function findByType(c: Handler): Promise<ProcessRow> {
  const { db, caller } = c.var
  const app = await findReadable(c, apps, c.req.param('guid') ?? '')
  if (!app) throw notFound('App')
  const process = await processes
    .readableBy(processes.select(db), caller, db)
    .where('processes.app_guid', '=', app.guid)
    .where('processes.type', '=', c.req.param('type') ?? '')
    .orderBy('processes.id', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!process) throw notFound('Process')
  return process
}

function embedding(c: Handler) {
  const embeds = wantsInstances(c.req.url)
  return {
    alsoAllowed: ['embed'],
    ...(embeds && {
      decorate: (resources: ReadonlyArray<Record<string, unknown>>, rows: readonly ProcessRow[]) =>
        withInstances(c.var.bus, resources, rows),
    }),
  }
}

async function show(c: Handler, lookUp: (c: Handler) => Promise<ProcessRow>): Promise<Response> {
  const unknown = parseQueryString(c.req.url).keys.filter((key) => key !== 'embed')
  if (unknown.length > 0)
    throwFaults([`Unknown query parameter(s): ${quoted(unknown)}. Valid parameters are: ${quoted(['embed'])}`])
  const embeds = wantsInstances(c.req.url)
  const process = await lookUp(c)
  const answer = await presented(c, processes, process)
  return c.json(embeds ? withInstances(c.var.bus, [answer], [process])[0] : answer)
}

async function requireManaged(c: Handler, process: ProcessRow): Promise<void> {
  await requireInSpace(c.var.db, c.var.caller, process.space_guid, 'manageApps')
}

async function update(c: Handler, process: ProcessRow): Promise<Response> {
  const { db, bus } = c.var
  await requireManaged(c, process)
  const message = await body(c, ProcessUpdate)
  const subject = { app: await reread(c, apps, process.app_guid), processGuid: process.guid }
  await db.transaction().execute((trx) => updateProcess(trx, acting(c), subject, message))
  emitAppLog(bus, process.app_guid, `Updating process: "${process.type}"`)
  return c.json(await presented(c, processes, await reread(c, processes, process.guid)))
}

async function scale(c: Handler, process: ProcessRow): Promise<Response> {
  const { db, caller, bus } = c.var
  await requireManaged(c, process)
  await requireFeature(db, caller, 'app_scaling')
  const message = await body(c, ProcessScale)
  const subject = { app: await reread(c, apps, process.app_guid), processGuid: process.guid }
  const scaled = await db.transaction().execute((trx) => scaleProcess(trx, acting(c), subject, message))
  emitAppLog(bus, process.app_guid, `Scaling process: "${process.type}"`)
  if (scaled.process.state === 'STARTED') await resizeInstances(c.var, scaled.process, scaled.previousInstances)
  return c.json(await presented(c, processes, await reread(c, processes, process.guid)), 202)
}

function stats(c: Handler, process: ProcessRow): Response {
  const { fileDescriptors } = c.var.settings.apps
  waitForFirstInstance(c.var.bus, process)
  const reports = instanceReports(c.var.bus, process)
  return c.json({ resources: reports.map((report) => presentedInstance(process, fileDescriptors, report)) })
}

async function terminate(c: Handler, process: ProcessRow): Promise<Response> {
  const { db, bus } = c.var
  await requireManaged(c, process)
  const index = Number.parseInt(c.req.param('index') ?? '', 10) || 0
  const app = await reread(c, apps, process.app_guid)
  await db.transaction().execute((trx) => recordTermination(trx, acting(c), { app, process }, index))
  emitAppLog(bus, app.guid, `Terminating process: "${process.type}", index: "${index}"`)
  if (process.state === 'STARTED') await restartInstance(c.var, process.guid, index)
  return c.body(null, 204)
}
