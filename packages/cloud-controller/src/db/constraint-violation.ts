/** Whether a statement failed because a row with these unique values exists already: SQLite's and PostgreSQL's ways to say it. */
export function isUniqueViolation(error: unknown): boolean {
  const { code, errcode, message } = error as { code?: unknown; errcode?: unknown; message?: unknown }
  if (code === '23505') return true
  return (
    code === 'ERR_SQLITE_ERROR' && (errcode === 2067 || errcode === 1555 || /UNIQUE constraint/.test(String(message)))
  )
}

/** Whether a statement failed because a row was to name another that is not there, or one to go that others name. */
export function isForeignKeyViolation(error: unknown): boolean {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  return code === '23503' || (code === 'ERR_SQLITE_ERROR' && errcode === 787)
}

/** Runs a write; when it meets a unique index, throws what `taken` says instead. */
export async function uniquely<T>(write: () => Promise<T>, taken: () => Error): Promise<T> {
  try {
    return await write()
  } catch (error) {
    if (isUniqueViolation(error)) throw Object.assign(taken(), { cause: error })
    throw error
  }
}
