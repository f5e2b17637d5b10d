import { z } from 'zod'

/** The claims of a UAA access token that other components read (UAA API documentation, "Token"). */
export const AccessTokenClaims = z.object({
  iss: z.string(),
  sub: z.string(),
  jti: z.string(),
  client_id: z.string(),
  /** Absent from tokens that a client got for itself. */
  user_id: z.string().optional(),
  user_name: z.string().optional(),
  email: z.string().optional(),
  origin: z.string().optional(),
  scope: z.array(z.string()),
  aud: z.union([z.string(), z.array(z.string())]),
  iat: z.number(),
  exp: z.number(),
})
export type AccessTokenClaims = z.infer<typeof AccessTokenClaims>

/** The audience that the Cloud Controller asks of a token. */
export const cloudControllerAudience = 'cloud_controller'
