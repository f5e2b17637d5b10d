import { Hono } from 'hono'
import type { z } from 'zod'
import { requireFeature } from '../../actions/feature-flags.ts'
import { recordTermination, scaleProcess, updateProcess } from '../../actions/processes.ts'
import { instanceReports, processInstances } from '../../dea/instance-reports.ts'
import { resizeInstances, restartInstance } from '../../dea/run-app.ts'
import { notFound } from '../../errors/api-error.ts'
import type { RequestContext, WorkerEnv } from '../../http/environment.ts'
import { emitAppLog } from '../../logs/app-log.ts'
import { requireInSpace } from '../../permissions/guards.ts'
import { apps } from '../apps/resource.ts'
import { acting } from '../kit/acting.ts'
import { throwFaults } from '../kit/list-query.ts'
import { answers, answersNothing, answersWith, lists, reads, takes } from '../kit/operation.ts'
import { presented, presentLinks } from '../kit/present.ts'
import { parseQueryString } from '../kit/query-string.ts'
import { find, findReadable, reread } from '../kit/verbs.ts'
import { quoted } from '../kit/words.ts'
import { embedParameter, wantsInstances, withInstances } from './embed.ts'
import { ProcessScale, ProcessUpdate } from './messages.ts'
import { waitForFirstInstance } from './patience.ts'
import { ProcessInstances, type ProcessRow, processes } from './resource.ts'
import { ProcessStats, presentedInstance } from './stats.ts'

/**
 * Processes by their own guid, and by app and type: both paths reach the same things. Checks in the order of
 * cloud_controller_ng app/controllers/v3/processes_controller.rb.
 */
export const routes = new Hono<WorkerEnv>()

routes.get('/v3/processes', lists(processes, { alsoAllowed: [embedParameter], perRequest: embedding }))

routes.get(
  '/v3/apps/:guid/processes',
  lists(processes, {
    alsoAllowed: [embedParameter],
    without: ['app_guids', 'organization_guids', 'space_guids'],
    perRequest: async (c) => {
      const options = embedding(c)
      const app = await find(c, apps)
      return { ...options, where: (query) => query.where('processes.app_guid', '=', app.guid) }
    },
  }),
)

const shown = [reads(embedParameter), answers(200, processes)] as const
routes.get('/v3/processes/:guid', ...shown, (c) => show(c, findByGuid))
routes.get('/v3/apps/:guid/processes/:type', ...shown, (c) => show(c, findByType))

const updated = [takes(ProcessUpdate), answers(200, processes)] as const
routes.patch('/v3/processes/:guid', ...updated, async (c) =>
  c.var.answer(await update(c, await findByGuid(c), c.var.message)),
)
routes.patch('/v3/apps/:guid/processes/:type', ...updated, async (c) =>
  c.var.answer(await update(c, await findByType(c), c.var.message)),
)

const scaled = [takes(ProcessScale), answers(202, processes)] as const
routes.post('/v3/processes/:guid/actions/scale', ...scaled, async (c) =>
  c.var.answer(await scale(c, await findByGuid(c), c.var.message)),
)
routes.post('/v3/apps/:guid/processes/:type/actions/scale', ...scaled, async (c) =>
  c.var.answer(await scale(c, await findByType(c), c.var.message)),
)

const measured = answersWith(200, ProcessStats)
routes.get('/v3/processes/:guid/stats', measured, async (c) => c.var.answer(stats(c, await findByGuid(c))))
routes.get('/v3/apps/:guid/processes/:type/stats', measured, async (c) => c.var.answer(stats(c, await findByType(c))))

routes.delete('/v3/processes/:guid/instances/:index', answersNothing(), async (c) => {
  await terminate(c, await findByGuid(c))
  return c.var.answer()
})
routes.delete('/v3/apps/:guid/processes/:type/instances/:index', answersNothing(), async (c) => {
  await terminate(c, await findByType(c))
  return c.var.answer()
})

routes.get('/v3/processes/:guid/process_instances', answersWith(200, ProcessInstances), async (c) => {
  const process = await findByGuid(c)
  return c.var.answer({
    resources: processInstances(c.var.bus, [process]).get(process.guid) ?? [],
    links: presentLinks(c.var.settings.externalUrl, {
      self: `/v3/processes/${process.guid}/process_instances`,
      process: `/v3/processes/${process.guid}`,
    }),
  })
})

const findByGuid = (c: RequestContext): Promise<ProcessRow> => find(c, processes)

/** The newest process of the type: during a deployment an app has several of web. */
async function findByType(c: RequestContext): Promise<ProcessRow> {
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

function embedding(c: RequestContext) {
  const embeds = wantsInstances(c.req.url)
  return {
    ...(embeds && {
      decorate: (resources: ReadonlyArray<Record<string, unknown>>, rows: readonly ProcessRow[]) =>
        withInstances(c.var.bus, resources, rows),
    }),
  }
}

async function show(c: RequestContext, lookUp: (c: RequestContext) => Promise<ProcessRow>): Promise<Response> {
  const unknown = parseQueryString(c.req.url).keys.filter((key) => key !== 'embed')
  if (unknown.length > 0)
    throwFaults([`Unknown query parameter(s): ${quoted(unknown)}. Valid parameters are: ${quoted(['embed'])}`])
  const embeds = wantsInstances(c.req.url)
  const process = await lookUp(c)
  const answer = await presented(c, processes, process)
  return c.json(embeds ? withInstances(c.var.bus, [answer], [process])[0] : answer)
}

async function requireManaged(c: RequestContext, process: ProcessRow): Promise<void> {
  await requireInSpace(c.var.db, c.var.caller, process.space_guid, 'manageApps')
}

/** The guid, after all is done. */
async function update(
  c: RequestContext,
  process: ProcessRow,
  read: () => Promise<z.output<typeof ProcessUpdate>>,
): Promise<string> {
  const { db, bus } = c.var
  await requireManaged(c, process)
  const message = await read()
  const subject = { app: await reread(c, apps, process.app_guid), processGuid: process.guid }
  await db.transaction().execute((trx) => updateProcess(trx, acting(c), subject, message))
  emitAppLog(bus, process.app_guid, `Updating process: "${process.type}"`)
  return process.guid
}

/** The guid, after all is done. */
async function scale(
  c: RequestContext,
  process: ProcessRow,
  read: () => Promise<z.output<typeof ProcessScale>>,
): Promise<string> {
  const { db, caller, bus } = c.var
  await requireManaged(c, process)
  await requireFeature(db, caller, 'app_scaling')
  const message = await read()
  const subject = { app: await reread(c, apps, process.app_guid), processGuid: process.guid }
  const scaled = await db.transaction().execute((trx) => scaleProcess(trx, acting(c), subject, message))
  emitAppLog(bus, process.app_guid, `Scaling process: "${process.type}"`)
  if (scaled.process.state === 'STARTED') await resizeInstances(c.var, scaled.process, scaled.previousInstances)
  return process.guid
}

function stats(c: RequestContext, process: ProcessRow): z.input<typeof ProcessStats> {
  const { fileDescriptors } = c.var.settings.apps
  waitForFirstInstance(c.var.bus, process)
  const reports = instanceReports(c.var.bus, process)
  return { resources: reports.map((report) => presentedInstance(process, fileDescriptors, report)) }
}

async function terminate(c: RequestContext, process: ProcessRow): Promise<void> {
  const { db, bus } = c.var
  await requireManaged(c, process)
  const index = Number.parseInt(c.req.param('index') ?? '', 10) || 0
  const app = await reread(c, apps, process.app_guid)
  await db.transaction().execute((trx) => recordTermination(trx, acting(c), { app, process }, index))
  emitAppLog(bus, app.guid, `Terminating process: "${process.type}", index: "${index}"`)
  if (process.state === 'STARTED') await restartInstance(c.var, process.guid, index)
}
