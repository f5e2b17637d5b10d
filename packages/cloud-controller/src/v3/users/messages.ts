import { z } from 'zod'
import { guid } from '../kit/fields.ts'
import { metadataField } from '../kit/metadata.ts'

const metadata = metadataField.optional()

/** cloud_controller_ng app/messages/user_create_message.rb */
export const UserCreate = z
  .strictObject({
    guid: guid('Guid').nullish(),
    username: z.string({ error: 'Username must be a string' }).nullish(),
    origin: z.string({ error: 'Origin must be a string' }).nullish(),
    metadata,
  })
  .superRefine(({ guid: id, username, origin }, context) => {
    const fault = (message: string): void => context.addIssue({ code: 'custom', message })
    if (id) {
      if (username) fault("Username cannot be provided with 'guid'")
      if (origin) fault("Origin cannot be provided with 'guid'")
    } else if (username || origin) {
      if (!username) fault("Origin can only be provided together with 'username'")
      if (!origin) fault("Username can only be provided together with 'origin'")
      if (origin === 'uaa') fault("Origin cannot be 'uaa' when creating a user by username")
    } else fault("Guid or 'username' and 'origin' must be provided")
  })

/** cloud_controller_ng app/messages/user_update_message.rb */
export const UserUpdate = z.strictObject({ metadata })
