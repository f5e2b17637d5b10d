import { z } from 'zod'
import type { Resource } from '../../bits/resource-pool.ts'
import { printed } from '../kit/words.ts'

const maximumResources = 5000
const sha1Length = 40

const Element = z.looseObject({
  path: z.string().optional(),
  fn: z.string().optional(),
  mode: z.unknown().optional(),
  checksum: z.unknown().optional(),
  size_in_bytes: z.unknown().optional(),
})

/** The shape of what is checked by hand below, for the OpenAPI document. */
const elementSchema = {
  type: 'object',
  properties: {
    path: { type: 'string' },
    mode: { type: ['string', 'null'], pattern: '^[0-7]+$' },
    checksum: {
      type: 'object',
      properties: { value: { type: 'string', minLength: sha1Length, maxLength: sha1Length } },
      required: ['value'],
    },
    size_in_bytes: { type: 'integer', minimum: 0 },
  },
  required: ['checksum', 'size_in_bytes'],
} as const

/** The body of a match: 1 to 5,000 resources. Every kind of fault is told once. cloud_controller_ng app/messages/resource_match_create_message.rb */
export const ResourceMatchCreate = z.object({ resources: resourceList() })

/** A list of resources in v3's form, or, in uploads, in the older `{fn, sha1, size, mode}`. */
export function resourceList() {
  return z
    .unknown()
    .transform((value, context): Resource[] => {
      const fault = (text: string): void => context.addIssue({ code: 'custom', message: `Resources ${text}` })
      if (!Array.isArray(value)) {
        fault('must be an array')
        return z.NEVER
      }
      if (value.length > maximumResources) {
        fault(`array can have at most ${maximumResources} resources`)
        return z.NEVER // a form may have hundreds of times as many
      }
      if (value.length < 1) fault('must have at least 1 resource')
      const faults = new Set<string>()
      const resources = value.map((element) => read(element, faults))
      for (const text of faults) fault(`array contains at least one resource with ${text}`)
      return faults.size > 0 ? z.NEVER : resources
    })
    .meta({ type: 'array', minItems: 1, maxItems: maximumResources, items: elementSchema })
}

function read(element: unknown, faults: Set<string>): Resource {
  const parsed = Element.safeParse(element)
  const { path, fn, mode, checksum, size_in_bytes: size } = parsed.success ? inV3Form(parsed.data) : Element.parse({})
  return {
    path: path ?? fn ?? '',
    sha1: readChecksum(checksum, faults),
    sizeInBytes: readSize(size, faults),
    mode: readMode(mode, faults),
  }
}

function inV3Form(element: z.output<typeof Element>): z.output<typeof Element> {
  if (element.checksum !== undefined || element.sha1 === undefined) return element
  return { ...element, checksum: { value: element.sha1 }, size_in_bytes: element.size }
}

function readChecksum(checksum: unknown, faults: Set<string>): string {
  if (typeof checksum !== 'object' || checksum === null || Array.isArray(checksum)) {
    faults.add('a non-object checksum')
    return ''
  }
  const { value } = checksum as { value?: unknown }
  if (typeof value !== 'string') faults.add('a non-string checksum value')
  else if (value.length !== sha1Length) faults.add('a non-SHA1 checksum value')
  return printed(value)
}

function readSize(size: unknown, faults: Set<string>): number {
  if (!Number.isInteger(size)) faults.add('a non-integer size_in_bytes')
  else if (Number(size) < 0) faults.add('a negative size_in_bytes')
  return Number(size)
}

function readMode(mode: unknown, faults: Set<string>): string | undefined {
  if (mode === undefined || mode === null) return undefined
  if (typeof mode !== 'string') faults.add('a non-string mode')
  else if (!/^[0-7]+$/.test(mode)) faults.add('an incorrect mode')
  return printed(mode)
}
