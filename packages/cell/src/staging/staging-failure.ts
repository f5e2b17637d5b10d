import type { StagingErrorType } from '@vcap/protocol'

/**
 * Why a build failed: what the API will say (`type`, `message`), what the staging log says, and the exit status that CF's
 * builder would have had, if it had come to running it.
 */
export class StagingFailure extends Error {
  override readonly name = 'StagingFailure'
  readonly type: StagingErrorType
  readonly logged: string
  readonly exitStatus: number | undefined

  constructor(type: StagingErrorType, message: string, logged: string, exitStatus?: number, options?: ErrorOptions) {
    super(message, options)
    this.type = type
    this.logged = logged
    this.exitStatus = exitStatus
  }
}

// Texts and exit statuses: buildpackapplifecycle errors.go; messages: cloud_controller_ng errors/v2.yml.

export const noAppDetected = () =>
  new StagingFailure(
    'NoAppDetectedError',
    'An app was not successfully detected by any available buildpack',
    'None of the buildpacks detected a compatible application',
    222,
  )

const compilePhase = 'App staging failed in the buildpack compile phase'

export const compileFailed = (step: string, status: number) =>
  new StagingFailure(
    'BuildpackCompileFailed',
    compilePhase,
    `Failed to compile droplet: ${step}exit status ${status}`,
    223,
  )

export const supplyFailed = (reason: string) =>
  new StagingFailure('BuildpackCompileFailed', compilePhase, `Failed to run all supply scripts: ${reason}`, 225)

export const noSupplyScript = () =>
  new StagingFailure(
    'BuildpackCompileFailed',
    compilePhase,
    'Error: one of the buildpacks chosen to supply dependencies does not support multi-buildpack apps',
    225,
  )

export const releaseFailed = (reason: string) =>
  new StagingFailure(
    'BuildpackReleaseFailed',
    'App staging failed in the buildpack release phase',
    `Failed to build droplet release: ${reason}`,
    224,
  )

/** Anything else that went wrong in the builder; the text is for the user. */
export const builderFailed = (text: string, cause?: unknown, exitStatus = 1) =>
  new StagingFailure('StagingError', text, text, exitStatus, { cause })

/** Anything that went wrong before or after the builder. */
export const stagingError = (text: string, cause?: unknown) =>
  new StagingFailure('StagingError', text, text, undefined, { cause })
