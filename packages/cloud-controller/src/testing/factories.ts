import { randomUUID } from 'node:crypto'
import type { Row } from '../db/schema.ts'
import { now } from '../v3/kit/timestamps.ts'
import type { TestController } from './test-controller.ts'

/** Rows that a test needs to be there and does not talk about. */
const identity = () => {
  const time = now()
  return { guid: randomUUID(), created_at: time, updated_at: time }
}

/** A space called "dev" in an organization called "acme", or other names. */
export async function givenSpace(
  { admin, db }: Pick<TestController, 'admin' | 'db'>,
  { name = 'dev', organization = 'acme' }: { name?: string; organization?: string } = {},
): Promise<{ spaceGuid: string; organizationGuid: string }> {
  const { body } = await admin.post('/v3/organizations', { name: organization })
  const row = identity()
  await db
    .insertInto('spaces')
    .values({
      ...row,
      name,
      organization_guid: body.guid,
      status: 'active',
      quota_guid: null,
      isolation_segment_guid: null,
      allow_ssh: 1,
    })
    .execute()
  return { spaceGuid: row.guid, organizationGuid: body.guid }
}

/** An app, made through the API. */
export async function givenApp({ admin }: Pick<TestController, 'admin'>, spaceGuid: string, name = 'hello') {
  const { body } = await admin.post('/v3/apps', {
    name,
    relationships: { space: { data: { guid: spaceGuid } } },
  })
  return body as { guid: string; name: string }
}

/** A staged droplet of an app, as staging would have left it. */
export async function givenDroplet(
  { db }: Pick<TestController, 'db'>,
  appGuid: string,
  values: Partial<Row<'droplets'>> = {},
): Promise<string> {
  const row = {
    ...identity(),
    app_guid: appGuid,
    package_guid: null,
    build_guid: null,
    state: 'STAGED' as const,
    error: null,
    lifecycle_type: 'buildpack' as const,
    execution_metadata: '',
    process_types: JSON.stringify({ web: 'node server.js' }),
    buildpacks: JSON.stringify([
      { name: 'nodejs_buildpack', detect_output: 'nodejs', buildpack_name: 'nodejs', version: '1.0' },
    ]),
    stack: 'cflinuxfs4',
    image: null,
    sha1: 'da39a3ee5e6b4b0d3255bfef95601890afd80709',
    sha256: null,
    sidecars: null,
    ...values,
  }
  await db.insertInto('droplets').values(row).execute()
  return row.guid
}

/** A package of an app whose bits were uploaded. */
export async function givenReadyPackage({ db }: Pick<TestController, 'db'>, appGuid: string): Promise<string> {
  const row = identity()
  await db
    .insertInto('packages')
    .values({
      ...row,
      app_guid: appGuid,
      type: 'bits',
      state: 'READY',
      error: null,
      sha1: 'da39a3ee5e6b4b0d3255bfef95601890afd80709',
      sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      docker_image: null,
      docker_username: null,
      sealed_docker_password: null,
    })
    .execute()
  return row.guid
}

/** An app with a current droplet, ready to start. */
export async function givenStartableApp(
  controller: Pick<TestController, 'admin' | 'db'>,
  spaceGuid: string,
  { name = 'hello', processTypes = { web: 'node server.js' } as Record<string, string> } = {},
): Promise<{ appGuid: string; dropletGuid: string }> {
  const { guid: appGuid } = await givenApp(controller, spaceGuid, name)
  const dropletGuid = await givenDroplet(controller, appGuid, { process_types: JSON.stringify(processTypes) })
  await controller.admin.patch(`/v3/apps/${appGuid}/relationships/current_droplet`, { data: { guid: dropletGuid } })
  return { appGuid, dropletGuid }
}
