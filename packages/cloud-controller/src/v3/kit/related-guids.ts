/** Guids by the guid of what they belong to, as the `data` of a to-many relationship. */
export function relatedGuids(rows: ReadonlyArray<{ owner: string | null; guid: string }>) {
  const related = new Map<string, Array<{ guid: string }>>()
  for (const { owner, guid } of rows) {
    if (owner === null) continue
    const data = related.get(owner)
    if (data) data.push({ guid })
    else related.set(owner, [{ guid }])
  }
  return related
}
