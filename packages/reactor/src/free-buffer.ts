/**
 * Gives the memory of a buffer back now. V8 counts buffers as if they were small, and lets 64 MiB of those that passed through a thread
 * gather before it looks. For a buffer that came from a stream and has been written: nobody may read it afterwards, it is empty then.
 * Does nothing to one that shares its memory with others. Any thread.
 */
export function freeBuffer(bytes: Uint8Array): void {
  const { buffer } = bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength) buffer.transfer(0)
}
