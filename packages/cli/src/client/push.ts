import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { ApiClient } from './api-client.ts'
import { AppLog, type AppLogLine } from './logs.ts'
import { zipFolder } from './zip-folder.ts'

const WithGuid = z.object({ guid: z.string() })
const Package = z.object({ guid: z.string(), state: z.string() })
const Build = z.object({
  state: z.string(),
  error: z.string().nullable(),
  droplet: WithGuid.nullable(),
})
const Droplet = z.object({ buildpacks: z.array(z.object({ name: z.string() })).nullable() })
const Page = <T>(resource: z.ZodType<T>) => z.object({ resources: z.array(resource) })
const Routes = Page(z.object({ url: z.string() }))

const InstanceStats = z.object({
  type: z.string(),
  index: z.number(),
  state: z.string(),
  uptime: z.number().nullish(),
  usage: z
    .object({ cpu: z.number().nullish(), mem: z.number().nullish(), disk: z.number().nullish() })
    .partial()
    .nullish(),
  mem_quota: z.number().nullish(),
  disk_quota: z.number().nullish(),
})
export type InstanceStats = z.infer<typeof InstanceStats>

const Manifest = z.object({ applications: z.tuple([z.looseObject({ name: z.string() })]) })

export interface PushedApp {
  guid: string
  name: string
  /** Host and path of its first route, without a scheme. */
  route: string
  log: AppLog
  /** What staging said. */
  stagingLog: AppLogLine[]
}

/** What a push tells while it goes on. */
export interface PushProgress {
  step(text: string): void
  logged(line: AppLogLine): void
}

/** How long staging and starting may take, as in `cf`: 15 and 5 minutes. */
const stagingLimitInMs = 15 * 60_000
const startLimitInMs = 5 * 60_000

/**
 * What `cf push` does for a folder with a manifest of one app: apply the manifest, upload the files, stage, set the droplet, restart,
 * wait for an instance that runs. Order of calls: cf CLI, command/v7/push_command.go and actor/v7pushaction.
 */
export async function push(
  client: ApiClient,
  spaceGuid: string,
  folder: string,
  progress: PushProgress,
): Promise<PushedApp> {
  const { name, yaml } = await manifestOf(folder)
  await client.callAndWait('POST', `/v3/spaces/${spaceGuid}/actions/apply_manifest`, { yaml })
  const found = await client.call(Page(WithGuid), 'GET', `/v3/apps?names=${name}&space_guids=${spaceGuid}`)
  const guid = found.resources[0]?.guid
  if (guid === undefined) throw new Error(`the manifest was applied, and there is no app ${name}`)
  const log = new AppLog(client, guid)

  const packageGuid = await uploadPackage(client, guid, folder, progress)
  const stagingLog: AppLogLine[] = []
  const dropletGuid = await stage(client, packageGuid, async () => {
    for (const line of await log.newLines()) {
      stagingLog.push(line)
      progress.logged(line)
    }
  })
  const { buildpacks } = await client.call(Droplet, 'GET', `/v3/droplets/${dropletGuid}`)
  progress.step(`staged with ${buildpacks?.map((buildpack) => buildpack.name).join(', ')}`)

  await client.call(z.unknown(), 'PATCH', `/v3/apps/${guid}/relationships/current_droplet`, {
    json: { data: { guid: dropletGuid } },
  })
  await client.call(z.unknown(), 'POST', `/v3/apps/${guid}/actions/restart`)
  await waitForInstance(client, guid)
  const routes = await client.call(Routes, 'GET', `/v3/apps/${guid}/routes`)
  const route = routes.resources[0]?.url
  if (route === undefined) throw new Error(`${name} got no route`)
  progress.step('running')
  return { guid, name, route, log, stagingLog }
}

/** The statistics of the app's web instances. */
export async function webStats(client: ApiClient, appGuid: string): Promise<InstanceStats[]> {
  return (await client.call(Page(InstanceStats), 'GET', `/v3/apps/${appGuid}/processes/web/stats`)).resources
}

async function manifestOf(folder: string): Promise<{ name: string; yaml: string }> {
  const { parse, stringify } = await import('yaml')
  const { applications } = Manifest.parse(parse(await readFile(join(folder, 'manifest.yml'), 'utf8')))
  const [application] = applications
  return { name: application.name, yaml: stringify({ applications: [{ ...application, 'default-route': true }] }) }
}

async function uploadPackage(
  client: ApiClient,
  appGuid: string,
  folder: string,
  progress: PushProgress,
): Promise<string> {
  const { guid } = await client.call(Package, 'POST', '/v3/packages', {
    json: { type: 'bits', relationships: { app: { data: { guid: appGuid } } } },
  })
  const { bits, files } = await zipFolder(folder)
  const form = new FormData()
  form.set('resources', '[]')
  form.set('bits', new Blob([bits]), 'package.zip')
  await client.call(z.unknown(), 'POST', `/v3/packages/${guid}/upload`, { form })
  const { state } = await client.poll(
    Package,
    `/v3/packages/${guid}`,
    (each) => /^(READY|FAILED|EXPIRED)$/.test(each.state),
    60_000,
  )
  if (state !== 'READY') throw new Error(`the package is ${state}`)
  progress.step(`uploaded ${files} files, ${bits.length} bytes`)
  return guid
}

async function stage(client: ApiClient, packageGuid: string, showLog: () => Promise<void>): Promise<string> {
  const { guid } = await client.call(WithGuid, 'POST', '/v3/builds', { json: { package: { guid: packageGuid } } })
  const deadline = performance.now() + stagingLimitInMs
  let build = await client.call(Build, 'GET', `/v3/builds/${guid}`)
  while (build.state !== 'STAGED' && build.state !== 'FAILED') {
    if (performance.now() > deadline) throw new Error(`staging takes longer than ${stagingLimitInMs / 1000} s`)
    await delay(250)
    await showLog()
    build = await client.call(Build, 'GET', `/v3/builds/${guid}`)
  }
  // The last lines reach log-cache over another way than the build's state.
  await delay(250)
  await showLog()
  if (build.state === 'FAILED') throw new Error(`staging failed: ${build.error}`)
  if (!build.droplet) throw new Error('the build is STAGED without a droplet')
  return build.droplet.guid
}

async function waitForInstance(client: ApiClient, appGuid: string): Promise<void> {
  const isSettled = ({ resources }: { resources: InstanceStats[] }) =>
    resources.some(({ state }) => state === 'RUNNING') || resources.every(({ state }) => state === 'CRASHED')
  const { resources } = await client.poll(
    Page(InstanceStats),
    `/v3/apps/${appGuid}/processes/web/stats`,
    isSettled,
    startLimitInMs,
  )
  if (!resources.some(({ state }) => state === 'RUNNING')) throw new Error('every instance crashed')
}
