import { z } from 'zod'
import { integer, referenceSchema, relationships, toOne } from '../kit/fields.ts'
import { metadataField } from '../kit/metadata.ts'
import { printed } from '../kit/words.ts'
import { routeOptionsField } from './options-field.ts'

const host = faulty('Host', 63, (text) => [
  ...(/^([\w-]+|\*)?$/.test(text) ? [] : ['must be either "*" or contain only alphanumeric characters, "_", or "-"']),
])

const path = faulty('Path', 128, (text) => [
  ...(text === '' || text.startsWith('/') ? [] : ['must begin with /']),
  ...(text.includes('?') ? ['cannot contain ?'] : []),
  ...(text === '/' ? ['cannot be exactly /'] : []),
])

/** Text that may be left out or null, with all its faults told at once. */
function faulty(words: string, maximum: number, faults: (text: string) => string[]) {
  return z
    .string({ error: `${words} must be a string` })
    .meta({ maxLength: maximum })
    .superRefine((text, context) => {
      const tooLong = text.length > maximum ? [`is too long (maximum is ${maximum} characters)`] : []
      for (const fault of [...tooLong, ...faults(text)])
        context.addIssue({ code: 'custom', message: `${words} ${fault}` })
    })
    .nullish()
}

/** What the feature flag hash_based_routing decides about `options`. */
const byHashRouting = <S extends z.ZodType>(schema: (options: ReturnType<typeof routeOptionsField>) => S) => ({
  on: schema(routeOptionsField(true)),
  off: schema(routeOptionsField(false)),
})

/** cloud_controller_ng app/messages/route_create_message.rb */
export const RouteCreate = byHashRouting((options) =>
  z.strictObject({
    host,
    path,
    port: integer('Port', { minimum: 0, maximum: 65_535 }).nullish(),
    relationships: relationships({ space: toOne('space'), domain: toOne('domain') }),
    options: options.optional(),
    metadata: metadataField.optional(),
  }),
)

/** cloud_controller_ng app/messages/route_update_message.rb */
export const RouteUpdate = byHashRouting((options) =>
  z.strictObject({ options: options.optional(), metadata: metadataField.optional() }),
)

/** `{data: {guid}}` of a transfer (cloud_controller_ng app/messages/route_transfer_owner_message.rb). */
export const RouteTransfer = z.strictObject({
  data: z
    .unknown()
    .transform((value, context): { guid: string } => {
      for (const fault of targetFaults(value)) context.addIssue({ code: 'custom', message: `Data ${fault}` })
      return value as { guid: string }
    })
    .meta(referenceSchema),
})

function targetFaults(value: unknown): string[] {
  if (value === undefined || value === null) return ["can't be blank", 'must be an object']
  if (typeof value !== 'object' || Array.isArray(value)) return ['must be an object']
  const { guid } = value as { guid?: unknown }
  return [
    ...(Object.keys(value).length === 0 ? ["can't be blank"] : []),
    ...(Object.keys(value).length === 1 ? [] : ['can only accept one key']),
    ...('guid' in value ? [] : ["can only accept key 'guid'"]),
    ...(guid !== undefined && guid !== null && typeof guid !== 'string' ? [`${printed(guid)} must be a string`] : []),
    ...(guid === '' ? ["guid can't be blank"] : []),
  ]
}
