import { z } from 'zod'

/** The form that brings one file. */
export const BitsUpload = z.object({ bits: z.file() })
