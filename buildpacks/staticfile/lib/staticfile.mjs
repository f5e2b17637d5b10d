/** A Staticfile or Staticfile.auth that can't be served as it stands; the message is for the person who pushed it. */
export class StaticfileError extends Error {}

/**
 * Reads the YAML that Staticfiles are written in: `key: value` lines, comments, quotes, and one level of nesting.
 * @returns {Record<string, string | Record<string, string>>}
 */
export function parseStaticfile(text) {
  const settings = {}
  let parent
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (/^\s*(#.*)?$/.test(line) || /^(---|\.\.\.)\s*$/.test(line)) continue
    const found = /^(\s*)(?:"([^"]*)"|'([^']*)'|([^\s:#"'][^:]*?))\s*:(?:\s+(.*))?$/.exec(line)
    if (!found) throw new StaticfileError(`Staticfile, line ${index + 1}: this is not "setting: value": ${line.trim()}`)
    const [, indentation, double, single, plain, rest = ''] = found
    const key = double ?? single ?? plain
    const value = scalar(rest)
    if (indentation === '') {
      parent = value === '' ? key : undefined
      settings[key] = value
    } else if (parent === undefined) {
      throw new StaticfileError(`Staticfile, line ${index + 1}: "${key}" is indented below nothing`)
    } else {
      if (typeof settings[parent] !== 'object') settings[parent] = {}
      settings[parent][key] = value
    }
  }
  return settings
}

function scalar(text) {
  const quoted = /^(?:"([^"]*)"|'([^']*)')\s*(?:#.*)?$/.exec(text)
  return quoted ? (quoted[1] ?? quoted[2]) : text.replace(/(^|\s)#.*$/, '').trim()
}

/** YAML's words for true, and the words that Cloud Foundry's Staticfiles use. */
export function isOn(value) {
  return typeof value === 'string' && /^(true|yes|on|enabled|visible)$/i.test(value)
}
