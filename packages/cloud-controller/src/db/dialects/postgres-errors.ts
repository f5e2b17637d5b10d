import { DatabaseUnavailable } from '../database-unavailable.ts'

/** SQLSTATEs after which a later try may succeed (PostgreSQL manual, appendix A). */
const unavailableStates = new Set([
  '25P03', // idle_in_transaction_session_timeout
  '53300', // too_many_connections
  '55P03', // lock_not_available: lock_timeout
  '57014', // query_canceled: statement_timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
])
const connectionExceptionClass = '08'

/** What pg throws by itself, without any code, when the connection is gone. */
const connectionLost = /^(Connection terminated|Client has encountered a connection error|Client was closed)/
const systemErrors = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'])

/** The error of a statement as the rest of the program sees it: DatabaseUnavailable, or what it was. */
export function statementError(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const isUnavailable =
    unavailableStates.has(code) ||
    (code.length === 5 && code.startsWith(connectionExceptionClass)) ||
    systemErrors.has(code) ||
    connectionLost.test(error.message)
  return isUnavailable ? new DatabaseUnavailable(error) : error
}

/** feature_not_supported is what PostgreSQL says when a table has changed below a prepared statement. */
const outdatedPlanState = '0A000'

/** Whether a migration, by another Cloud Controller, has outdated a prepared statement. */
export function isOutdatedPlan(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && error.code === outdatedPlanState && /cached plan/.test(error.message)
  )
}
