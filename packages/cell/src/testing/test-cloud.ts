import { execFileSync } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { devNull, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  DeaAdvertisement,
  FindDropletReply,
  type FindDropletRequest,
  type RunningComponent,
  StagingCompletion,
  type StagingRequest,
  StagingSetup,
  type StartMessage,
} from '@vcap/protocol'
import { type Logger, pino } from 'pino'
import type { z } from 'zod'
import { startCell } from '../cell.ts'
import type { CellConfig } from '../config.ts'
import { packFolder } from '../files/tarball.ts'
import { buildpack, type ZipContent, zip } from './archives.ts'
import { BlobServer } from './blob-server.ts'
import { BusRecorder, type Recorded } from './bus-recorder.ts'
import { eventually } from './eventually.ts'

export type CellSettings = Omit<z.input<typeof CellConfig>, 'nats' | 'dataDirectory'>

/** Intervals for tests that wait for things to happen. */
const quick = {
  advertiseInMs: 200,
  heartbeatInMs: 200,
  routerRegisterInMs: 300,
  usageSampleInMs: 100,
  diskSampleInMs: 150,
  containerMetricsInMs: 200,
  startupProbeInMs: 25,
  logFlushInMs: 10,
}

/** Buildpack that takes any app, changes nothing, and starts what the file `start` of the app holds. */
export const plainBuildpack = () =>
  buildpack({
    detect: 'echo plain',
    compile: 'echo "-----> Nothing to do"',
    release: 'echo "default_process_types:"; echo "  web: $(cat "$1/start" 2>/dev/null || echo sleep 1000)"',
  })

type StartBroker = (config: { port: number }, options: { logger: Logger }) => Promise<RunningComponent>

/** A broker, a blob server and a recorder of the bus: all of Cloud Foundry that a cell needs. */
export class TestCloud {
  readonly blobs: BlobServer
  readonly bus: BusRecorder
  readonly directory: string
  readonly natsUrl: string
  readonly #broker: RunningComponent
  readonly #cells: RunningComponent[] = []
  readonly logged: string[] = []

  /** The broker is handed in: components import one another in nothing but tests. */
  static async open(startBroker: StartBroker): Promise<TestCloud> {
    const broker = await startBroker({ port: 0 }, { logger: pino({ level: 'silent' }) })
    const natsUrl = Object.values(broker.addresses)[0] ?? ''
    const directory = await mkdtemp(join(tmpdir(), 'vcap-cell-test-'))
    // Else apps that run as another user could not reach their folders.
    await chmod(directory, 0o711)
    return new TestCloud(broker, natsUrl, directory, await BlobServer.open(), await BusRecorder.open(natsUrl))
  }

  private constructor(
    broker: RunningComponent,
    natsUrl: string,
    directory: string,
    blobs: BlobServer,
    bus: BusRecorder,
  ) {
    this.#broker = broker
    this.natsUrl = natsUrl
    this.directory = directory
    this.blobs = blobs
    this.bus = bus
  }

  /** Starts a cell and waits until it has advertised. */
  async cell(settings: CellSettings = {}): Promise<{ id: string; running: RunningComponent; dataDirectory: string }> {
    const known = new Set(this.#advertisedIds())
    const dataDirectory = join(this.directory, `cell-${this.#cells.length}`)
    const running = await startCell(await this.configuration(dataDirectory, settings), {
      logger: pino({ level: 'debug' }, { write: (line: string) => void this.logged.push(line) }),
    })
    this.#cells.push(running)
    const id = await eventually('an advertisement', () => this.#advertisedIds().find((found) => !known.has(found)))
    return { id, running, dataDirectory }
  }

  async configuration(dataDirectory: string, settings: CellSettings = {}): Promise<z.input<typeof CellConfig>> {
    return {
      nats: { url: this.natsUrl },
      dataDirectory,
      memoryInMb: 4096,
      diskInMb: 8192,
      // An app on a slow machine, or one that stands still, may need its time to do what it does at the end.
      gracefulStopInSeconds: 60,
      // Cells of other tests run at the same time: each begins elsewhere, above the ports that the system gives to connections.
      portRange: { first: randomInt(61_000, 65_000), last: 65_535 },
      ...settings,
      intervals: { ...quick, ...settings.intervals },
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#cells.map((cell) => cell.stop()))
    await this.bus.connection.close()
    await this.#broker.stop()
    await this.blobs.close()
    await rm(this.directory, { recursive: true, force: true })
  }

  /** Stages an app with the plain buildpack unless told otherwise. */
  async stage(cellId: string, files: Readonly<Record<string, ZipContent>>, overrides: Partial<StagingRequest> = {}) {
    const packageZip = await zip({ 'index.html': 'hello', ...files })
    return this.stagePackage(cellId, packageZip, overrides)
  }

  async stagePackage(cellId: string, packageZip: Buffer, overrides: Partial<StagingRequest> = {}) {
    const request = await this.stagingRequest(packageZip, overrides)
    const replies = this.send(cellId, request)
    const setup = await replies.setup()
    const completion = await replies.completion()
    const end = this.bus.messages.findIndex(
      ({ subject, content }) => subject === replies.subject && (content as { phase?: string }).phase === 'complete',
    )
    return {
      request,
      setup,
      completion,
      /** What came before the completion. */
      log: () => this.stagingLog(request.app_id, this.bus.messages.slice(0, end)),
      droplet: this.blobs.uploads.get(`/droplets/${request.task_id}`),
    }
  }

  async stagingRequest(packageZip: Buffer, overrides: Partial<StagingRequest> = {}): Promise<StagingRequest> {
    const guid = randomUUID()
    const admin = overrides.admin_buildpacks ?? [await this.adminBuildpack('plain_buildpack', await plainBuildpack())]
    return {
      app_id: randomUUID(),
      task_id: guid,
      app_name: 'shop',
      stack: 'cflinuxfs4',
      download_uri: this.blobs.put(`/packages/${guid}`, packageZip),
      upload_uri: this.blobs.url(`/droplets/${guid}`),
      buildpack_cache_download_uri: null,
      buildpack_cache_upload_uri: this.blobs.url(`/caches/${guid}`),
      egress_network_rules: [],
      ...overrides,
      admin_buildpacks: admin,
      properties: {
        services: [],
        resources: { memory: 1024, disk: 1024, fds: 16384 },
        environment: [],
        meta: {},
        buildpacks: [],
        vcap_application: {},
        ...overrides.properties,
      },
    }
  }

  /** Publishes the request; the replies come when they come. */
  send(cellId: string, request: StagingRequest) {
    const reply = `cc.staging.${request.task_id}`
    this.bus.publish(`staging.${cellId}.start`, request, reply)
    return {
      subject: reply,
      setup: () =>
        this.bus.message(
          reply,
          (content) => StagingSetup.safeParse(content).data,
          (found) => found?.phase === 'setup',
        ),
      completion: async () =>
        StagingCompletion.parse(
          await this.bus.message(
            reply,
            (content) => content as { phase?: string },
            (content) => content.phase === 'complete',
          ),
        ),
      all: () => this.bus.on(reply),
    }
  }

  stagingLog(appId: string, messages?: readonly Recorded[]): string[] {
    return this.bus
      .log(appId, messages)
      .filter(({ source }) => source === 'STG')
      .map(({ line }) => line)
  }

  async adminBuildpack(name: string, content: Buffer) {
    const key = randomUUID()
    return { name, key, url: this.blobs.put(`/buildpacks/${key}`, content) }
  }

  /** A start message for an app whose droplet holds these files below `app`. */
  async startMessage(
    files: Readonly<Record<string, string>>,
    overrides: Omit<Partial<StartMessage>, 'limits'> & { limits?: Partial<StartMessage['limits']> } = {},
  ): Promise<StartMessage> {
    const { sha1, url } = await this.droplet(
      Object.fromEntries(Object.entries(files).map(([name, text]) => [`app/${name}`, text])),
    )
    const droplet = randomUUID()
    return {
      droplet,
      app_guid: droplet,
      process_type: 'web',
      name: 'shop',
      stack: 'cflinuxfs4',
      uris: ['shop.apps.test'],
      sha1,
      executableUri: url,
      version: randomUUID(),
      index: 0,
      services: [],
      env: [],
      cc_partition: 'default',
      start_command: null,
      health_check: { type: 'process' },
      sidecars: [],
      vcap_application: {},
      egress_network_rules: [],
      ...overrides,
      limits: { mem: 256, disk: 256, fds: 1024, ...overrides.limits },
    }
  }

  /** Makes a droplet of these files and hands it out. No two are the same, also when their files are. */
  async droplet(files: Readonly<Record<string, string>>): Promise<{ sha1: string; url: string; path: string }> {
    const folder = await mkdtemp(join(this.directory, 'droplet-'))
    await mkdir(join(folder, 'app'))
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), text)
    }
    // An archive tells times in seconds: without a mark, equal droplets of one second would share their SHA-1 and their path.
    await writeFile(join(folder, 'mark'), randomUUID())
    const { sha1 } = await packFolder(folder, `${folder}.tgz`)
    const path = `/droplets/${sha1}/download`
    return { sha1, path, url: this.blobs.put(path, await readFile(`${folder}.tgz`)) }
  }

  /** A git repository with one commit on `main`, served over HTTP as plain files. Files of bin are executable. */
  async gitRepository(files: Readonly<Record<string, string>>): Promise<string> {
    const folder = await mkdtemp(join(this.directory, 'git-'))
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      const script = name.startsWith('bin/')
      await writeFile(join(folder, name), script ? `#!/usr/bin/env bash\n${text}\n` : text, {
        mode: script ? 0o755 : 0o644,
      })
    }
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@test', ...args], {
        cwd: folder,
        stdio: 'pipe',
        // Whoever runs the tests may sign every commit.
        env: { ...process.env, GIT_CONFIG_GLOBAL: devNull, GIT_CONFIG_NOSYSTEM: '1' },
      })
    git('init', '-q', '-b', 'main')
    git('add', '.')
    git('commit', '-q', '-m', 'one')
    git('update-server-info')
    const path = `/public/${randomUUID()}.git`
    for (const name of await readdir(join(folder, '.git'), { recursive: true })) {
      const file = join(folder, '.git', name)
      if ((await stat(file)).isFile()) this.blobs.downloads.set(`${path}/${name}`, await readFile(file))
    }
    return this.blobs.url(path)
  }

  start(cellId: string, message: StartMessage): void {
    this.bus.publish(`dea.${cellId}.start`, message)
  }

  /** Starts one instance and waits until it runs. */
  async run(cellId: string, message: StartMessage) {
    this.start(cellId, message)
    const [instance] = await this.bus.states(message.droplet, 'RUNNING')
    if (!instance) throw new Error('no instance')
    return instance
  }

  /** Asks with `dea.find.droplet`, and waits for so many replies. */
  async find(request: FindDropletRequest, count: number): Promise<FindDropletReply[]> {
    const reply = `test.find.${randomUUID()}`
    this.bus.publish('dea.find.droplet', request, reply)
    return eventually(`${count} replies`, () => {
      const replies = this.bus.on(reply).map((content) => FindDropletReply.parse(content))
      return replies.length >= count ? replies : undefined
    })
  }

  advertisement(cellId: string): DeaAdvertisement | undefined {
    return this.bus
      .on('dea.advertise')
      .map((content) => DeaAdvertisement.parse(content))
      .findLast(({ id }) => id === cellId)
  }

  #advertisedIds(): string[] {
    return this.bus.on('dea.advertise').map((content) => DeaAdvertisement.parse(content).id)
  }
}
