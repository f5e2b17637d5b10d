import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { ApiClient } from './api-client.ts'
import { Page, WithGuid } from './shapes.ts'

const ManifestApplication = z.looseObject({ name: z.string() })
/** One app of a manifest, with the keys that a manifest has. */
export type ManifestApplication = z.infer<typeof ManifestApplication>

const Manifest = z.object({ applications: z.array(ManifestApplication) })

/** The apps of the `manifest.yml` in a folder. */
export async function readManifest(folder: string): Promise<ManifestApplication[]> {
  const { parse } = await import('yaml')
  return Manifest.parse(parse(await readFile(join(folder, 'manifest.yml'), 'utf8'))).applications
}

/** Creates or changes an app in a space as its manifest says, and returns the app's guid. Without routes it gets the default one. */
export async function applyManifest(
  client: ApiClient,
  spaceGuid: string,
  application: ManifestApplication,
): Promise<string> {
  const { stringify } = await import('yaml')
  const yaml = stringify({ applications: [{ 'default-route': true, ...application }] })
  await client.callAndWait('POST', `/v3/spaces/${spaceGuid}/actions/apply_manifest`, { yaml })
  const found = await client.call(
    Page(WithGuid),
    'GET',
    `/v3/apps?names=${encodeURIComponent(application.name)}&space_guids=${spaceGuid}`,
  )
  const guid = found.resources[0]?.guid
  if (guid === undefined) throw new Error(`the manifest was applied, and there is no app ${application.name}`)
  return guid
}
