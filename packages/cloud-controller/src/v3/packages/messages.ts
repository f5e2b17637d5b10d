import { z } from 'zod'
import { relationships, toOne } from '../kit/fields.ts'
import { metadataField } from '../kit/metadata.ts'

const appRelationship = relationships({ app: toOne('app') })

const dockerData = z.strictObject(
  {
    image: z.string({ error: 'Data Image required' }).min(1, { error: 'Data Image required' }),
    username: z
      .string({ error: 'Data Username must be a string' })
      .nullish()
      .transform((value) => value ?? undefined),
    password: z
      .string({ error: 'Data Password must be a string' })
      .nullish()
      .transform((value) => value ?? undefined),
  },
  { error: ({ code }) => (code === 'unrecognized_keys' ? undefined : 'Data must be an object') },
)

/** For docker; empty for bits. */
const dataSchema = {
  type: ['object', 'null'],
  properties: {
    image: { type: 'string', minLength: 1 },
    username: { type: ['string', 'null'] },
    password: { type: ['string', 'null'] },
  },
  additionalProperties: false,
} as const

/** cloud_controller_ng app/messages/package_create_message.rb */
export const PackageCreate = z
  .strictObject({
    relationships: appRelationship,
    type: z.enum(['bits', 'docker'], { error: "Type must be one of 'bits, docker'" }),
    data: z.unknown().meta(dataSchema).optional(),
    metadata: metadataField.optional(),
  })
  .transform(({ data, ...message }, context) => {
    if (message.type === 'bits') {
      const isEmpty =
        data === undefined || data === null || (typeof data === 'object' && Object.keys(data).length === 0)
      if (!isEmpty) context.addIssue({ code: 'custom', message: 'Data must be empty if provided for bits packages' })
      return { ...message, data: undefined }
    }
    const docker = dockerData.safeParse(data ?? {})
    if (docker.success) return { ...message, data: docker.data }
    for (const { message: text } of docker.error.issues) context.addIssue({ code: 'custom', message: text })
    return z.NEVER
  })

/** The body of a copy: only the destination. */
export const PackageCopy = z.object({ relationships: appRelationship })

/** cloud_controller_ng app/messages/package_update_message.rb */
export const PackageUpdate = z.strictObject({
  username: z.string({ error: 'Username must be a string' }).nullish(),
  password: z.string({ error: 'Password must be a string' }).nullish(),
  metadata: metadataField.optional(),
})

/** The form of an upload: a zip file, and what of the app is there already (../resource-matches). */
export const PackageUpload = z.object({
  bits: z.file().optional(),
  resources: z.string().optional().meta({ contentMediaType: 'application/json' }),
})
