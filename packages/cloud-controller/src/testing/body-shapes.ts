import { z } from 'zod'
import { AppCreate, AppUpdate, CurrentDroplet } from '../v3/apps/messages.ts'
import { BuildpackCreate, BuildpackUpdate } from '../v3/buildpacks/messages.ts'
import { BuildCreate, BuildUpdate } from '../v3/builds/messages.ts'
import { DomainCreate, DomainUpdate } from '../v3/domains/messages.ts'
import { DropletCreate, DropletUpdate } from '../v3/droplets/messages.ts'
import { FeatureFlagUpdate } from '../v3/feature-flags/messages.ts'
import { EnvironmentVariablesUpdate } from '../v3/kit/environment-variables.ts'
import { toManyBody } from '../v3/kit/fields.ts'
import { OrganizationQuotaCreate, OrganizationQuotaUpdate } from '../v3/organization-quotas/messages.ts'
import { OrganizationCreate, OrganizationUpdate } from '../v3/organizations/messages.ts'
import { PackageCreate, PackageUpdate } from '../v3/packages/messages.ts'
import { ProcessScale, ProcessUpdate } from '../v3/processes/messages.ts'
import { ResourceMatchCreate } from '../v3/resource-matches/messages.ts'
import { RoleCreate } from '../v3/roles/messages.ts'
import { DestinationsInsert, DestinationsReplace, DestinationUpdate } from '../v3/routes/destination-messages.ts'
import { RouteTransfer } from '../v3/routes/messages.ts'
import { SidecarCreate, SidecarUpdate } from '../v3/sidecars/messages.ts'
import { SpaceQuotaCreate, SpaceQuotaUpdate } from '../v3/space-quotas/messages.ts'
import { SpaceCreate, SpaceFeatureUpdate, SpaceUpdate } from '../v3/spaces/messages.ts'
import { StackCreate, StackUpdate } from '../v3/stacks/messages.ts'
import { UserCreate, UserUpdate } from '../v3/users/messages.ts'
import type { Shape } from './faulty-bodies.ts'

const messages: Readonly<Record<string, z.ZodType>> = {
  'POST /v3/apps': AppCreate,
  'PATCH /v3/apps/:guid': AppUpdate,
  'PATCH /v3/apps/:guid/relationships/current_droplet': CurrentDroplet,
  'PATCH /v3/apps/:guid/environment_variables': EnvironmentVariablesUpdate,
  'PATCH /v3/apps/:guid/features/:name': SpaceFeatureUpdate,
  'POST /v3/buildpacks': BuildpackCreate,
  'PATCH /v3/buildpacks/:guid': BuildpackUpdate,
  'POST /v3/builds': BuildCreate,
  'PATCH /v3/builds/:guid': BuildUpdate,
  'POST /v3/domains': DomainCreate,
  'PATCH /v3/domains/:guid': DomainUpdate,
  'POST /v3/domains/:guid/relationships/shared_organizations': toManyBody,
  'POST /v3/droplets': DropletCreate,
  'PATCH /v3/droplets/:guid': DropletUpdate,
  'PATCH /v3/environment_variable_groups/:name': EnvironmentVariablesUpdate,
  'PATCH /v3/feature_flags/:name': FeatureFlagUpdate,
  'POST /v3/organization_quotas': OrganizationQuotaCreate,
  'PATCH /v3/organization_quotas/:guid': OrganizationQuotaUpdate,
  'POST /v3/organization_quotas/:guid/relationships/organizations': toManyBody,
  'POST /v3/organizations': OrganizationCreate,
  'PATCH /v3/organizations/:guid': OrganizationUpdate,
  'POST /v3/packages': PackageCreate,
  'PATCH /v3/packages/:guid': PackageUpdate,
  'PATCH /v3/processes/:guid': ProcessUpdate,
  'POST /v3/processes/:guid/actions/scale': ProcessScale,
  'PATCH /v3/apps/:guid/processes/:type': ProcessUpdate,
  'POST /v3/apps/:guid/processes/:type/actions/scale': ProcessScale,
  'POST /v3/resource_matches': ResourceMatchCreate,
  'POST /v3/roles': RoleCreate,
  'POST /v3/routes/:guid/destinations': DestinationsInsert,
  'PATCH /v3/routes/:guid/destinations': DestinationsReplace,
  'PATCH /v3/routes/:guid/destinations/:destination_guid': DestinationUpdate,
  'POST /v3/routes/:guid/relationships/shared_spaces': toManyBody,
  'PATCH /v3/routes/:guid/relationships/space': RouteTransfer,
  'POST /v3/apps/:guid/sidecars': SidecarCreate,
  'PATCH /v3/sidecars/:guid': SidecarUpdate,
  'POST /v3/space_quotas': SpaceQuotaCreate,
  'PATCH /v3/space_quotas/:guid': SpaceQuotaUpdate,
  'POST /v3/space_quotas/:guid/relationships/spaces': toManyBody,
  'POST /v3/spaces': SpaceCreate,
  'PATCH /v3/spaces/:guid': SpaceUpdate,
  'PATCH /v3/spaces/:guid/features/:name': SpaceFeatureUpdate,
  'POST /v3/stacks': StackCreate,
  'PATCH /v3/stacks/:guid': StackUpdate,
  'POST /v3/users': UserCreate,
  'PATCH /v3/users/:guid': UserUpdate,
}

/** What bodies of the operation look like; `{}` where that is not known. */
export function bodyShape(operation: string): Shape {
  const message = messages[operation]
  return message ? shapeOf(message) : {}
}

/** Of fields that are read by hand. */
const handRead: Readonly<Record<string, Shape>> = {
  metadata: {
    type: 'object',
    properties: {
      labels: { type: 'object', additionalProperties: { type: 'string', maxLength: 63 } },
      annotations: { type: 'object', additionalProperties: { type: 'string', maxLength: 5000 } },
    },
  },
  lifecycle: {
    type: 'object',
    properties: {
      type: { enum: ['buildpack', 'docker', 'cnb'] },
      data: {
        type: 'object',
        properties: { buildpacks: { type: 'array', items: { type: 'string' } }, stack: { type: 'string' } },
      },
    },
  },
}

function shapeOf(schema: z.ZodType): Shape {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      for (const [key, shape] of Object.entries(handRead)) {
        const inner = jsonSchema.properties?.[key]
        if (typeof inner === 'object' && Object.keys(inner).length === 0) Object.assign(inner, shape)
      }
      // What is first checked by hand and then read by a schema: that one tells more.
      if (!(zodSchema instanceof z.ZodPipe) || Object.keys(jsonSchema).length > 0) return
      const { out } = zodSchema
      if (out instanceof z.ZodObject || out instanceof z.ZodArray) Object.assign(jsonSchema, shapeOf(out))
    },
  }) as Shape
}
