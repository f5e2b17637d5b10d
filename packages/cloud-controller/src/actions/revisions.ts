import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Db, Row, Trx } from '../db/schema.ts'
import { openVariables } from '../dea/sealed-variables.ts'
import { deleteMetadata } from '../v3/kit/metadata.ts'
import { now } from '../v3/kit/timestamps.ts'
import { type Acting, recordAppEvent } from './app-events.ts'

const maximumVersion = 9999
const keptPerApp = 100

/** What of an app a revision keeps, comparable with what another keeps. */
interface Snapshot {
  readonly dropletGuid: string | null
  readonly variables: Readonly<Record<string, unknown>>
  /** Custom start commands by process type; null is the droplet's own. */
  readonly commands: Readonly<Record<string, string | null>>
  readonly sidecars: readonly RevisionSidecar[]
}

export interface RevisionSidecar {
  readonly name: string
  readonly command: string
  readonly process_types: readonly string[]
  readonly memory_in_mb: number | null
}

/** The app's newest revision; none while the feature is off. */
export async function latestRevision(
  db: Db | Trx,
  app: Pick<Row<'apps'>, 'guid' | 'revisions_enabled'>,
): Promise<Row<'revisions'> | undefined> {
  if (app.revisions_enabled === 0) return undefined
  return db
    .selectFrom('revisions')
    .selectAll()
    .where('app_guid', '=', app.guid)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
}

/**
 * Makes a revision of what the app is now, unless the newest one is the same. Nothing happens while the feature is off or
 * there is no droplet. Answers whether there is a new one. Source: cloud_controller_ng app/actions/revision_resolver.rb, revision_create.rb.
 */
export async function noteRevision(trx: Trx, acting: Acting, app: Row<'apps'>): Promise<boolean> {
  if (app.revisions_enabled === 0 || app.droplet_guid === null) return false
  const latest = await latestRevision(trx, app)
  const current = await snapshotOf(trx, acting, app)
  if (!latest) {
    await createRevision(trx, acting, app, current, { version: 1, description: 'Initial revision.' })
    return true
  }
  const reasons = differences(snapshotOfRevision(acting, latest), current)
  if (reasons.length === 0) return false
  const version = latest.version >= maximumVersion ? 1 : latest.version + 1
  await createRevision(trx, acting, app, current, { version, description: reasons.sort().join(' ') })
  return true
}

async function createRevision(
  trx: Trx,
  acting: Acting,
  app: Row<'apps'>,
  { commands, sidecars }: Snapshot,
  { version, description }: { version: number; description: string },
): Promise<void> {
  const guid = randomUUID()
  const time = now()
  await deleteRevisions(trx, await surplusRevisions(trx, app.guid, version))
  await trx
    .insertInto('revisions')
    .values({
      guid,
      created_at: time,
      updated_at: time,
      app_guid: app.guid,
      version,
      description,
      droplet_guid: app.droplet_guid,
      sealed_environment_variables: app.sealed_environment_variables,
      processes: JSON.stringify(
        Object.fromEntries(Object.entries(commands).map(([type, command]) => [type, { command }])),
      ),
      sidecars: JSON.stringify(sidecars),
    })
    .execute()
  await recordAppEvent(trx, acting, 'revision.create', app, { revision_guid: guid, revision_version: version })
}

/** Revisions that make way for a new one: those beyond the newest, and one of the same number after a wrap. */
async function surplusRevisions(trx: Trx, appGuid: string, version: number): Promise<string[]> {
  const revisions = await trx
    .selectFrom('revisions')
    .select(['guid', 'version'])
    .where('app_guid', '=', appGuid)
    .orderBy('id', 'desc')
    .execute()
  return revisions
    .filter((revision, position) => position >= keptPerApp - 1 || revision.version === version)
    .map((revision) => revision.guid)
}

export async function deleteRevisions(trx: Trx, guids: readonly string[]): Promise<void> {
  if (guids.length === 0) return
  await deleteMetadata(trx, 'revision', guids)
  await trx.deleteFrom('revisions').where('guid', 'in', guids).execute()
}

async function snapshotOf(trx: Trx, { settings }: Acting, app: Row<'apps'>): Promise<Snapshot> {
  const processes = await trx
    .selectFrom('processes')
    .select(['type', 'command'])
    .where('app_guid', '=', app.guid)
    .orderBy('id')
    .execute()
  const sidecars = await trx.selectFrom('sidecars').selectAll().where('app_guid', '=', app.guid).execute()
  return {
    dropletGuid: app.droplet_guid,
    variables: openVariables(settings, app.sealed_environment_variables),
    // Of several web processes (during a deployment) the newest counts.
    commands: Object.fromEntries(processes.map(({ type, command }) => [type, command])),
    sidecars: comparable(
      sidecars.map(({ name, command, process_types, memory_in_mb }) => ({
        name,
        command,
        process_types: JSON.parse(process_types),
        memory_in_mb,
      })),
    ),
  }
}

function snapshotOfRevision({ settings }: Acting, revision: Row<'revisions'>): Snapshot {
  const processes: Record<string, { command: string | null }> = JSON.parse(revision.processes)
  return {
    dropletGuid: revision.droplet_guid,
    variables: openVariables(settings, revision.sealed_environment_variables),
    commands: Object.fromEntries(Object.entries(processes).map(([type, { command }]) => [type, command])),
    sidecars: comparable(JSON.parse(revision.sidecars)),
  }
}

const comparable = (sidecars: readonly RevisionSidecar[]): RevisionSidecar[] =>
  sidecars
    .map((sidecar) => ({ ...sidecar, process_types: sidecar.process_types.toSorted() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))

function differences(before: Snapshot, after: Snapshot): string[] {
  const reasons: string[] = []
  if (before.dropletGuid !== after.dropletGuid) reasons.push('New droplet deployed.')
  if (!isDeepStrictEqual(before.variables, after.variables)) reasons.push('New environment variables deployed.')
  reasons.push(...commandDifferences(before.commands, after.commands))
  if (!isDeepStrictEqual(before.sidecars, after.sidecars)) reasons.push('Sidecars updated.')
  return reasons
}

function commandDifferences(before: Snapshot['commands'], after: Snapshot['commands']): string[] {
  const types = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...types].flatMap((type) => {
    const [old, current] = [before[type], after[type]]
    if (old === undefined) return [`New process type '${type}' added.`]
    if (current === undefined) return [`Process type '${type}' removed.`]
    if (old === current) return []
    if (old === null) return [`Custom start command added for '${type}' process.`]
    if (current === null) return [`Custom start command removed for '${type}' process.`]
    return [`Custom start command updated for '${type}' process.`]
  })
}
