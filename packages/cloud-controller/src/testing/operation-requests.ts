import { isList } from './expected-status.ts'
import type { OperationCase } from './operation-cases.ts'
import type { Answer, Client } from './test-controller.ts'
import type { World } from './world.ts'

/** Asks for the operation with what its case says; lists with all they have. */
export function askFor(client: Client, operation: string, tried: OperationCase, world: World): Promise<Answer> {
  const [method = '', template = ''] = operation.split(' ')
  const path = tried.path?.(world) ?? pathOf(template, tried.spare ? { ...world, guids: world.spares } : world)
  const upload = tried.upload?.(world)
  if (upload) return client.upload(path, upload.file, upload.headers)
  const body = tried.body?.(world)
  switch (method) {
    case 'GET':
      return client.get(isList(operation) ? `${path}?per_page=5000` : path)
    case 'POST':
      return client.post(path, body, tried.headers)
    case 'PATCH':
      return client.patch(path, body)
    case 'PUT':
      return client.put(path, body)
    default:
      return client.delete(path, body)
  }
}

/** The path with the guids of the world. */
export function pathOf(template: string, world: World): string {
  const { guids, destination, otherSpace, otherOrganization } = world
  const values: Record<string, string | undefined> = {
    type: 'web',
    index: '0',
    space_guid: otherSpace,
    org_guid: otherOrganization,
    destination_guid: destination,
  }
  const collection = template.split('/')[2] ?? ''
  return template.replace(/:(\w+)/g, (_, name: string) => {
    if (name === 'name' && template.includes('/features/')) return 'ssh'
    return values[name] ?? guids[collection] ?? ''
  })
}
