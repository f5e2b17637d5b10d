import type { Settings } from '../config.ts'
import { seal, unseal } from '../crypto/sealed-text.ts'
import type { Db } from '../db/schema.ts'

/** Environment variables as they are kept: a sealed JSON object. */
export function openVariables(settings: Settings, sealed: string): Record<string, unknown> {
  return JSON.parse(unseal(sealed, settings.encryptionKeys))
}

export function sealVariables(settings: Settings, variables: Readonly<Record<string, unknown>>): string {
  return seal(JSON.stringify(variables), settings.encryptionKeys)
}

/** The platform's own variables for running apps or for staging; none before an operator has set some. */
export async function environmentVariableGroup(
  db: Db,
  settings: Settings,
  name: 'running' | 'staging',
): Promise<Record<string, unknown>> {
  const row = await db
    .selectFrom('environment_variable_groups')
    .select('sealed_variables')
    .where('name', '=', name)
    .executeTakeFirst()
  return row ? openVariables(settings, row.sealed_variables) : {}
}

/** `K=V` for each variable. Values that are no text are sent as JSON, null as nothing (NormalEnvHashToDiegoEnvArrayPhilosopher). */
export function assignments(variables: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(variables).map(([name, value]) => {
    if (value === null || value === undefined) return `${name}=`
    return `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`
  })
}
