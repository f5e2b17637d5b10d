import { z } from 'zod'

const seconds = z.number().positive()

/** Everything the router can be told. The defaults are gorouter's (config/config.go) or, where BOSH overrides those, routing-release's. */
export const RouterConfig = z.strictObject({
  host: z.string().default('127.0.0.1'),
  /** 0 takes a free port. */
  port: z.number().int().min(0).max(65_535).default(8080),
  nats: z
    .strictObject({ url: z.string(), user: z.string().optional(), password: z.string().optional() })
    .default({ url: 'nats://127.0.0.1:4222' }),
  /** Number of this router among several: what `cf logs` shows as RTR/0. */
  index: z.number().int().min(0).default(0),
  /** Loopback listener with /routes and /varz behind basic authentication, /health and /healthz open. */
  admin: z
    .strictObject({
      host: z.string().default('127.0.0.1'),
      port: z.number().int().min(0).max(65_535).default(8082),
      user: z.string().min(1),
      password: z.string().min(1),
    })
    .optional(),

  /** Age at which an endpoint that was not registered again is forgotten. */
  pruneThresholdInSeconds: seconds.default(120),
  /** How often silent endpoints are looked for. */
  pruneIntervalInSeconds: seconds.default(30),
  /** What clients are asked for in `router.start`. */
  minimumRegisterIntervalInSeconds: seconds.default(20),
  /** How long a route whose last endpoint went away answers 503 instead of 404. 0: not at all. */
  emptyPoolTimeoutInSeconds: z.number().min(0).default(10),
  /** After `router.start`, how long endpoints have to register before the first request is routed. */
  startDelayInMilliseconds: z.number().min(0).default(100),

  loadBalancing: z.enum(['round-robin', 'least-connection']).default('round-robin'),
  /** Endpoints that one request is tried on. */
  maxAttempts: z.number().int().min(1).default(3),
  /** Requests at a time for one endpoint; beyond it 503. 0: no limit. */
  maxConnectionsPerBackend: z.number().int().min(0).default(0),
  endpointDialTimeoutInSeconds: seconds.default(5),
  /** Until the response headers of an endpoint, and between two chunks of its body. */
  endpointTimeoutInSeconds: seconds.default(900),
  /** How long an unused connection to an endpoint is kept, unless the endpoint asks for less. */
  endpointIdleTimeoutInSeconds: seconds.default(4),

  /** How long an unused connection of a client is kept. */
  frontendIdleTimeoutInSeconds: seconds.default(900),
  /** How long a client may take to send its headers. */
  readHeaderTimeoutInSeconds: seconds.default(60),
  maxHeaderSizeInBytes: z.number().int().positive().default(65_536),
  /** At stop: how long requests in flight have to finish. */
  drainTimeoutInSeconds: z.number().min(0).default(10),

  stickySessionCookieNames: z.array(z.string()).default(['JSESSIONID']),
  /** Sets `Secure` on every __VCAP_ID__ cookie. */
  secureCookies: z.boolean().default(false),
  /** Always tells endpoints that the client came by https. */
  forceForwardedProtoHttps: z.boolean().default(false),
  /** Does not believe the client's X-Forwarded-Proto. */
  sanitizeForwardedProto: z.boolean().default(false),
  /** A request with this User-Agent is a load balancer's probe, whatever its host and path. */
  healthCheckUserAgent: z.string().default('HTTP-Monitor/1.1'),
  /** How long access log lines are gathered before they are published. */
  accessLogIntervalInMilliseconds: z.number().positive().default(50),
})
export type RouterConfig = z.output<typeof RouterConfig>
