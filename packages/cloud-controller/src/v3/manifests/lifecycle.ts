import type { LifecycleMessage } from '../../actions/app-lifecycle.ts'
import { lifecycleField } from '../kit/lifecycle-field.ts'
import { isGiven } from './process-attributes.ts'
import type { YamlMapping } from './yaml-document.ts'

export interface ReadLifecycle {
  readonly faults: readonly string[]
  readonly lifecycle: LifecycleMessage | undefined
}

/**
 * Lifecycle, buildpacks, stack and registry credentials of an app's manifest; other values of `lifecycle` don't count.
 * Source: cloud_controller_ng app/messages/app_manifest_message.rb (app_lifecycle_hash).
 */
export function readLifecycle(app: YamlMapping): ReadLifecycle {
  const type = lifecycleType(app)
  if (type === 'docker') return { faults: [], lifecycle: { type, data: {} } }
  const data = Object.fromEntries(
    Object.entries({ buildpacks: wantedBuildpacks(app), stack: app.stack, credentials: app.cnb_credentials }).filter(
      ([, value]) => isGiven(value),
    ),
  )
  if (type === undefined && Object.keys(data).length === 0) return { faults: [], lifecycle: undefined }
  const { success, data: lifecycle, error } = lifecycleField.safeParse({ type, data })
  if (success) return { faults: [], lifecycle }
  const faults = error.issues.map(({ message }) => message.replace(/^Lifecycle /, ''))
  // What is wrong with a single `buildpack` is said in other words.
  return {
    faults: faults.filter((fault) => 'buildpacks' in app || !fault.startsWith('Buildpacks')),
    lifecycle: undefined,
  }
}

function lifecycleType(app: YamlMapping): LifecycleMessage['type'] {
  if (app.lifecycle === 'cnb' || app.lifecycle === 'buildpack') return app.lifecycle
  return 'docker' in app ? 'docker' : undefined
}

/** `default` and `null` stand for detection. */
function wantedBuildpacks(app: YamlMapping): unknown {
  if ('buildpacks' in app) return app.buildpacks
  if (!('buildpack' in app)) return undefined
  const isDetected = !isGiven(app.buildpack) || app.buildpack === 'default' || app.buildpack === 'null'
  return isDetected ? [] : [app.buildpack]
}

const maximumLength = 4096

/** What is wrong with a single `buildpack`. Source: cloud_controller_ng app/messages/manifest_buildpack_message.rb. */
export function buildpackFaults({ buildpack }: YamlMapping): string[] {
  if (!isGiven(buildpack)) return []
  if (typeof buildpack !== 'string') return ['Buildpack must be a string']
  const fits = buildpack.length >= 1 && buildpack.length <= maximumLength
  return fits ? [] : ['Buildpack must be between 1 and 4096 characters']
}
