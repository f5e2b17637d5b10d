import { z } from 'zod'
import { links } from './answer-fields.ts'
import { quoted } from './words.ts'

/**
 * Environment variables in a body: an object whose keys CC's own variables don't collide with. `words` is the attribute in
 * the messages: "Var". Source: cloud_controller_ng app/messages/validators.rb.
 */
export function environmentVariables(words: string) {
  return z
    .record(z.string(), z.unknown(), { error: `${words} must be an object` })
    .superRefine((variables, context) => {
      for (const key of Object.keys(variables)) {
        const fault = variableNameFault(key)
        if (fault) context.addIssue({ code: 'custom', message: `${words} ${fault}` })
      }
    })
}

/** The body `{var: {NAME: text | null}}` of a merge; null removes a variable. */
export const EnvironmentVariablesUpdate = z.strictObject({
  var: environmentVariables('Var')
    .superRefine((variables, context) => {
      for (const [key, value] of Object.entries(variables)) {
        if (variableNameFault(key) || typeof value === 'string' || value === null) continue
        const message = `Non-string value in environment variable for key ${quoted([key])}, value ${quoted([JSON.stringify(value)])}`
        context.addIssue({ code: 'custom', message })
      }
    })
    .transform((variables) => variables as Record<string, string | null>),
})

/** What is wrong with the name of a variable that a client sets, in CC's words, or undefined. */
export function variableNameFault(key: string): string | undefined {
  if (key === '') return 'key must be a minimum length of 1'
  if (/^VCAP_/i.test(key)) return 'cannot start with VCAP_'
  if (/^VMC/i.test(key)) return 'cannot start with VMC_'
  if (/^PORT$/i.test(key)) return 'cannot set PORT'
  return undefined
}

/** What a merge leaves: new values over old ones, without those that are null. */
export function mergedVariables(
  old: Readonly<Record<string, unknown>>,
  changes: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...old, ...changes }).filter(([, value]) => value !== null))
}

/** Environment variables as they are answered. */
export const EnvironmentVariables = z.object({ var: z.record(z.string(), z.unknown()), links })
