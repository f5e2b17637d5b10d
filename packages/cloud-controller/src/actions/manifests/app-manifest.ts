import type { MetadataMessage } from '../../v3/kit/metadata.ts'
import type { LifecycleMessage } from '../app-lifecycle.ts'
import type { AppFeatureName } from '../apps.ts'
import type { ProcessChange, ProcessScale } from '../processes.ts'
import type { DestinationProtocol } from '../route-destinations.ts'
import type { RouteOptions } from '../route-options.ts'

/** One app of a manifest, validated, in the terms of the actions that apply it. What is absent stays as it is. */
export interface AppManifest {
  readonly name: string
  readonly features: Readonly<Partial<Record<AppFeatureName, boolean>>>
  /** Settings of processes; one that the app lacks is created. */
  readonly processChanges: ReadonlyArray<{ readonly type: string; readonly change: ProcessChange }>
  readonly processScales: ReadonlyArray<{ readonly type: string; readonly scale: ProcessScale }>
  readonly sidecars: readonly ManifestSidecar[]
  readonly lifecycle?: LifecycleMessage | undefined
  readonly metadata?: MetadataMessage | undefined
  readonly routes: ManifestRoutes
  readonly environmentVariables?: Readonly<Record<string, string>> | undefined
  /** Names of service instances. */
  readonly services: readonly string[]
  /** The key that names buildpacks, in CC's words, for apps that can't have any. */
  readonly buildpackKey?: 'Buildpack' | 'Buildpacks' | undefined
  readonly namesDocker: boolean
}

export interface ManifestSidecar {
  readonly name: string
  readonly command: string
  readonly process_types: readonly string[]
  readonly memory_in_mb?: number | undefined
}

export interface ManifestRoutes {
  /** Unmaps all and makes the rest not count. */
  readonly noRoute: boolean
  /** Makes the two others not count. */
  readonly routes?: readonly ManifestRoute[] | undefined
  readonly randomRoute: boolean
  readonly defaultRoute: boolean
}

/** A route by its URL: `host` is all that stands before port and path, so host and domain are still together. */
export interface ManifestRoute {
  /** As written in the manifest. */
  readonly text: string
  readonly urlHost: string
  readonly port: number | null
  readonly path: string
  readonly protocol: DestinationProtocol | null
  readonly options?: RouteOptions | undefined
}
