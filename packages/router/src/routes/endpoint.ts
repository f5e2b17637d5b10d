import type { RouterRegistration } from '@vcap/protocol'

export type LoadBalancing = 'round-robin' | 'least-connection'

/** One backend of one route: an app instance, or a component. The same object lives as long as its address is registered. */
export interface Endpoint {
  /** `host:port`; what makes an endpoint the same one. */
  readonly address: string
  /** An IPv6 address without its brackets. */
  readonly host: string
  readonly port: number
  appGuid: string
  /** `private_instance_id`, or empty. */
  instanceId: string
  /** `private_instance_index`, or empty. */
  instanceIndex: string
  tags: Readonly<Record<string, string>>
  staleThresholdInSeconds: number
  /** Milliseconds of `performance.now()`. */
  registeredAt: number
  /** Milliseconds of `performance.now()`, while the endpoint is avoided after a failure. */
  failedAt: number | undefined
  openRequests: number
}

export type EndpointDetails = Pick<
  Endpoint,
  'host' | 'port' | 'appGuid' | 'instanceId' | 'instanceIndex' | 'tags' | 'staleThresholdInSeconds'
>

/** `host:port`, with the brackets of an IPv6 address. */
export function addressOf({ host, port }: { host: string; port: number }): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * What a registration says about its endpoint. Its own life counts only if it is shorter than the router's.
 * Source: gorouter mbus/subscriber.go makeEndpoint, registry/registry.go register.
 */
export function endpointDetails(message: RouterRegistration, pruneThresholdInSeconds: number): EndpointDetails {
  const own = message.stale_threshold_in_seconds ?? 0
  return {
    host: message.host.replace(/^\[(.*)\]$/, '$1'),
    port: message.port,
    appGuid: message.app ?? '',
    instanceId: message.private_instance_id ?? '',
    instanceIndex: message.private_instance_index ?? '',
    tags: message.tags ?? {},
    staleThresholdInSeconds: own > 0 ? Math.min(own, pruneThresholdInSeconds) : pruneThresholdInSeconds,
  }
}
