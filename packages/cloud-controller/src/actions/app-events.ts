import type { Settings } from '../config.ts'
import type { Db, Trx } from '../db/schema.ts'
import { type Actor, hidden, recordAuditEvent } from './audit-events.ts'

/** Who does it and with which settings; what the actions on apps have in common. */
export interface Acting {
  readonly actor: Actor
  readonly settings: Settings
  /** Done by applying a manifest: the event says so. */
  readonly manifestTriggered?: boolean
}

interface AppReference {
  readonly guid: string
  readonly name: string
  readonly space_guid: string
}

/** Writes an event whose target is the app: `verb` is what follows `audit.app.` (semantics, section 39). */
export async function recordAppEvent(
  trx: Trx | Db,
  { actor, manifestTriggered }: Pick<Acting, 'actor' | 'manifestTriggered'>,
  verb: string,
  app: AppReference,
  data: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await recordAuditEvent(trx, actor, {
    type: `audit.app.${verb}`,
    target: { guid: app.guid, type: 'app', name: app.name },
    data: { ...(manifestTriggered && { manifest_triggered: true }), ...data },
    spaceGuid: app.space_guid,
  })
}

const secretFields = ['command', 'environment_variables', 'docker_credentials']

/** A request's body as an event may keep it: secrets hidden, credentials in the URLs of buildpacks too. */
export function censoredRequest(request: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(request).flatMap(([key, value]) => {
      if (value === undefined) return []
      if (secretFields.includes(key)) return [[key, hidden]]
      return [[key, key === 'lifecycle' ? censoredLifecycle(value) : value]]
    }),
  )
}

function censoredLifecycle(lifecycle: unknown): unknown {
  return JSON.parse(JSON.stringify(lifecycle), (key, value) => {
    if (key === 'credentials') return hidden
    return typeof value === 'string' ? obfuscatedUrl(value) : value
  })
}

/** A URL without its user and password; other text as it is (cloud_controller_ng lib/cloud_controller/url_secret_obfuscator.rb). */
export function obfuscatedUrl(text: string): string {
  if (!text.includes('@') || !URL.canParse(text)) return text
  const url = new URL(text)
  if (url.username === '' && url.password === '') return text
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^@/]*@/i, '$1***:***@')
}
