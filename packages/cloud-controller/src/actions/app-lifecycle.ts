import type { Settings } from '../config.ts'
import type { Db, Row } from '../db/schema.ts'
import { apiError, unprocessable } from '../errors/api-error.ts'
import { requireFeatureOfEveryone } from './feature-flags.ts'

export type LifecycleType = Row<'apps'>['lifecycle_type']
export const lifecycleTypes = ['buildpack', 'docker', 'cnb'] as const satisfies readonly LifecycleType[]

/** `lifecycle` of a body. What is absent stays, or has its default. */
export interface LifecycleMessage {
  readonly type?: LifecycleType | undefined
  readonly data: {
    readonly buildpacks?: readonly string[] | null | undefined
    readonly stack?: string | null | undefined
  }
}

/** A lifecycle that was checked against stacks and buildpacks. */
export interface Lifecycle {
  readonly type: LifecycleType
  readonly buildpacks: readonly string[]
  readonly stack: string | null
  readonly warnings: readonly string[]
}

/**
 * What a new app's lifecycle becomes: buildpack with the default stack unless told. Throws 422 for unknown stacks and
 * buildpacks and for stacks that take no new apps, 403/330002 while Docker or CNB apps are switched off.
 * Source: cloud_controller_ng lib/cloud_controller/diego/lifecycles/, app/actions/app_create.rb.
 */
export async function lifecycleForNewApp(
  db: Db,
  settings: Settings,
  message: LifecycleMessage | undefined,
): Promise<Lifecycle> {
  const type = message?.type ?? 'buildpack'
  if (type === 'docker') {
    await requireFeatureOfEveryone(db, 'diego_docker')
    return { type, buildpacks: [], stack: null, warnings: [] }
  }
  if (type === 'cnb') await requireFeatureOfEveryone(db, 'diego_cnb')
  const lifecycle = {
    type,
    buildpacks: message?.data.buildpacks ?? [],
    stack: message?.data.stack ?? settings.apps.stack,
  }
  const stack = await checkedStack(db, lifecycle)
  return { ...lifecycle, warnings: stackWarnings(stack, 'new app') }
}

/** What an app's lifecycle becomes. Its type can't change. Throws 422 as `lifecycleForNewApp` does. */
export async function lifecycleForUpdate(
  db: Db,
  settings: Settings,
  app: Row<'apps'>,
  message: LifecycleMessage,
): Promise<Lifecycle> {
  const type = message.type ?? app.lifecycle_type
  const { buildpacks, stack } = message.data
  if (type !== 'docker')
    await checkedStack(db, { type, buildpacks: buildpacks ?? [], stack: stack ?? settings.apps.stack })
  if (type !== app.lifecycle_type)
    throw unprocessable(`Lifecycle type cannot be changed from ${app.lifecycle_type} to ${type}`)
  const named = stack ? await findStack(db, stack) : undefined
  const known: string[] = JSON.parse(app.lifecycle_buildpacks)
  return {
    type,
    buildpacks: buildpacks === undefined ? known : (buildpacks ?? []),
    stack: stack === undefined ? app.lifecycle_stack : stack,
    warnings: named ? stackWarnings(named, (await wasBuilt(db, app.guid)) ? 'restaging' : 'new app') : [],
  }
}

/**
 * What a build stages with: what the request says, else what the app says. Throws as `lifecycleForNewApp` does, but 422/250004 for
 * a stack that may not be used any more.
 */
export async function lifecycleForBuild(
  db: Db,
  settings: Settings,
  app: Row<'apps'>,
  message: LifecycleMessage | undefined,
): Promise<Lifecycle> {
  const type = message?.type ?? app.lifecycle_type
  if (type === 'docker') return { type, buildpacks: [], stack: null, warnings: [] }
  if (type === 'cnb') await requireFeatureOfEveryone(db, 'diego_cnb')
  const lifecycle = {
    type,
    buildpacks: message?.data.buildpacks ?? (JSON.parse(app.lifecycle_buildpacks) as string[]),
    stack: message?.data.stack ?? app.lifecycle_stack ?? settings.apps.stack,
  }
  const stack = await checkedStack(db, lifecycle)
  const purpose = (await wasBuilt(db, app.guid)) ? 'restaging' : 'new app'
  return { ...lifecycle, warnings: stackWarnings(stack, purpose, (fault) => apiError('StackValidationFailed', fault)) }
}

async function wasBuilt(db: Db, appGuid: string): Promise<boolean> {
  const build = await db.selectFrom('builds').select('id').where('app_guid', '=', appGuid).limit(1).executeTakeFirst()
  return build !== undefined
}

async function checkedStack(
  db: Db,
  { type, buildpacks, stack: name }: { type: LifecycleType; buildpacks: readonly string[]; stack: string },
): Promise<Row<'stacks'>> {
  const stack = await findStack(db, name)
  const faults = type === 'cnb' ? cnbFaults(buildpacks) : await buildpackFaults(db, buildpacks, stack)
  if (!stack) faults.push('Stack must be an existing stack')
  if (!stack || faults.length > 0) throw unprocessable(faults.join(', '))
  return stack
}

const cnbFaults = (buildpacks: readonly string[]): string[] =>
  buildpacks.length > 0 ? [] : ['Buildpack(s) must be specified when using Cloud Native Buildpacks']

async function buildpackFaults(db: Db, names: readonly string[], stack: Row<'stacks'> | undefined): Promise<string[]> {
  const asked = names.filter((name) => !isBuildpackUrl(name))
  if (asked.length === 0) return []
  const known = await db
    .selectFrom('buildpacks')
    .select(['name', 'sha256'])
    .where('name', 'in', asked)
    .where('lifecycle', '=', 'buildpack')
    .where((eb) => eb.or([eb('stack', 'is', null), eb('stack', '=', stack?.name ?? '')]))
    .execute()
  const forStack = stack ? ` for stack "${stack.name}"` : ''
  return asked.flatMap((name) => {
    const found = known.filter((buildpack) => buildpack.name === name)
    if (found.length === 0)
      return [`Buildpack "${name}"${forStack} must be an existing admin buildpack or a valid git URI`]
    return found.some(({ sha256 }) => sha256 !== null) ? [] : [`"${name}" must be in ready state`]
  })
}

/** Whether a buildpack is named by where it is, not by its name (cloud_controller_ng lib/utils/uri_utils.rb). */
export function isBuildpackUrl(buildpack: string): boolean {
  if (isGitAddress(buildpack)) return true
  return /^[a-z][a-z0-9+.-]*:\S+$/i.test(buildpack) && URL.canParse(buildpack)
}

/** `git@host:path.git`, also behind `ssh://`. By hand: as an expression it takes time in the square of the length. */
function isGitAddress(text: string): boolean {
  const [start] = /^(ssh:\/\/)?git@/.exec(text) ?? []
  const end = '.git'
  if (start === undefined || !text.endsWith(end) || /[\n\r\u2028\u2029]/.test(text)) return false
  const colon = text.indexOf(':', start.length + 1)
  return colon > 0 && text.length - end.length > colon + 1
}

async function findStack(db: Db, name: string): Promise<Row<'stacks'> | undefined> {
  return db.selectFrom('stacks').selectAll().where('name', '=', name).executeTakeFirst()
}

/**
 * Warnings about a stack that is on its way out. Throws 422 for one that may not be used any more; apps that were built on a
 * RESTRICTED stack may stay. Source: cloud_controller_ng lib/cloud_controller/stack_state_validator.rb.
 */
export function stackWarnings(
  { name, state, state_reason }: Row<'stacks'>,
  purpose: 'new app' | 'restaging',
  refused: (fault: string) => Error = unprocessable,
): readonly string[] {
  const reason = state_reason ? ` ${state_reason}` : ''
  if (state === 'ACTIVE') return []
  if (state === 'DISABLED' || (state === 'RESTRICTED' && purpose === 'new app'))
    throw refused(`ERROR: Staging failed. The stack '${name}' is '${state}' and cannot be used for staging.${reason}`)
  return [`WARNING: The stack '${name}' is '${state}' and will be removed in the future.${reason}`]
}
