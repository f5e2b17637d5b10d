import {
  type ApiClient,
  type Build,
  type InstanceStats,
  instanceStats,
  type Page,
  recentLog,
  runDroplet,
  stage,
  type UploadedPackage,
  uploadPackage,
  waitForInstances,
} from '@vcap/cli'
import { z } from 'zod'
import type { CloudFoundry } from './cloud-foundry.ts'
import { eventually } from './eventually.ts'

const Packages = z.object({ resources: z.array(z.object({ guid: z.string(), state: z.string() })) })
const Routes = z.object({ resources: z.array(z.object({ guid: z.string(), url: z.string() })) })
const AuditEvents = z.object({
  resources: z.array(z.object({ type: z.string(), created_at: z.string(), data: z.record(z.string(), z.unknown()) })),
})
export type AuditEvent = z.infer<typeof AuditEvents>['resources'][number]

/** How long what a test waits for may take. Much longer than it takes: the machine may be busy. */
const limitInMs = 180_000

/** An app of a test: the `cf` commands on it. */
export class App {
  readonly guid: string
  readonly name: string
  readonly client: ApiClient
  readonly #cloud: CloudFoundry

  constructor(cloud: CloudFoundry, client: ApiClient, guid: string, name: string) {
    this.#cloud = cloud
    this.client = client
    this.guid = guid
    this.name = name
  }

  /** The host of its default route. */
  get host(): string {
    return `${this.name}.${this.#cloud.appsDomain}`
  }

  upload(bits: Buffer<ArrayBuffer>): Promise<UploadedPackage> {
    return uploadPackage(this.client, this.guid, bits)
  }

  /** Stages the newest package; the build has ended then, well or not. */
  async stage(): Promise<Build> {
    const { resources } = await this.client.call(
      Packages,
      'GET',
      `/v3/packages?app_guids=${this.guid}&order_by=-created_at&per_page=1`,
    )
    const [newest] = resources
    if (newest?.state !== 'READY') throw new Error(`${this.name} has no package to stage, only ${newest?.state}`)
    return await stage(this.client, newest.guid, async () => {})
  }

  /** Stages the newest package and runs what comes out of it: the rest of a push, and a restage. */
  async stageAndRun(): Promise<void> {
    const build = await this.stage()
    if (build.state !== 'STAGED' || !build.droplet)
      throw new Error(`${this.name} is not staged: ${build.error}\n${(await this.lines()).join('\n')}`)
    await runDroplet(this.client, this.guid, build.droplet.guid)
  }

  stats(type = 'web'): Promise<InstanceStats[]> {
    return instanceStats(this.client, this.guid, type)
  }

  hasInstances(isSo: (instances: InstanceStats[]) => boolean, type = 'web'): Promise<InstanceStats[]> {
    return waitForInstances(this.client, this.guid, isSo, { type, limitInMs })
  }

  /** Waits until every instance that a process should have is running. */
  runs(type = 'web'): Promise<InstanceStats[]> {
    return this.hasInstances((instances) => instances.every(({ state }) => state === 'RUNNING'), type)
  }

  async scale(values: { instances?: number; memory_in_mb?: number }, type = 'web'): Promise<void> {
    await this.client.call(z.unknown(), 'POST', `/v3/apps/${this.guid}/processes/${type}/actions/scale`, {
      json: values,
    })
  }

  async act(action: 'start' | 'stop' | 'restart'): Promise<void> {
    await this.client.call(z.unknown(), 'POST', `/v3/apps/${this.guid}/actions/${action}`)
  }

  /** `null` removes a variable. */
  async setEnvironment(variables: Record<string, string | null>): Promise<void> {
    await this.client.call(z.unknown(), 'PATCH', `/v3/apps/${this.guid}/environment_variables`, {
      json: { var: variables },
    })
  }

  async routes(): Promise<z.infer<typeof Routes>['resources']> {
    return (await this.client.call(Routes, 'GET', `/v3/apps/${this.guid}/routes`)).resources
  }

  /** The newest first. */
  async events(type: string): Promise<AuditEvent[]> {
    const path = `/v3/audit_events?target_guids=${this.guid}&types=${type}&order_by=-created_at`
    return (await this.client.call(AuditEvents, 'GET', path)).resources
  }

  /** `cf delete -r`: the app, and then its routes. */
  async delete(): Promise<void> {
    const routes = await this.routes()
    await this.client.callAndWait('DELETE', `/v3/apps/${this.guid}`, {})
    for (const { guid } of routes) await this.client.callAndWait('DELETE', `/v3/routes/${guid}`, {})
  }

  /** A page of it through the router. */
  page(path = '/', { host = this.host, headers = {} }: { host?: string; headers?: Record<string, string> } = {}) {
    return this.#cloud.page(host, path, headers)
  }

  /** Waits until a page is there: a route reaches the router a moment after the instance runs. */
  answers(path = '/', host = this.host): Promise<Page> {
    return eventually(
      `http://${host}${path}`,
      async () => {
        const page = await this.page(path, { host })
        if (page.status !== 200) throw new Error(`it answers ${page.status}: ${page.body.slice(0, 200)}`)
        return page
      },
      limitInMs,
    )
  }

  /** Waits until a host answers with a status other than 200, as when a route or an app is gone. */
  hasStatus(status: number, host = this.host): Promise<Page> {
    return eventually(
      `${status} at http://${host}/`,
      async () => {
        const page = await this.page('/', { host })
        if (page.status !== status) throw new Error(`it answers ${page.status}: ${page.body.slice(0, 200)}`)
        return page
      },
      limitInMs,
    )
  }

  /**
   * The newest thousand log lines, each led by its source: `[APP/PROC/WEB/0] text`. Read anew each time: whoever follows a log misses
   * what comes later than seconds after younger lines, as from a component that stood still.
   */
  async lines(): Promise<string[]> {
    const lines = await recentLog(this.client, this.guid)
    return lines.map(({ source, text }) => `[${source}] ${text}`)
  }

  /** Waits for a log line, and returns it. */
  logged(pattern: RegExp): Promise<string> {
    return eventually(
      `a log line of ${this.name} that matches ${pattern}`,
      async () => {
        const lines = await this.lines()
        const line = lines.find((each) => pattern.test(each))
        if (line === undefined) throw new Error(`it has logged:\n${lines.join('\n')}`)
        return line
      },
      limitInMs,
    )
  }
}
