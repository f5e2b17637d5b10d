import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { ApiClient } from '../client/api-client.ts'
import type { AppLogLine } from '../client/app-log.ts'
import { pageThroughRouter } from '../client/fetch-through-router.ts'
import { instanceStats } from '../client/instances.ts'
import { appInFolder, type PushedApp, push } from '../client/push.ts'
import { loadConfig } from '../config/load.ts'
import { Story } from '../demo/story.ts'
import type { Program } from '../main.ts'
import { ComponentRows } from '../screen/component-rows.ts'
import { Screen } from '../screen/screen.ts'
import { startFault } from '../system/start-fault.ts'
import { prepareSystem, type System } from '../system/start-system.ts'
import { publicUrl } from '../system-addresses.ts'
import { exitCodes } from '../user-error.ts'
import { readOptions } from './options.ts'
import { StopSignals } from './stop-signals.ts'

const usage = `Usage: vcap demo [OPTIONS]

Starts a whole Cloud Foundry on free ports in a temporary directory, pushes two of the examples to it through the
API that the cf command line uses, fetches their pages through the router, shows their logs and statistics, and
stops everything. Ends with 0 only if all that worked.

  --verbose   show every line of the components' logs, not only warnings and errors
  --help
`

const examples = resolve(import.meta.dirname, '../../../../examples')

const WithGuid = z.object({ guid: z.string() })

/** `vcap demo`. */
export async function demo(commandLine: readonly string[], program: Program): Promise<number> {
  const options = readOptions(commandLine, usage, { verbose: { type: 'boolean', default: false } })
  if (!options) return exitCodes.ok
  const screen = new Screen(process.stdout)
  const story = new Story(screen)
  const signals = new StopSignals()
  const dataDirectory = await mkdtemp(join(tmpdir(), 'vcap-demo-'))
  const ports = ['api', 'router', 'uaa', 'log-cache', 'nats'].map((name) => `${name}=0`)
  const rows = new ComponentRows(screen, { verbose: options.verbose })
  const system = await prepareSystem({
    // Nothing of the user's own settings: the demo shows what comes out of the box.
    config: await loadConfig({ dataDirectory, ports }, {}),
    components: program.components,
    entryFile: program.entryFile,
    events: rows,
    say: (text) => screen.line(text),
  })
  signals.onSecond(() => system.kill())
  let worked = false
  try {
    const outcome = await Promise.race([play(system, program.components, story, rows), signals.first])
    worked = outcome !== 'stop'
  } finally {
    rows.stopping()
    await story.chapter('Stop everything', () => system.stop())
    if (worked) await rm(dataDirectory, { recursive: true, force: true })
    else screen.line(`What the components logged is in ${system.plan.directory.logs}\n`)
  }
  if (worked) story.end('Everything worked')
  return worked ? exitCodes.ok : exitCodes.failed
}

async function play(
  system: System,
  components: Program['components'],
  story: Story,
  rows: ComponentRows,
): Promise<'end'> {
  const { config } = system.plan
  await story.chapter('Start a Cloud Foundry on free ports', async () => {
    try {
      await system.start()
    } catch (error) {
      throw await startFault(error, system, components)
    }
    rows.settled()
  })
  const api = publicUrl(config, 'api')
  const { username, password } = config.admin
  const client = await story.chapter(`Log in at ${api} as ${username}`, () => ApiClient.login(api, username, password))
  const space = await story.chapter('Create the organization "demo" and its space "dev"', async () => {
    const organization = await client.call(WithGuid, 'POST', '/v3/organizations', { json: { name: 'demo' } })
    const relationships = { organization: { data: { guid: organization.guid } } }
    return await client.call(WithGuid, 'POST', '/v3/spaces', { json: { name: 'dev', relationships } })
  })
  for (const example of ['nodejs', 'static-site']) {
    const source = await appInFolder(join(examples, example))
    const app = await story.chapter(`Push examples/${example}`, () =>
      push(client, space.guid, source, {
        step: (text) => story.detail(text),
        logged: (line) => story.quote(shown(line)),
      }),
    )
    await story.chapter(`Visit ${app.name}`, () => visit(system, story, client, app))
  }
  return 'end'
}

/** Fetches the app's page, then waits for its log and its statistics to tell of it. Throws when one of them does not. */
async function visit(system: System, story: Story, client: ApiClient, app: PushedApp): Promise<void> {
  const { config } = system.plan
  if (app.route === undefined) throw new Error(`${app.name} has no route`)
  if (!app.stagingLog.some(({ source }) => source.startsWith('STG'))) throw new Error(`${app.name} has no staging log`)
  const page = await pageThroughRouter({ host: config.host, port: config.ports.router }, app.route, '/')
  const title = /<title>(.*?)<\/title>/s.exec(page.body)?.[1]?.trim()
  if (title === undefined) throw new Error(`the page of ${app.name} has no title:\n${page.body.slice(0, 500)}`)
  story.detail(
    `GET http://${app.route}:${config.ports.router}/ → ${page.status}, ${page.body.length} bytes, "${title}"`,
  )

  story.detail('its log:')
  const lines = await logWith(app, (line) => line.source.startsWith('RTR') && line.text.includes('GET /'))
  for (const line of lines) story.quote(shown(line))

  const instances = await instanceStats(client, app.guid)
  if (!instances.every(({ state, usage }) => state === 'RUNNING' && (usage?.mem ?? 0) > 0))
    throw new Error(`the statistics are not those of a running app: ${JSON.stringify(instances)}`)
  for (const { index, state, usage, mem_quota } of instances)
    story.detail(
      `instance #${index} ${state.toLowerCase()}, CPU ${((usage?.cpu ?? 0) * 100).toFixed(1)} %, memory ${megabytes(usage?.mem)} of ${megabytes(mem_quota)}, disk ${megabytes(usage?.disk)}`,
    )
}

/** The app's log up to the moment when a certain line is in it. */
async function logWith(app: PushedApp, isIt: (line: AppLogLine) => boolean, limitInMs = 10_000): Promise<AppLogLine[]> {
  const lines: AppLogLine[] = []
  const deadline = performance.now() + limitInMs
  for (;;) {
    lines.push(...(await app.log.newLines()))
    if (lines.some(isIt)) return lines
    if (performance.now() > deadline)
      throw new Error(`the request is not in the log of ${app.name}, only:\n${lines.map(shown).join('\n')}`)
    await delay(200)
  }
}

function shown({ source, text }: AppLogLine): string {
  return `[${source}] ${text}`
}

function megabytes(bytes: number | null | undefined): string {
  return `${((bytes ?? 0) / 1024 / 1024).toFixed(1)} MB`
}
