import { z } from 'zod'
import { type LifecycleMessage, lifecycleTypes } from '../../actions/app-lifecycle.ts'
import { quoted } from './words.ts'

const maximumLength = 4096

const bounded = { type: 'string', minLength: 1, maxLength: maximumLength } as const

/** The shape of what is checked by hand below, for the OpenAPI document. */
const lifecycleSchema = {
  id: 'LifecycleUpdate',
  type: 'object',
  properties: {
    type: { enum: [...lifecycleTypes, null] },
    data: {
      type: 'object',
      properties: {
        buildpacks: { type: ['array', 'null'], items: bounded },
        stack: { ...bounded, type: ['string', 'null'] },
        credentials: { type: ['object', 'null'], additionalProperties: { type: 'object' } },
      },
      additionalProperties: false,
    },
  },
  required: ['data'],
} as const

/**
 * `lifecycle` of a body: `{type, data: {buildpacks, stack, credentials}}`, with CC's words for each fault
 * (cloud_controller_ng app/messages/validators.rb LifecycleValidator, buildpack_lifecycle_data_message.rb).
 */
export const lifecycleField = z
  .unknown()
  .transform((value, context): LifecycleMessage => {
    const fault = (message: string): void => context.addIssue({ code: 'custom', message })
    const { type, data } = isObject(value) ? value : { type: undefined, data: undefined }
    if (type !== undefined && type !== null && typeof type !== 'string') fault('Lifecycle type must be a string')
    else if (type && !lifecycleTypes.some((known) => known === type))
      fault(`Lifecycle type is not included in the list: ${lifecycleTypes.join(', ')}`)
    if (!isObject(data)) {
      fault('Lifecycle data must be an object')
      return z.NEVER
    }
    for (const message of type === 'docker' ? unknownKeys(data, []) : dataFaults(data)) fault(`Lifecycle ${message}`)
    return { ...(typeof type === 'string' && { type: type as 'buildpack' }), data: data as LifecycleMessage['data'] }
  })
  .meta(lifecycleSchema)

function dataFaults(data: Record<string, unknown>): string[] {
  return [
    ...unknownKeys(data, ['buildpacks', 'stack', 'credentials']),
    ...stackFaults(data.stack),
    ...buildpackFaults(data.buildpacks),
    ...credentialFaults(data.credentials),
  ]
}

function unknownKeys(data: Record<string, unknown>, known: readonly string[]): string[] {
  const unknown = Object.keys(data).filter((key) => !known.includes(key))
  return unknown.length > 0 ? [`Unknown field(s): ${quoted(unknown)}`] : []
}

function stackFaults(stack: unknown): string[] {
  if (stack === undefined || stack === null) return []
  if (typeof stack !== 'string') return ['Stack must be a string']
  return hasFittingLength(stack) ? [] : ['Stack must be between 1 and 4096 characters']
}

function buildpackFaults(buildpacks: unknown): string[] {
  if (buildpacks === undefined || buildpacks === null) return []
  if (!Array.isArray(buildpacks)) return ['Buildpacks must be an array']
  const texts = buildpacks.filter((buildpack) => typeof buildpack === 'string')
  return [
    ...(texts.length < buildpacks.length ? ['Buildpacks can only contain strings'] : []),
    ...(texts.every((text) => text.trim() !== '' && hasFittingLength(text))
      ? []
      : ['Buildpacks entries must be between 1 and 4096 characters']),
  ]
}

function credentialFaults(credentials: unknown): string[] {
  if (credentials === undefined || credentials === null) return []
  if (!isObject(credentials)) return ['Credentials must be an object']
  return Object.values(credentials).every(isObject) ? [] : ['Credentials credentials value must be a hash']
}

const hasFittingLength = (text: string): boolean =>
  text.length >= 1 && text.length <= maximumLength && !text.includes('\0')

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
