const wellKnown = new Set([
  '',
  'admin',
  'administrator',
  'changeme',
  'cloudfoundry',
  'default',
  'password',
  'root',
  'secret',
  'test',
  'uaa',
  'vcap',
])

/** Whether a stranger would try this secret first: a usual default, or the owner's own name. */
export function isWellKnownSecret(secret: string, owner: string): boolean {
  const folded = secret.toLowerCase()
  return wellKnown.has(folded) || folded === owner.toLowerCase() || /^(.)\1*$/.test(folded)
}
