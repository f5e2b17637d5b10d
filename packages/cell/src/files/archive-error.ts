/** An archive that is broken, or that would do harm if it were unpacked. The message is for the user who made it. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError'
}
