/** UAA or the Cloud Controller could not be asked, so nobody knows what the reader may see. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
}
