/** How a 401 or 403 asks for better credentials, in WWW-Authenticate. */
export type Challenge = 'Basic realm="UAA/client"' | 'Bearer realm="UAA/oauth"'

/** An answer that is no success, in UAA's form: `{"error", "error_description", …}`. Thrown where found, rendered once. */
export class UaaError extends Error {
  override readonly name = 'UaaError'
  readonly status: number
  readonly error: string
  readonly challenge: Challenge | undefined
  readonly fields: Readonly<Record<string, unknown>>

  constructor(
    status: number,
    error: string,
    description: string,
    more: { challenge?: Challenge; fields?: Record<string, unknown> } = {},
  ) {
    super(description)
    this.status = status
    this.error = error
    this.challenge = more.challenge
    this.fields = more.fields ?? {}
  }
}

const bearer = { challenge: 'Bearer realm="UAA/oauth"' } as const

export const missingToken = () =>
  new UaaError(401, 'unauthorized', 'Full authentication is required to access this resource', bearer)
export const invalidToken = (description: string) => new UaaError(401, 'invalid_token', description, bearer)
export const unauthorized = (description: string) => new UaaError(401, 'unauthorized', description)
export const badCredentials = () => unauthorized('Bad credentials')
export const accountLocked = () =>
  unauthorized('Your account has been locked because of too many failed attempts to login.')
export const invalidClient = (description = 'Bad credentials') =>
  new UaaError(401, 'invalid_client', description, { challenge: 'Basic realm="UAA/client"' })
export const invalidRequest = (description: string) => new UaaError(400, 'invalid_request', description)
export const invalidGrant = (description: string) => new UaaError(400, 'invalid_grant', description)
export const invalidScope = (description: string) => new UaaError(400, 'invalid_scope', description)
export const serverBusy = () =>
  new UaaError(503, 'temporarily_unavailable', 'Too many logins at once. Please try again.')

/** `accepted` are the scopes of which one is needed. */
export const insufficientScope = (accepted: readonly string[]) =>
  new UaaError(403, 'insufficient_scope', 'Insufficient scope for this resource', {
    ...bearer,
    fields: { scope: ['uaa.admin', ...accepted].join(' ') },
  })
export const accessDenied = (description: string) => new UaaError(403, 'access_denied', description)

/** The SCIM endpoints say everything twice (uaa: ExceptionReportHttpMessageConverter.java). */
const scim = (status: number, error: string, description: string, fields: Record<string, unknown> = {}) =>
  new UaaError(status, error, description, { fields: { message: description, ...fields } })

export const scimFault = (description: string) => scim(400, 'scim', description)
export const invalidScimResource = (description: string) => scim(400, 'invalid_scim_resource', description)
export const scimNotFound = (description: string) => scim(404, 'scim_resource_not_found', description)
export const scimConflict = (description: string) => scim(409, 'scim_resource_conflict', description)
export const scimAlreadyExists = (description: string, fields: Record<string, unknown> = {}) =>
  scim(409, 'scim_resource_already_exists', description, fields)
export const memberAlreadyExists = (description: string) => scim(409, 'member_already_exists', description)
export const memberNotFound = (description: string) => scim(404, 'member_not_found', description)
export const invalidPassword = (description: string, status: 400 | 422) => scim(status, 'invalid_password', description)
export const invalidSelfEdit = () =>
  scim(
    403,
    'invalid_self_edit',
    'Users are only allowed to edit their own User settings when internal user storage is enabled, and in that case they may only edit the givenName and familyName.',
  )

export const noSuchClient = (id: string) => new UaaError(404, 'invalid_client', `No client with requested id: ${id}`)
export const clientAlreadyExists = (id: string) => new UaaError(409, 'invalid_client', `Client already exists: ${id}`)
export const invalidClientDetails = (description: string) => new UaaError(400, 'invalid_client', description)
