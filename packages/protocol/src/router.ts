import { z } from 'zod'

export const routerSubjects = {
  register: 'router.register',
  unregister: 'router.unregister',
  start: 'router.start',
  greet: 'router.greet',
} as const

/** A name or an address that can stand in a URL; IPv6 with or without its brackets. */
const isHost = (host: string): boolean =>
  /^(\[[\da-f:.]+\]|[\w.:-]+)$/i.test(host) &&
  URL.canParse(`http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}`)

/** `router.register` and `router.unregister` (message-bus fact sheet, section 8; gorouter). Unknown fields are ignored. */
export const RouterRegistration = z.object({
  host: z.string().refine(isHost, 'must be a host'),
  port: z.number().int().min(1).max(65_535),
  /** Host names, with an optional path; `*.` is a wildcard. */
  uris: z.array(z.string()),
  tags: z.record(z.string(), z.string()).nullish(),
  /** App guid. */
  app: z.string().nullish(),
  dea: z.string().nullish(),
  private_instance_id: z.string().nullish(),
  private_instance_index: z.string().nullish(),
  /** The registration's own life, if shorter than the router's. */
  stale_threshold_in_seconds: z.number().nullish(),
  options: z.object({ loadbalancing: z.string().nullish() }).nullish(),
  /** A route service that requests must pass before they reach the endpoint; https only. */
  route_service_url: z.string().startsWith('https').or(z.literal('')).nullish(),
})
export type RouterRegistration = z.infer<typeof RouterRegistration>

/** `router.start`, and the reply to `router.greet`. */
export const RouterGreeting = z.object({
  id: z.string(),
  hosts: z.array(z.string()),
  minimumRegisterIntervalInSeconds: z.number(),
  pruneThresholdInSeconds: z.number(),
})
export type RouterGreeting = z.infer<typeof RouterGreeting>
