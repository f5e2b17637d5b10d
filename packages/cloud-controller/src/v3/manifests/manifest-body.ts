import { z } from 'zod'
import { isFeatureEnabled, requireFeatureOfEveryone } from '../../actions/feature-flags.ts'
import type { AppManifest } from '../../actions/manifests/app-manifest.ts'
import { forApplication } from '../../actions/manifests/fault-context.ts'
import type { Db } from '../../db/schema.ts'
import { ApiError, apiError, badRequest, compoundError, unprocessable } from '../../errors/api-error.ts'
import type { RequestContext } from '../../http/environment.ts'
import { type ManifestRules, readAppManifest } from './app-manifest.ts'
import { isMapping, parseYaml, requireManifestSize, type YamlMapping } from './yaml-document.ts'

/** One app of a manifest: as it was sent, and as what it means. */
export interface SentApp {
  readonly raw: YamlMapping
  readonly manifest: AppManifest
}

/** What a manifest is from far away, for the OpenAPI document; each app is read by ./app-manifest.ts. */
export const ManifestDocument = z.object({
  version: z.literal(1).optional(),
  applications: z.array(z.looseObject({ name: z.string() })).min(1),
})

const yamlTypes = ['application/x-yaml', 'text/yaml']

/** Throws 400/1004 for a body that is not said to be YAML. */
export function requireYaml(c: RequestContext): void {
  const [type = ''] = (c.req.header('content-type') ?? '').split(';')
  if (!yamlTypes.includes(type.trim().toLowerCase())) throw badRequest('Content-Type must be yaml')
}

/**
 * The apps of the manifest in the body. Throws 400 when it can't be parsed, 422 for another version and for a manifest without
 * apps, and 422 with one error for each fault of each app.
 */
export async function manifestApps(c: RequestContext): Promise<SentApp[]> {
  const { version, applications } = await parsedBody(c)
  if (version !== undefined && version !== null && version !== false && version !== 1)
    throw unprocessable('Unsupported manifest schema version. Currently supported versions: [1].')
  if (!Array.isArray(applications) || applications.length === 0)
    throw unprocessable("Cannot parse manifest with no 'applications' field.")
  const rules = await rulesOf(c.var.db)
  const apps = applications.map((application: unknown) => {
    const raw = isMapping(application) ? application : {}
    return { raw, ...readAppManifest(raw, rules) }
  })
  const faults = apps.flatMap(({ faults, manifest }, index) => {
    const context = manifest.name === '' ? `For application at index ${index}: ` : forApplication(manifest.name)
    return faults.map((fault) => unprocessable(`${context}${fault}`))
  })
  if (faults.length > 0) throw compoundError(faults)
  return apps
}

async function parsedBody(c: RequestContext): Promise<YamlMapping> {
  const incoming = c.env?.request?.body
  // What the reactor put into a file may be larger than any manifest: not to be read before its size is known.
  if (incoming && 'file' in incoming) requireManifestSize(incoming.sizeInBytes)
  return parseYaml(new Uint8Array(await c.req.raw.arrayBuffer()))
}

async function rulesOf(db: Db): Promise<ManifestRules> {
  return {
    allowsHashRouting: await isFeatureEnabled(db, 'hash_based_routing'),
    dockerFault: await whySwitchedOff(db, 'diego_docker'),
    cnbFault: await whySwitchedOff(db, 'diego_cnb'),
  }
}

async function whySwitchedOff(db: Db, flag: 'diego_docker' | 'diego_cnb'): Promise<string | undefined> {
  try {
    await requireFeatureOfEveryone(db, flag)
    return undefined
  } catch (error) {
    if (error instanceof ApiError && error.code === apiError('FeatureDisabled').code) return error.message
    throw error
  }
}
