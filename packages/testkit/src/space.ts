import {
  type ApiClient,
  type AppSource,
  appInFolder,
  applyManifest,
  type FileTree,
  type ManifestApplication,
  zipFiles,
} from '@vcap/cli'
import { App } from './app.ts'
import type { CloudFoundry } from './cloud-foundry.ts'

/** A space for a test's apps, as one user sees it. */
export class Space {
  readonly guid: string
  readonly organizationGuid: string
  readonly client: ApiClient
  readonly #cloud: CloudFoundry

  constructor(cloud: CloudFoundry, client: ApiClient, guid: string, organizationGuid: string) {
    this.#cloud = cloud
    this.client = client
    this.guid = guid
    this.organizationGuid = organizationGuid
  }

  /** The same space through another user's session. */
  as(client: ApiClient): Space {
    return new Space(this.#cloud, client, this.guid, this.organizationGuid)
  }

  /** An app as its manifest says, without a package. */
  async createApp(application: ManifestApplication): Promise<App> {
    const guid = await applyManifest(this.client, this.guid, application)
    return new App(this.#cloud, this.client, guid, application.name)
  }

  /** Creates, uploads, stages and starts an app, and waits until all its web instances run. Throws when one of that fails. */
  async push(application: ManifestApplication, files: FileTree): Promise<App> {
    return await this.#push({ application, ...(await zipFiles(files)) })
  }

  /** `push` of a folder with a manifest of one app, under another name. */
  async pushFolder(folder: string, changes: Partial<ManifestApplication> & { name: string }): Promise<App> {
    return await this.#push(await appInFolder(folder, changes))
  }

  async #push({ application, bits }: AppSource): Promise<App> {
    const app = await this.createApp(application)
    await app.upload(bits)
    await app.stageAndRun()
    await app.runs()
    return app
  }
}
