import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import type { ApiClient } from './api-client.ts'
import { AppLog, type AppLogLine } from './app-log.ts'
import { waitForRunningInstance } from './instances.ts'
import { applyManifest, type ManifestApplication, readManifest } from './manifest.ts'
import { Page, WithGuid } from './shapes.ts'
import { type AppBits, zipFolder } from './zip.ts'

const Package = z.object({ guid: z.string(), state: z.string() })
export type UploadedPackage = z.infer<typeof Package>
const Build = z.object({
  state: z.string(),
  error: z.string().nullable(),
  droplet: WithGuid.nullable(),
})
export type Build = z.infer<typeof Build>
const Droplet = z.object({ buildpacks: z.array(z.object({ name: z.string() })).nullable() })
const Routes = Page(z.object({ url: z.string() }))

/** What is pushed: the app's part of a manifest, and its files. */
export interface AppSource extends AppBits {
  application: ManifestApplication
}

export interface PushedApp {
  guid: string
  name: string
  /** Host and path of its first route, without a scheme; undefined for an app without one. */
  route: string | undefined
  log: AppLog
  /** What staging said. */
  stagingLog: AppLogLine[]
}

/** What a push tells while it goes on. */
export interface PushProgress {
  step(text: string): void
  logged(line: AppLogLine): void
}

/** How long staging may take, as in `cf`. */
const stagingLimitInMs = 15 * 60_000
/** The last lines reach log-cache over another way than the build's state. */
const logDelayInMs = 250

/** The one app of a folder with a manifest, and over it what the caller says. */
export async function appInFolder(folder: string, changes: Partial<ManifestApplication> = {}): Promise<AppSource> {
  const [application, ...others] = await readManifest(folder)
  if (!application || others.length > 0) throw new Error(`the manifest in ${folder} must have one app`)
  return { application: { ...application, ...changes }, ...(await zipFolder(folder)) }
}

/**
 * What `cf push` does: apply the manifest, upload the files, stage, set the droplet, restart, wait for an instance that runs.
 * Order of calls: cf CLI, command/v7/push_command.go and actor/v7pushaction. Throws StagingFailedError when the build fails.
 */
export async function push(
  client: ApiClient,
  spaceGuid: string,
  source: AppSource,
  progress: PushProgress,
): Promise<PushedApp> {
  const { name } = source.application
  const guid = await applyManifest(client, spaceGuid, source.application)
  const log = new AppLog(client, guid)

  const { guid: packageGuid, state } = await uploadPackage(client, guid, source.bits)
  if (state !== 'READY') throw new Error(`the package is ${state}`)
  progress.step(`uploaded ${source.files} files, ${source.bits.length} bytes`)

  const stagingLog: AppLogLine[] = []
  const build = await stage(client, packageGuid, async () => {
    for (const line of await log.newLines()) {
      stagingLog.push(line)
      progress.logged(line)
    }
  })
  if (build.state === 'FAILED') throw new StagingFailedError(name, build.error ?? 'no reason given', stagingLog)
  if (!build.droplet) throw new Error('the build is STAGED without a droplet')
  const { buildpacks } = await client.call(Droplet, 'GET', `/v3/droplets/${build.droplet.guid}`)
  progress.step(`staged with ${buildpacks?.map((buildpack) => buildpack.name).join(', ')}`)

  await runDroplet(client, guid, build.droplet.guid)
  await waitForRunningInstance(client, guid)
  const routes = await client.call(Routes, 'GET', `/v3/apps/${guid}/routes`)
  progress.step('running')
  return { guid, name, route: routes.resources[0]?.url, log, stagingLog }
}

/** Uploads a zip as a new package of an app and waits until it is processed: READY or FAILED. */
export async function uploadPackage(
  client: ApiClient,
  appGuid: string,
  bits: Buffer<ArrayBuffer>,
): Promise<UploadedPackage> {
  const { guid } = await client.call(Package, 'POST', '/v3/packages', {
    json: { type: 'bits', relationships: { app: { data: { guid: appGuid } } } },
  })
  const form = new FormData()
  form.set('resources', '[]')
  form.set('bits', new Blob([bits]), 'package.zip')
  await client.call(z.unknown(), 'POST', `/v3/packages/${guid}/upload`, { form })
  const isSettled = ({ state }: UploadedPackage) => /^(READY|FAILED|EXPIRED)$/.test(state)
  return await client.poll(Package, `/v3/packages/${guid}`, isSettled, 60_000)
}

/** Stages a package and waits for the end of the build: STAGED or FAILED. `showLog` is called again and again meanwhile. */
export async function stage(client: ApiClient, packageGuid: string, showLog: () => Promise<void>): Promise<Build> {
  const { guid } = await client.call(WithGuid, 'POST', '/v3/builds', { json: { package: { guid: packageGuid } } })
  const deadline = performance.now() + stagingLimitInMs
  let build = await client.call(Build, 'GET', `/v3/builds/${guid}`)
  while (build.state !== 'STAGED' && build.state !== 'FAILED') {
    if (performance.now() > deadline) throw new Error(`staging takes longer than ${stagingLimitInMs / 1000} s`)
    await delay(logDelayInMs)
    await showLog()
    build = await client.call(Build, 'GET', `/v3/builds/${guid}`)
  }
  await delay(logDelayInMs)
  await showLog()
  return build
}

/** Makes a droplet the app's current one and starts the app with it. */
export async function runDroplet(client: ApiClient, appGuid: string, dropletGuid: string): Promise<void> {
  await client.call(z.unknown(), 'PATCH', `/v3/apps/${appGuid}/relationships/current_droplet`, {
    json: { data: { guid: dropletGuid } },
  })
  await client.call(z.unknown(), 'POST', `/v3/apps/${appGuid}/actions/restart`)
}

/** A build that ended without a droplet. */
export class StagingFailedError extends Error {
  override readonly name = 'StagingFailedError'
  /** What staging said. */
  readonly log: readonly AppLogLine[]

  constructor(app: string, reason: string, log: readonly AppLogLine[]) {
    super(`staging of ${app} failed: ${reason}`)
    this.log = log
  }
}
