import { z } from 'zod'
import { BoundService, StartMessage } from './dea.ts'

/**
 * Staging over NATS: the Cloud Controller sends `staging.<dea id>.start` with a reply subject; the DEA answers twice,
 * once when the task is set up and once when it is complete (message-bus fact sheet, section 3).
 *
 * A build of v3 is the staging task: `task_id` is the build's guid. The reply subject names the build, so that any Cloud
 * Controller, also one that started after the request was sent, can take the answer.
 */
export const stagingReplySubject = {
  all: 'cc.staging.*',
  of: (taskId: string) => `cc.staging.${taskId}`,
} as const

export const AdminBuildpack = z.object({
  /** Names the blob: changes when the buildpack's bits change, so a DEA may cache by it. */
  key: z.string(),
  url: z.string(),
  name: z.string().optional(),
})
export type AdminBuildpack = z.infer<typeof AdminBuildpack>

export const StagingRequest = z.object({
  app_id: z.string(),
  task_id: z.string(),
  stack: z.string().nullish(),
  properties: z.object({
    services: z.array(BoundService),
    /** `memory` and `disk` in MB. */
    resources: z.object({ memory: z.number(), disk: z.number(), fds: z.number() }),
    /** `K=V`. */
    environment: z.array(z.string()),
    meta: z.record(z.string(), z.unknown()).default({}),
    /**
     * The buildpacks that the app asks for, in order: names of admin buildpacks or git/zip URLs. Empty: detect over `admin_buildpacks`.
     * With several, all but the last only supply.
     */
    buildpacks: z.array(z.string()).default([]),
    vcap_application: z.record(z.string(), z.unknown()).default({}),
  }),
  /** App name, for the log. */
  app_name: z.string().optional(),
  /** The package as a zip. */
  download_uri: z.string(),
  /** Multipart field `upload[droplet]`, a .tgz. */
  upload_uri: z.string(),
  buildpack_cache_download_uri: z.string().nullish(),
  buildpack_cache_upload_uri: z.string(),
  /** When given, the DEA starts index 0 itself after staging, as it did for v2 apps. */
  start_message: StartMessage.nullish(),
  /** Enabled ones, in position order. */
  admin_buildpacks: z.array(AdminBuildpack),
  egress_network_rules: z.array(z.unknown()).default([]),
})
export type StagingRequest = z.infer<typeof StagingRequest>

/** First reply: the task is set up, or why it can't be. After an error no second reply follows. */
export const StagingSetup = z.object({
  task_id: z.string(),
  phase: z.literal('setup').default('setup'),
  task_streaming_log_url: z.string().nullish(),
  error: z.string().nullish(),
})
export type StagingSetup = z.infer<typeof StagingSetup>

export const StagingErrorType = z.enum([
  'NoAppDetectedError',
  'BuildpackCompileFailed',
  'BuildpackReleaseFailed',
  'StagingError',
  'StagingTimeExpired',
])
export type StagingErrorType = z.infer<typeof StagingErrorType>

export const StagedBuildpack = z.object({
  /** Admin buildpack's name, or the URL of a custom one. */
  name: z.string(),
  key: z.string().nullish(),
  /** Output of bin/detect. */
  detect_output: z.string().nullish(),
  /** What the buildpack calls itself and its version (config.yml of its deps folder). */
  buildpack_name: z.string().nullish(),
  version: z.string().nullish(),
})
export type StagedBuildpack = z.infer<typeof StagedBuildpack>

/** Second reply: the droplet has been uploaded, or staging failed. */
export const StagingCompletion = z.object({
  task_id: z.string(),
  phase: z.literal('complete').default('complete'),
  app_id: z.string(),
  detected_buildpack: z.string().nullish(),
  buildpack_key: z.string().nullish(),
  droplet_sha1: z.string().nullish(),
  detected_start_command: z.string().nullish(),
  /** Process types and their commands: the Procfile's, over the buildpack's default_process_types. */
  procfile: z.record(z.string(), z.string()).nullish(),
  buildpacks: z.array(StagedBuildpack).default([]),
  sidecars: z
    .array(
      z.object({
        name: z.string(),
        process_types: z.array(z.string()),
        command: z.string(),
        memory: z.number().nullish(),
      }),
    )
    .default([]),
  error: z.string().nullish(),
  error_info: z.object({ type: StagingErrorType, message: z.string() }).nullish(),
})
export type StagingCompletion = z.infer<typeof StagingCompletion>

export const StagingStop = z.object({ app_id: z.string(), task_id: z.string().optional() })
export type StagingStop = z.infer<typeof StagingStop>
